// SPDX-License-Identifier: Apache-2.0
#include "arch/placement.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.hpp"

namespace memwall {
namespace {

/// Steps of one round, both included.
struct StepRange {
    std::size_t first = 0;
    std::size_t last = 0;
};

/// A life that goes on in the next round is there at the end of a round and at its begin.
std::vector<StepRange> within_round(const Lifetime& life, std::size_t steps) {
    ensure(life.first < steps && life.last - life.first < steps,
           "a life begins in its round and is shorter than two");
    if (life.last < steps) {
        return {{life.first, life.last}};
    }
    return {{life.first, steps - 1}, {0, life.last - steps}};
}

/// Where things lie, found by the steps at which they live: a tree of ranges of steps, in which
/// each stands at the few ranges that make up its life.
class PlacesByStep {
public:
    using Place = std::pair<std::int64_t, std::int64_t>;  ///< [begin, end)

    explicit PlacesByStep(std::size_t steps) : leaves_(steps), begin_at_(steps) {
        through_.resize(2 * leaves_);
    }

    void add(const StepRange& life, const Place& place) {
        begin_at_[life.first].push_back(place);
        std::size_t low = life.first + leaves_;
        for (std::size_t high = life.last + leaves_ + 1; low < high; low /= 2, high /= 2) {
            if (low % 2 == 1) {
                through_[low++].push_back(place);
            }
            if (high % 2 == 1) {
                through_[--high].push_back(place);
            }
        }
    }

    /// Appends the places of all that live at some step of the range.
    void find(const StepRange& life, std::vector<Place>& found) const {
        const auto append = [&](const std::vector<Place>& places) {
            found.insert(found.end(), places.begin(), places.end());
        };
        for (std::size_t node = life.first + leaves_; node > 0; node /= 2) {
            append(through_[node]);
        }
        for (std::size_t step = life.first + 1; step <= life.last; ++step) {
            append(begin_at_[step]);
        }
    }

private:
    std::size_t leaves_;
    std::vector<std::vector<Place>> through_;  ///< by node; the leaf of a step stands at leaves_ on
    std::vector<std::vector<Place>> begin_at_;  ///< by step
};

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
        for (const StepRange& range : within_round(lifetime, steps)) {
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
    SharedSpace space;
    PlacesByStep placed(steps);
    std::vector<PlacesByStep::Place> taken;  // while the next one lives
    for (const Lifetime& next : lifetimes) {
        const std::vector<StepRange> life = within_round(next, steps);
        taken.clear();
        for (const StepRange& range : life) {
            placed.find(range, taken);
        }
        std::sort(taken.begin(), taken.end());
        std::int64_t at = 0;
        for (const auto& [begin, end] : taken) {
            if (at + next.bytes.count() <= begin) {
                break;
            }
            at = std::max(at, ceil_divide(end, alignment.count()) * alignment.count());
        }
        for (const StepRange& range : life) {
            placed.add(range, {at, at + next.bytes.count()});
        }
        space.offsets.push_back(at);
        space.size = std::max(space.size, Bytes(at) + next.bytes);
    }
    return space;
}

}  // namespace memwall
