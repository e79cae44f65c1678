// SPDX-License-Identifier: Apache-2.0
#include "study/crossover.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "base/error.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

constexpr double kNearBest = 1.05;
constexpr std::int64_t kFraction = 32;
constexpr std::int64_t kGrain = 64 * 1024;

/// Evaluates each capacity once.
class Evaluated {
public:
    explicit Evaluated(const EvaluateCapacity& evaluate) : evaluate_(evaluate) {}

    const std::optional<CapacityPoint>& at(Bytes capacity) {
        const auto known = points_.find(capacity);
        return known != points_.end()
                   ? known->second
                   : points_.emplace(capacity, evaluate_(capacity)).first->second;
    }

private:
    const EvaluateCapacity& evaluate_;
    std::map<Bytes, std::optional<CapacityPoint>> points_;
};

std::vector<Bytes> doublings(Bytes from, Bytes to) {
    std::vector<Bytes> capacities;
    for (Bytes capacity = from; capacity < to; capacity = capacity * 2) {
        capacities.push_back(capacity);
    }
    capacities.push_back(to);
    return capacities;
}

using Good = std::function<bool(const CapacityPoint&)>;

/// The first doubling that is good, then halves the step before it.
std::optional<Bytes> least(const std::vector<Bytes>& capacities, Evaluated& evaluated,
                           const Good& good) {
    const auto is_good = [&](Bytes capacity) {
        const auto& point = evaluated.at(capacity);
        return point && good(*point);
    };
    const auto first = std::find_if(capacities.begin(), capacities.end(), is_good);
    if (first == capacities.end()) {
        return std::nullopt;
    }
    Bytes high = *first;
    Bytes low = first == capacities.begin() ? high : *(first - 1);
    while ((high - low).count() > std::max(high.count() / kFraction, kGrain)) {
        const Bytes middle((low.count() + (high - low).count() / 2) / kGrain * kGrain);
        if (middle <= low) {
            break;
        }
        (is_good(middle) ? high : low) = middle;
    }
    return high;
}

}  // namespace

Crossover find_crossover(Bytes from, Bytes to, const CapacityPoint& reference,
                         const EvaluateCapacity& evaluate) {
    Evaluated evaluated(evaluate);
    const std::vector<Bytes> capacities = doublings(from, to);
    Crossover crossover;
    bool any = false;
    for (const Bytes capacity : capacities) {
        const auto& point = evaluated.at(capacity);
        if (point && (!any || point->energy < crossover.best_energy)) {
            crossover.best = capacity;
            crossover.best_energy = point->energy;
            any = true;
        }
    }
    if (!any) {
        throw InputError("crossover: the network runs at no capacity from " + format_bytes(from) +
                         " to " + format_bytes(to));
    }
    crossover.knee = *std::find_if(capacities.begin(), capacities.end(), [&](Bytes capacity) {
        const auto& point = evaluated.at(capacity);
        return point && point->energy.count() <= crossover.best_energy.count() * kNearBest;
    });
    crossover.energy = least(capacities, evaluated, [&](const CapacityPoint& point) {
        return point.energy <= reference.energy;
    });
    crossover.speed = least(capacities, evaluated, [&](const CapacityPoint& point) {
        return point.per_second >= reference.per_second;
    });
    return crossover;
}

}  // namespace memwall
