// SPDX-License-Identifier: Apache-2.0
// A DRAM as its data sheet gives it, resolved to clocks.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/quantity.hpp"

namespace memwall {

/// `banked`: commands, banks and rows. `simple`: bandwidth and latency only, for teaching.
enum class DramModel { banked, simple };
/// `open`: a row stays open until another is wanted. `closed`: it closes with the last burst that
/// waits for it.
enum class DramPage { open, closed };
/// Both take the oldest command that is ready first. `row_hits_first` never closes a row for a
/// burst while an older burst waits for that row; `first_ready` does as soon as the timings allow.
enum class DramScheduling { first_ready, row_hits_first };
/// One command a clock, or one row and one column command a clock (HBM).
enum class DramCommandBus { shared, split };

/// The least distances between commands of a channel, in clocks: JEDEC's names.
struct DramTimings {
    std::int64_t burst = 1;       ///< a burst on the data bus
    std::int64_t CL = 1;          ///< read command to its first data
    std::int64_t CWL = 1;         ///< write command to its first data
    std::int64_t tRCD_read = 1;   ///< activate to read
    std::int64_t tRCD_write = 1;  ///< activate to write
    std::int64_t tRP = 1;         ///< precharge to activate
    std::int64_t tRAS = 1;        ///< activate to precharge
    std::int64_t tRC = 2;         ///< activate to activate of one bank
    std::int64_t tRRD_S = 0;      ///< activate to activate, other bank group
    std::int64_t tRRD_L = 0;      ///< and the same bank group
    std::int64_t tFAW = 0;        ///< the first to the fifth activate
    std::int64_t tCCD_S = 1;      ///< column command to column command, other bank group
    std::int64_t tCCD_L = 1;      ///< and the same bank group
    std::int64_t tWR = 0;         ///< end of write data to precharge
    std::int64_t tWTR_S = 0;      ///< end of write data to read, other bank group
    std::int64_t tWTR_L = 0;      ///< and the same bank group
    std::int64_t tRTP = 0;        ///< read to precharge
    std::int64_t tRTW = 0;        ///< read to write command
    std::int64_t tREFI = 0;       ///< refresh to refresh; zero: never refreshed
    std::int64_t tRFC = 0;        ///< refresh of all banks to the next command
    std::int64_t activate = 1;    ///< clocks that an activate takes on its command bus
};

/// What the bits of a channel's own burst number stand for.
enum class DramField : std::uint8_t { row, bank, bank_group, column };
inline constexpr std::size_t kDramFieldCount = 4;

/// The bits of a burst's number in its channel, most significant first, and what is XORed in.
struct DramMapping {
    struct Bits {
        DramField field = DramField::row;
        std::int64_t count = 0;  ///< of the field's own bits, from its highest to its lowest
    };
    /// The row comes first and has all bits above the others'.
    std::vector<Bits> bits;
    /// `field` is XORed with as many bits of `with`, from bit `from` on.
    struct Hash {
        DramField field = DramField::bank;
        DramField with = DramField::column;
        std::int64_t from = 0;
    };
    std::vector<Hash> hashes;
};

/// One kind of DRAM: channels of banks with rows. All channels are alike and independent.
struct DramConfig {
    std::string name;
    DramModel model = DramModel::banked;
    Bytes capacity;
    std::int64_t channels = 1;     ///< independent (pseudo-)channels
    std::int64_t bank_groups = 1;  ///< a channel
    std::int64_t banks = 1;        ///< a channel, all bank groups together
    Bytes row;                     ///< of one bank
    Bytes burst;                   ///< the least that is read or written
    Bytes interleave;  ///< consecutive bytes on one channel before the next; a multiple of burst
    Picoseconds clock = Picoseconds(1);  ///< the period of the command clock
    /// The peak at the clock that its file gives, where the clock is made for a stated bandwidth.
    std::optional<BytesPerSecond> own_peak;
    DramTimings timings;
    DramMapping mapping;
    DramPage page = DramPage::open;
    DramScheduling scheduling = DramScheduling::row_hits_first;
    DramCommandBus command_bus = DramCommandBus::shared;
    std::int64_t queue = 32;   ///< bursts that the scheduler of a channel chooses from, each way
    BytesPerSecond bandwidth;  ///< of `simple`, or that the clock is made for
    Picoseconds latency;       ///< of `simple`: from an access's last byte to its completion

    /// A burst on the data bus: burst / (a channel's peak bandwidth).
    [[nodiscard]] Picoseconds burst_time() const { return clock * timings.burst; }
    /// From the command that reads or writes a burst to the begin of its data.
    [[nodiscard]] Picoseconds data_latency(bool write) const {
        return model == DramModel::simple ? latency : clock * (write ? timings.CWL : timings.CL);
    }
    /// A read of a closed bank, its last data included.
    [[nodiscard]] Picoseconds read_latency() const {
        return model == DramModel::simple
                   ? latency
                   : clock * (timings.tRCD_read + timings.CL + timings.burst);
    }
    /// From one open row of a bank to the next.
    [[nodiscard]] Picoseconds row_switch() const {
        return model == DramModel::simple ? latency : clock * (timings.tRP + timings.tRCD_read);
    }
    /// What a write among reads costs beside its data: the bus turns twice, and the write opens a
    /// row of its own.
    [[nodiscard]] Picoseconds turn_time() const {
        return model == DramModel::simple
                   ? latency
                   : clock * (timings.tRTW + timings.tRP + timings.tRCD_write + timings.CWL +
                              timings.burst + timings.tWTR_L);
    }
    /// Bursts of one channel on its bus.
    [[nodiscard]] Picoseconds bus_time(std::int64_t bursts) const {
        if (model == DramModel::simple) {
            return Picoseconds(std::llround(static_cast<double>(bursts * burst.count()) /
                                            bandwidth.count() * 1e12));
        }
        return burst_time() * bursts;
    }
    [[nodiscard]] BytesPerSecond peak() const {
        if (model == DramModel::simple) {
            return bandwidth;
        }
        return BytesPerSecond(static_cast<double>(channels * burst.count()) * 1e12 /
                              static_cast<double>(burst_time().count()));
    }
};

}  // namespace memwall
