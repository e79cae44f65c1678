// SPDX-License-Identifier: Apache-2.0
// The `queued` server: a DRAM's channels, each with its own queue and scheduler.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arch/dram_config.hpp"
#include "sim/dram_channel.hpp"
#include "sim/dram_layout.hpp"
#include "sim/dram_port.hpp"
#include "sim/timer_queue.hpp"

namespace memwall {

/// Cuts accesses into bursts, spreads them over the channels and reports each when the last of its
/// channels has delivered.
class DramController final : public DramPort {
public:
    /// `by_burst`: every burst is decided on its own; slow, the same result.
    explicit DramController(const DramConfig& config, bool by_burst = false);

    void submit(std::int32_t tag, const DramAccess& access, const ClockDomain& clock,
                Picoseconds now) override;
    void settle(Picoseconds now) override;
    [[nodiscard]] Picoseconds next_time() const override;
    void advance(Picoseconds now, std::vector<std::int32_t>& finished) override;

    [[nodiscard]] Picoseconds delay(std::int32_t tag) const override;
    [[nodiscard]] const std::vector<std::int64_t>& bursts_by_channel() const override {
        return busy_;
    }
    void reset_busy() override;
    [[nodiscard]] DramOutcome outcome(Picoseconds end) const override;

private:
    struct Request {
        std::int64_t id = -1;  ///< -1: the slot is free
        std::int32_t tag = 0;
        const ClockDomain* clock = nullptr;
        std::vector<std::int32_t> channels;
    };

    /// Sets the finish of a request, or takes it back where a channel has not decided all of it.
    void schedule(std::size_t slot);
    void finish(std::size_t slot);

    DramConfig config_;
    DramLayout layout_;
    std::vector<std::unique_ptr<DramChannel>> channels_;
    std::vector<Request> requests_;
    std::vector<std::int32_t> free_slots_;
    TimerQueue due_;      ///< requests, by slot, that are decided
    TimerQueue horizon_;  ///< channels that have more to decide
    std::vector<bool> touched_;
    bool any_touched_ = false;
    std::vector<Picoseconds> delays_;  ///< by tag
    std::vector<std::int64_t> busy_;
    std::int64_t next_id_ = 0;
};

}  // namespace memwall
