// SPDX-License-Identifier: Apache-2.0
// The `simple` model of a DRAM: bandwidth and latency, accesses one after another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "arch/dram_config.hpp"
#include "sim/dram_port.hpp"
#include "sim/timer_queue.hpp"

namespace memwall {

class SimpleDram final : public DramPort {
public:
    explicit SimpleDram(const DramConfig& config) : config_(config), busy_(1, 0) {}

    void submit(std::int32_t tag, std::int32_t stream, const DramAccess& access,
                const ClockDomain& clock, Picoseconds now) override;
    [[nodiscard]] Picoseconds next_time() const override {
        return std::min(accepting_.next(), due_.next());
    }
    void advance(Picoseconds now, std::vector<std::int32_t>& finished) override;

    void take_accepted(std::vector<std::int32_t>& accepted) override;
    [[nodiscard]] Picoseconds delay(std::int32_t tag) const override;
    [[nodiscard]] const std::vector<std::int64_t>& bursts_by_channel() const override {
        return busy_;
    }
    void reset_busy() override { busy_[0] = 0; }
    [[nodiscard]] DramOutcome outcome(Picoseconds end) const override;

private:
    struct Request {
        std::int32_t tag = 0;
        std::int64_t bursts = 0;
        Picoseconds delay;
    };

    const DramConfig config_;
    std::vector<Request> requests_;
    std::vector<std::int32_t> free_slots_;
    TimerQueue due_;  ///< requests, by slot
    TimerQueue accepting_;
    std::vector<std::int32_t> accepted_;  ///< tags to be told
    Picoseconds free_at_;
    std::int64_t bursts_ = 0;
    std::vector<std::int64_t> busy_;
    std::vector<Picoseconds> delays_;  ///< by tag
};

}  // namespace memwall
