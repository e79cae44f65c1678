// SPDX-License-Identifier: Apache-2.0
// The best points that a search has come across.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "arch/loop_nest/exact_choice.hpp"
#include "arch/loop_nest/nest_cost.hpp"

namespace memwall {

struct ScoredPoint {
    NestPoint point;
    NestScore score;
};

/// A few different points, the best first.
class BestPoints {
public:
    [[nodiscard]] bool empty() const { return points_.empty(); }
    [[nodiscard]] const ScoredPoint& front() const { return points_.front(); }
    [[nodiscard]] auto begin() const { return points_.begin(); }
    [[nodiscard]] auto end() const { return points_.end(); }

    /// What a point must not be worse than to be one of `most`.
    [[nodiscard]] NestScore worst(std::size_t most) const {
        return points_.size() < most ? NestScore() : points_.back().score;
    }

    /// Keeps a point that is among the best `most`.
    void add(const NestPoint& point, const NestScore& score, std::size_t most) {
        const bool full = points_.size() >= most;
        if (full && !(score < points_.back().score)) {
            return;
        }
        if (std::any_of(points_.begin(), points_.end(), [&](const ScoredPoint& known) {
                const bool alike = !(known.score < score) && !(score < known.score);
                return alike && known.point.has_loops_of(point);
            })) {
            return;
        }
        if (full) {
            points_.pop_back();
        }
        const auto place =
            std::find_if(points_.begin(), points_.end(),
                         [&](const ScoredPoint& other) { return score < other.score; });
        points_.insert(place, {point, score});
    }

private:
    std::vector<ScoredPoint> points_;
};

}  // namespace memwall
