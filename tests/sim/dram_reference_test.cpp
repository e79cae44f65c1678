// SPDX-License-Identifier: Apache-2.0
// The scheduler beside a cycle-accurate one: what Ramulator 2.1 (CMU-SAFARI/ramulator2, MIT) gives
// for DDR4, 8 Gb x8, 3200AA, FR-FCFS, open rows, all-bank refresh, queues of 32.
#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "sim/dram_layout.hpp"
#include "sim/dram_scheduler.hpp"
#include "tests/support/machines.hpp"

using namespace memwall;
using Command = DramScheduler::Command;

namespace {

DramConfig ddr4(const std::string& mapping, bool refresh) {
    test::Overrides overrides = {{"scheduling", "first_ready"}};
    if (mapping == "RoBaRaCoCh") {
        overrides.emplace_back("mapping", "[row, bank, bank_group, column]");
        overrides.emplace_back("mapping_xor", "[]");
    }
    if (!refresh) {
        overrides.emplace_back("tREFI", "0 cycles");
    }
    return std::get<DramConfig>(test::shipped_dram("ddr4", overrides).config);
}

/// Reads, as fast as the queue takes them, one after another or anywhere in 8 GiB; the part of the
/// peak that they reach.
double part_of_peak(const DramConfig& dram, bool random_reads) {
    constexpr std::int64_t kReads = 100'000;
    const DramLayout layout(dram);
    DramScheduler scheduler(dram);
    std::mt19937_64 random(1);
    std::int64_t sent = 0;
    std::int64_t end = 0;
    while (!scheduler.empty() || sent < kReads) {
        for (; sent < kReads && scheduler.has_room(false); ++sent) {
            const auto burst = random_reads
                                   ? static_cast<std::int64_t>(random() % (std::uint64_t{1} << 27U))
                                   : sent;
            const DramLayout::Block block = layout.block(layout.block_of(burst));
            scheduler.enqueue({block.row, layout.bank(block, burst), false, 0}, end);
        }
        const auto issued = scheduler.step(INT64_MAX);
        end = issued.clock;
    }
    return static_cast<double>(kReads * dram.timings.burst) / static_cast<double>(end);
}

/// The front end of Ramulator's latency-throughput test: eight slots a clock, taken in turns by a
/// stream, which sends in one turn of `gap`, and by a probe, which is one read at a time anywhere.
/// The stream goes round the banks, each bank a sixteenth of its 128 columns ahead of the one
/// before.
class StreamAndProbe {
public:
    StreamAndProbe(const DramConfig& dram, std::int64_t gap) : scheduler_(dram), gap_(gap) {}

