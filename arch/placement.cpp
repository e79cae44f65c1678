// SPDX-License-Identifier: Apache-2.0
#include "arch/placement.hpp"

namespace memwall {

std::int64_t Allocator::allocate(const std::string& name, Bytes bytes) {
    const std::int64_t address =
        checked_multiply(ceil_divide(next_, alignment_.count()), alignment_.count());
    next_ = checked_add(address, bytes.count());
    allocations_.push_back({name, address, bytes});
    return address;
}

std::vector<Bytes> live_bytes(const std::vector<Lifetime>& lifetimes, std::size_t steps) {
    std::vector<Bytes> live(steps);
    for (const Lifetime& lifetime : lifetimes) {
        for (std::size_t s = lifetime.first; s <= lifetime.last && s < steps; ++s) {
            live[s] += lifetime.bytes;
        }
    }
    return live;
}

}  // namespace memwall
