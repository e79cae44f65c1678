// SPDX-License-Identifier: Apache-2.0
#include "sim/fifo_server.hpp"

#include "base/error.hpp"

namespace memwall {

std::int32_t FifoServer::add_unit(std::int64_t servers) {
    ensure(servers > 0, "a unit has at least one server");
    units_.push_back({servers, 0});
    return static_cast<std::int32_t>(units_.size() - 1);
}

bool FifoServer::free(std::int32_t unit) const {
    const Unit& which = units_[static_cast<std::size_t>(unit)];
    return which.taken < which.servers;
}

void FifoServer::take(std::int32_t unit) {
    ensure(free(unit), "only a free unit is taken");
    ++units_[static_cast<std::size_t>(unit)].taken;
}

void FifoServer::release(std::int32_t unit) {
    Unit& which = units_[static_cast<std::size_t>(unit)];
    ensure(which.taken > 0, "only a unit that was taken is released");
    --which.taken;
}

void FifoServer::advance(Picoseconds now, std::vector<std::int32_t>& finished) {
    while (due_.next() <= now) {
        finished.push_back(due_.pop());
    }
}

}  // namespace memwall
