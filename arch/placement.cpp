// SPDX-License-Identifier: Apache-2.0
#include "arch/placement.hpp"

#include <algorithm>

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

SharedSpace share_space(const std::vector<Lifetime>& lifetimes, Bytes alignment) {
    SharedSpace space;
    std::vector<std::pair<std::int64_t, std::int64_t>> taken;  // while the next one lives
    for (std::size_t next = 0; next < lifetimes.size(); ++next) {
        taken.clear();
        for (std::size_t before = 0; before < next; ++before) {
            if (lifetimes[before].first <= lifetimes[next].last &&
                lifetimes[next].first <= lifetimes[before].last) {
                const std::int64_t begin = space.offsets[before];
                taken.emplace_back(begin, begin + lifetimes[before].bytes.count());
            }
        }
        std::sort(taken.begin(), taken.end());
        std::int64_t at = 0;
        for (const auto& [begin, end] : taken) {
            if (at + lifetimes[next].bytes.count() <= begin) {
                break;
            }
            at = std::max(at, ceil_divide(end, alignment.count()) * alignment.count());
        }
        space.offsets.push_back(at);
        space.size = std::max(space.size, Bytes(at) + lifetimes[next].bytes);
    }
    return space;
}

}  // namespace memwall
