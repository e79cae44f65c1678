// SPDX-License-Identifier: Apache-2.0
// The `fifo` server: arrays, vector units and DMA engines, each busy until a known time.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/server.hpp"
#include "sim/timer_queue.hpp"

namespace memwall {

/// The units of one component. A unit takes as many requests at once as it has servers; the order
/// in which waiting requests come to it is the requester's, first come, first served.
class FifoServer final : public Server {
public:
    /// A unit with so many servers; returns its number here.
    std::int32_t add_unit(std::int64_t servers);

    [[nodiscard]] bool free(std::int32_t unit) const;
    /// Takes one server of a unit that is free.
    void take(std::int32_t unit);
    /// Gives it back. What ends the service need not be a time of this server.
    void release(std::int32_t unit);
    /// Reports `tag` at `time`.
    void finish_at(std::int32_t tag, Picoseconds time) { due_.set(tag, time); }

    [[nodiscard]] Picoseconds next_time() const override { return due_.next(); }
    void advance(Picoseconds now, std::vector<std::int32_t>& finished) override;

private:
    struct Unit {
        std::int64_t servers = 1;
        std::int64_t taken = 0;
    };
    std::vector<Unit> units_;
    TimerQueue due_;
};

}  // namespace memwall