    struct Measured {
        double bytes_per_clock = 0;
        double probe_clocks = 0;
    };
    Measured run(std::int64_t probes) {
        std::int64_t clock = 0;
        for (; done_ < probes; ++clock) {
            for (int slot = 0; slot < 8; ++slot) {
                take_slot(clock);
            }
            while (true) {
                const auto issued = scheduler_.step(clock + 1);
                if (issued.command == Command::none) {
                    break;
                }
                count(issued);
            }
        }
        return {static_cast<double>(reads_ * 64) / static_cast<double>(clock),
                static_cast<double>(waited_) / static_cast<double>(done_)};
    }

private:
    void take_slot(std::int64_t clock) {
        probe_under_way_ = probe_under_way_ && probe_end_ > clock;
        if (probes_turn_) {
            if (probe_under_way_) {
                probes_turn_ = false;
            } else if (scheduler_.has_room(false)) {
                scheduler_.enqueue({static_cast<std::int64_t>(random_() % 65'536),
                                    static_cast<std::int32_t>(random_() % 16), false, 1},
                                   clock);
                probe_under_way_ = true;
                probe_end_ = INT64_MAX;
                probes_turn_ = false;
            }
            return;
        }
        const bool passes = turn_ != 0;
        turn_ = (turn_ + 1) % gap_;
        if (passes) {
            probes_turn_ = true;
        } else if (scheduler_.has_room(false)) {
            const std::int64_t round = stream_ / 16 + stream_ % 16 * 8;
            // Bank groups first: 0, 4, 8, 12, 1, ...
            const std::int64_t bank = stream_ % 4 * 4 + stream_ / 4 % 4;
            scheduler_.enqueue({round / 128 % 65'536, static_cast<std::int32_t>(bank), false, 0},
                               clock);
            ++stream_;
            probes_turn_ = true;
        }
    }

    void count(const DramScheduler::Issued& issued) {
        if (issued.command != Command::column) {
            return;
        }
        ++reads_;
        if (issued.owner == 1) {
            probe_end_ = issued.clock + scheduler_.data_end(false);
            waited_ += probe_end_ - issued.entered;
            ++done_;
        }
    }

    DramScheduler scheduler_;
    std::int64_t gap_;
    std::mt19937_64 random_{1};
    std::int64_t turn_ = 0;
    bool probes_turn_ = false;
    bool probe_under_way_ = false;
    std::int64_t probe_end_ = 0;
    std::int64_t stream_ = 0;
    std::int64_t reads_ = 0;
    std::int64_t done_ = 0;
    std::int64_t waited_ = 0;
};

double per_cent(double measured, double expected) {
    return (measured / expected - 1) * 100;
}

/// Notes a row for docs/validation.md where MEMWALL_DRAM_TABLE names a file.
void note(const std::string& row) {
    if (const char* path = std::getenv("MEMWALL_DRAM_TABLE")) {
        std::ofstream(path, std::ios::app) << row << "\n";
    }
}

std::string digits(double value, int places) {
    std::ostringstream text;
    text.precision(places);
    text << std::fixed << value;
    return text.str();
}

}  // namespace

TEST_CASE("DDR4's bandwidth is a cycle-accurate simulator's within 7 %, by mapping and pattern") {
    struct Row {
        const char* mapping;
        bool random;
        bool refresh;
        double part;  ///< of the peak, there
    };
    const Row row =
        GENERATE(Row{"RoBaRaCoCh", false, true, 0.6149}, Row{"MOP4CLXOR", false, true, 0.9386},
                 Row{"RoBaRaCoCh", true, true, 0.4339}, Row{"MOP4CLXOR", true, true, 0.4339},
                 Row{"MOP4CLXOR", false, false, 0.9887}, Row{"MOP4CLXOR", true, false, 0.4706});
    const double part = part_of_peak(ddr4(row.mapping, row.refresh), row.random);
    const std::string name = std::string(row.random ? "random" : "a stream") + ", " + row.mapping +
                             (row.refresh ? "" : ", no refresh");
    INFO(name << ": " << part << " of the peak, there " << row.part);
    CHECK(std::abs(per_cent(part, row.part)) < 7);
    note("| " + name + " | bandwidth, of the peak | " + digits(row.part, 4) + " | " +
         digits(part, 4) + " | " + digits(per_cent(part, row.part), 1) + " % |");
}

TEST_CASE("DDR4's latency under load is a cycle-accurate simulator's within 15 %") {
    struct Row {
        std::int64_t gap;
        double gb_per_s;
        double probe_ns;
    };
    const Row row = GENERATE(Row{10'000, 1.447, 45.51}, Row{1'000, 1.789, 46.4},
                             Row{100, 5.405, 48.89}, Row{40, 11.246, 50.61}, Row{30, 14.455, 51.49},
                             Row{20, 20.828, 55.56}, Row{1, 24.269, 136.82});
    const auto measured = StreamAndProbe(ddr4("", true), row.gap).run(2'000);
    const double gb_per_s = measured.bytes_per_clock * 1.6;
    const double ns = measured.probe_clocks * 0.625;
    INFO("a stream's read every " << row.gap << " slots: " << gb_per_s << " GB/s, probe " << ns
                                  << " ns; there " << row.gb_per_s << " GB/s, " << row.probe_ns);
    CHECK(std::abs(per_cent(gb_per_s, row.gb_per_s)) < 7);
    CHECK(std::abs(per_cent(ns, row.probe_ns)) < 15);
    const std::string name = "a read every " + std::to_string(row.gap) + " slots, and a probe";
    note("| " + name + " | GB/s | " + digits(row.gb_per_s, 2) + " | " + digits(gb_per_s, 2) +
         " | " + digits(per_cent(gb_per_s, row.gb_per_s), 1) + " % |");
    note("| " + name + " | probe's latency, ns | " + digits(row.probe_ns, 1) + " | " +
         digits(ns, 1) + " | " + digits(per_cent(ns, row.probe_ns), 1) + " % |");
}
