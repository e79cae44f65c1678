// SPDX-License-Identifier: Apache-2.0
// How units that read and write one DRAM at once share its bandwidth, where no burst is simulated.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "arch/dram_config.hpp"
#include "arch/identifiers.hpp"
#include "base/quantity.hpp"

namespace memwall {

// MODEL: analytic, units that use a DRAM at once share it evenly: an access waits for as much of
// what others have under way as it takes itself, and puts that off for as long, never past the end
// of all that was asked for. One that is `simple` serves in the order of asking, in both engines.
class DramShares {
public:
    DramShares(std::size_t units, DramModel model)
        : delivered_(units), in_order_(model == DramModel::simple) {}

    /// Whether an access is served when all before it are: a unit goes on when it is.
    [[nodiscard]] bool in_order() const { return in_order_; }

    /// An access that takes `time` alone, from `start` on: when its last data is there. A unit's
    /// accesses are served one after another.
    Picoseconds deliver(UnitId unit, Picoseconds start, Picoseconds time) {
        all_ = std::max(all_, start) + time;
        if (in_order_) {
            return all_;
        }
        Picoseconds& delivered = delivered_[unit.position()];
        delivered = std::max(delivered, start) + time;
        for (Picoseconds& other : delivered_) {
            if (other > start && &other != &delivered) {
                const Picoseconds shared = std::min(time, other - start);
                delivered += shared;
                other = std::min(other + shared, all_);
            }
        }
        delivered = std::min(delivered, all_);
        return delivered;
    }

    /// Calls `visit` with each time that decides what comes.
    template <typename Visit>
    void each_time(const Visit& visit) const {
        std::for_each(delivered_.begin(), delivered_.end(), visit);
        visit(all_);
    }
    void put_off(Picoseconds later) {
        for (Picoseconds& delivered : delivered_) {
            delivered += later;
        }
        all_ += later;
    }

private:
    std::vector<Picoseconds> delivered_;  ///< by unit: the last data of its accesses
    Picoseconds all_;                     ///< the last data of all accesses, one after another
    bool in_order_;
};

}  // namespace memwall
