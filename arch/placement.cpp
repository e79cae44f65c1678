// SPDX-License-Identifier: Apache-2.0
#include "arch/placement.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "arch/rows_by_step.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Bits for the steps of a memory may take this much.
constexpr std::int64_t kMostBitBytes = std::int64_t{64} << 20;

StepsOfLife steps_of(const Lifetime& life, std::size_t steps) {
    return {life.first, life.last, steps};
}

template <class TakenRows>
SharedSpace first_fit(const std::vector<Lifetime>& lifetimes, std::size_t steps, Bytes alignment,
                      std::int64_t rows_at_once) {
    SharedSpace space;
    TakenRows taken(steps, rows_at_once);
    for (const Lifetime& next : lifetimes) {
        const StepsOfLife life = steps_of(next, steps);
        const std::int64_t rows = ceil_divide(next.bytes.count(), alignment.count());
        const std::int64_t row = taken.lowest_free(life, rows);
        taken.take(life, row, rows);
        const Bytes at = alignment * row;
        space.offsets.push_back(at.count());
        space.size = std::max(space.size, at + next.bytes);
    }
    return space;
}

}  // namespace

std::int64_t Allocator::allocate(const std::string& name, Bytes bytes) {
    const std::int64_t address =
        checked_multiply(ceil_divide(next_, alignment_.count()), alignment_.count());
    next_ = checked_add(address, bytes.count());
    allocations_.push_back({name, address, bytes});
    return address;
}

std::vector<Bytes> live_bytes(const std::vector<Lifetime>& lifetimes, std::size_t steps) {
    std::vector<Bytes> live(steps);  // at first by how much it changes from the step before
    for (const Lifetime& lifetime : lifetimes) {
        for (const StepRange& range : steps_of(lifetime, steps)) {
            live[range.first] += lifetime.bytes;
            if (range.last + 1 < steps) {
                live[range.last + 1] -= lifetime.bytes;
            }
        }
    }
    std::partial_sum(live.begin(), live.end(), live.begin());
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
    Bytes most;
    for (const Bytes live : live_bytes(lifetimes, steps)) {
        most = std::max(most, live);
    }
    const std::int64_t rows = ceil_divide(most.count(), alignment.count());
    return RowBitsByStep::bytes_for(steps, rows) <= kMostBitBytes
               ? first_fit<RowBitsByStep>(lifetimes, steps, alignment, rows)
               : first_fit<RowListsByStep>(lifetimes, steps, alignment, rows);
}

}  // namespace memwall
