// SPDX-License-Identifier: Apache-2.0
#include "arch/placement.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

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
        for (std::size_t s = lifetime.first; s <= lifetime.last; ++s) {
            live[s % steps] += lifetime.bytes;
        }
    }
    return live;
}

SharedSpace share_space(const std::vector<Lifetime>& lifetimes, Bytes alignment) {
    std::size_t steps = 0;
    for (const Lifetime& lifetime : lifetimes) {
        steps = std::max(steps, lifetime.last + 1);
    }
    return share_space(lifetimes, steps, alignment);
}

SharedSpace share_space(const std::vector<Lifetime>& lifetimes, std::size_t steps,
                        Bytes alignment) {
    using Taken = std::vector<std::pair<std::int64_t, std::int64_t>>;
    SharedSpace space;
    std::vector<Taken> taken_at(steps);
    Taken taken;  // while the next one lives
    for (const Lifetime& next : lifetimes) {
        ensure(next.last - next.first < steps, "a life is shorter than two rounds");
        taken.clear();
        for (std::size_t s = next.first; s <= next.last; ++s) {
            const Taken& here = taken_at[s % steps];
            taken.insert(taken.end(), here.begin(), here.end());
        }
        std::sort(taken.begin(), taken.end());
        std::int64_t at = 0;
        for (const auto& [begin, end] : taken) {
            if (at + next.bytes.count() <= begin) {
                break;
            }
            at = std::max(at, ceil_divide(end, alignment.count()) * alignment.count());
        }
        for (std::size_t s = next.first; s <= next.last; ++s) {
            taken_at[s % steps].emplace_back(at, at + next.bytes.count());
        }
        space.offsets.push_back(at);
        space.size = std::max(space.size, Bytes(at) + next.bytes);
    }
    return space;
}

}  // namespace memwall
