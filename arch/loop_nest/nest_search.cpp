// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "arch/loop_nest/nest_mapspace.hpp"
#include "arch/mapper.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// What a point is judged by; of equals the one that is better in the rest.
struct Score {
    double first = std::numeric_limits<double>::infinity();
    double second = std::numeric_limits<double>::infinity();

    friend bool operator<(const Score& a, const Score& b) {
        return a.first < b.first * (1 - 1e-12) ||
               (a.first <= b.first * (1 + 1e-12) && a.second < b.second * (1 - 1e-12));
    }
};

Score score_of(const NestFigures& figures, MappingObjective objective) {
    return {figures.of(objective), figures.cycles * figures.joules};
}

/// Of a mapspace that is tried whole so many are counted exactly: the fast count may be off a
/// little.
constexpr std::size_t kExactFinalists = 40;

/// Thrown inside the search when its budget is spent or it was cancelled.
struct SearchEnds {};

class NestSearch {
public:
    NestSearch(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
               MappingObjective objective, const SearchBudget& budget,
               const std::function<bool()>& cancelled)
        : layer_(layer),
          machine_(machine),
          prices_(prices),
          objective_(objective),
          budget_(budget),
          cancelled_(cancelled),
          cost_(layer.space, machine, prices),
          space_(layer, machine, cost_) {}

    SearchedNest run() {
        SearchedNest result;
        result.bound = nest_bound(layer_, machine_, prices_, objective_);
        bound_ = result.bound;
        try {
            if (budget_.exhaustive > 0 &&
                space_.size() <= static_cast<double>(budget_.exhaustive)) {
                budget_.finalists = kExactFinalists;
                budget_.evaluations = budget_.exhaustive;
                try_all();
                result.whole_mapspace = true;
            } else {
                descend_from_starts();
            }
        } catch (const SearchEnds&) {
            result.interrupted = cancelled_();
        }
        if (finalists_.empty()) {
            throw_does_not_fit();
        }
        result.evaluations = evaluations_;
        choose_exactly(result);
        return result;
    }

private:
    // Judging.

    std::optional<Score> judge(const NestPoint& point) {
        if (evaluations_ >= budget_.evaluations ||
            (evaluations_ % 256 == 255 && !finalists_.empty() && cancelled_())) {
            throw SearchEnds();
        }
        ++evaluations_;
        const std::optional<NestFigures> figures = cost_.figures_if_fit(point);
        if (!figures) {
            return std::nullopt;
        }
        const Score score = score_of(*figures, objective_);
        remember(point, score);
        return score;
    }

    void remember(const NestPoint& point, const Score& score) {
        const bool full = finalists_.size() >= budget_.finalists;
        if (full && !(score < finalists_.back().second)) {
            return;
        }
        for (const auto& [known, unused] : finalists_) {
            if (known == point) {
                return;
            }
        }
        if (full) {
            finalists_.pop_back();
        }
        const auto place = std::find_if(finalists_.begin(), finalists_.end(),
                                        [&](const auto& other) { return score < other.second; });
        finalists_.insert(place, {point, score});
    }

    // Descent.

    struct Current {
        NestPoint point;
        Score score;
    };

    bool take_if_better(Current& current, const NestPoint& point) {
        const std::optional<Score> score = judge(point);
        if (score && *score < current.score) {
            current = {point, *score};
            return true;
        }
        return false;
    }

    bool change_tile(Current& current, std::size_t l, std::size_t d) {
        bool better = false;
        const NestPoint from = current.point;
        for (const std::int64_t size : space_.sizes(from, l, d, budget_.sizes)) {
            if (size == from.held[l][d]) {
                continue;
            }
            NestPoint point = from;
            point.held[l][d] = size;
            space_.raise_above(point, l, d);
            better = take_if_better(current, point) || better;
        }
        return better;
    }

    bool change_order(Current& current, std::size_t l) {
        bool better = false;
        const NestPoint from = current.point;
        for (const auto& order : space_.orders()) {
            NestPoint point = from;
            point.order[l] = order;
            if (order != from.order[l] && take_if_better(current, point)) {
                better = true;
            }
        }
        return better;
    }

    bool change_bypass(Current& current, std::size_t l) {
        bool better = false;
        for (std::size_t o = 0; o < cost_.operands(); ++o) {
            if (!space_.may_keep(l, o)) {
                continue;
            }
            NestPoint point = current.point;
            point.keeps[l] ^= 1U << o;
            if (!space_.kept_somewhere(point, o)) {
                continue;
            }
            better = take_if_better(current, point) || better;
        }
        return better;
    }

    /// One tile grows while another one shrinks.
    bool change_pair(Current& current, std::size_t l, std::size_t d, std::size_t e) {
        bool better = false;
        const NestPoint from = current.point;
        for (const std::int64_t first : space_.sizes(from, l, d, budget_.sizes)) {
            NestPoint half = from;
            half.held[l][d] = first;
            space_.raise_above(half, l, d);
            for (const std::int64_t second : space_.sizes(half, l, e, budget_.sizes)) {
                NestPoint point = half;
                point.held[l][e] = second;
                space_.raise_above(point, l, e);
                better = take_if_better(current, point) || better;
            }
        }
        return better;
    }

    bool change_all(Current& current) {
        bool better = false;
        for (std::size_t l = 1; l < space_.levels(); ++l) {
            for (std::size_t d = 0; d < space_.dims(); ++d) {
                better = change_tile(current, l, d) || better;
            }
            better = change_order(current, l - 1) || better;
            if (budget_.bypass) {
                better = change_bypass(current, l) || better;
            }
        }
        return change_order(current, space_.levels() - 1) || better;
    }

    bool change_pairs(Current& current) {
        for (std::size_t l = 1; l < space_.levels(); ++l) {
            for (std::size_t d = 0; d < space_.dims(); ++d) {
                for (std::size_t e = d + 1; e < space_.dims(); ++e) {
                    if (change_pair(current, l, d, e)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /// To where no single change is better; with pairs, no two changes at once either.
    Current descend(Current current, bool pairs) {
        while (current.score.first > bound_ * (1 + 1e-9)) {
            if (!change_all(current) && !(pairs && change_pairs(current))) {
                break;
            }
        }
        return current;
    }

    void descend_from_starts() {
        space_.list_spatial(std::max<std::size_t>(2, budget_.starts), false);
        std::vector<Current> starts;
        constexpr std::size_t kTried = 1'000;  // that may not fit: blocks that lanes take in turns
        for (const auto& spatial : space_.spatial_combinations(std::max(kTried, budget_.starts))) {
            const NestPoint point = space_.smallest(spatial);
            if (starts.size() == budget_.starts) {
                break;
            }
            if (!cost_.fits(point)) {
                continue;
            }
            if (const std::optional<Score> score = judge(point)) {
                starts.push_back({point, *score});
            }
        }
        if (starts.empty()) {
            // Nothing that uses the instances fits: one of each.
            space_.list_spatial(std::numeric_limits<std::size_t>::max(), false);
            SpatialChoice none;
            none.parts.fill(1);
            const std::vector<const SpatialChoice*> alone(space_.levels(), &none);
            const NestPoint point = space_.smallest(alone);
            if (const std::optional<Score> score = judge(point)) {
                starts.push_back({point, *score});
            }
        }
        descend_from(starts);
    }

    /// First from all starts by single changes, which costs little, in every order of loops; then
    /// from the best of where that led by pairs of changes.
    void descend_from(const std::vector<Current>& starts) {
        std::vector<Current> ends;
        for (const Current& start : starts) {
            ends.push_back(descend(start, false));
            for (std::size_t o = 1; budget_.pairs && o < space_.orders().size(); ++o) {
                Current other = start;
                for (std::size_t l = 0; l < space_.levels(); ++l) {
                    other.point.order[l] = space_.orders()[o];
                }
                if (const std::optional<Score> score = judge(other.point)) {
                    other.score = *score;
                    ends.push_back(descend(other, false));
                }
            }
        }
        std::stable_sort(ends.begin(), ends.end(),
                         [](const Current& a, const Current& b) { return a.score < b.score; });
        for (std::size_t i = 0; budget_.pairs && i < ends.size(); ++i) {
            descend(ends[i], true);
        }
    }

    // All of a small mapspace.

    void try_all() {
        for (const auto& spatial :
             space_.spatial_combinations(std::numeric_limits<std::size_t>::max())) {
            try_tiles(space_.smallest(spatial), space_.levels() - 1, 0);
        }
    }

    void try_tiles(const NestPoint& point, std::size_t l, std::size_t d) {
        if (l == 0) {
            try_keeps(point, 1);
            return;
        }
        if (d == space_.dims()) {
            try_tiles(point, l - 1, 0);
            return;
        }
        for (std::int64_t size = space_.least(point, l, d); size <= cost_.extent(d); ++size) {
            NestPoint next = point;
            next.held[l][d] = size;
            space_.raise_outer(next, d);
            try_tiles(next, l, d + 1);
        }
    }

    void try_keeps(const NestPoint& point, std::size_t l) {
        if (l == space_.levels()) {
            for (std::size_t o = 0; o < cost_.operands(); ++o) {
                if (!space_.kept_somewhere(point, o)) {
                    return;
                }
            }
            try_orders(point, 0);
            return;
        }
        const std::uint32_t may = point.keeps[l];
        for (std::uint32_t keeps = may;; keeps = (keeps - 1) & may) {
            NestPoint next = point;
            next.keeps[l] = keeps;
            try_keeps(next, l + 1);
            if (keeps == 0) {
                break;
            }
        }
    }

    void try_orders(const NestPoint& point, std::size_t l) {
        if (l == 0 && !cost_.fits(point)) {
            return;
        }
        if (l == space_.levels()) {
            judge(point);
            return;
        }
        for (const LoopOrder& order : space_.orders_of(point, l)) {
            NestPoint next = point;
            next.order[l] = order;
            try_orders(next, l + 1);
        }
    }

    // The end.

    void choose_exactly(SearchedNest& result) {
        std::optional<Score> best;
        for (const auto& [point, unused] : finalists_) {
            const LoopNest nest = cost_.nest(point);
            const NestCounts counts = count_nest(layer_.space, nest, machine_);
            const NestFigures figures = nest_figures(layer_.space, prices_, counts);
            bool fits = true;
            for (std::size_t l = 0; l < space_.levels(); ++l) {
                fits = fits && (machine_.memories[l].capacity == 0 ||
                                counts.bytes[l] <= machine_.memories[l].capacity);
            }
            const Score score = score_of(figures, objective_);
            if (fits && (!best || score < *best)) {
                best = score;
                result.nest = nest;
                result.counts = counts;
                result.figures = figures;
            }
        }
        ensure(best.has_value(), "what the search found fits when it is counted exactly");
    }

    [[noreturn]] void throw_does_not_fit() const {
        Diagnostics faults;
        faults.error(layer_.where, "layer '" + layer_.name +
                                       "' does not fit the machine's memories: not even its "
                                       "smallest tiles");
        faults.throw_if_any();
        fail("a fault was thrown");
    }

    const Layer& layer_;
    const NestMachine& machine_;
    const NestPrices& prices_;
    MappingObjective objective_;
    SearchBudget budget_;
    const std::function<bool()>& cancelled_;
    NestCost cost_;
    Mapspace space_;
    double bound_ = 0;
    std::int64_t evaluations_ = 0;
    std::vector<std::pair<NestPoint, Score>> finalists_;
};

}  // namespace

SearchedNest search_nest(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                         MappingObjective objective, const SearchBudget& budget,
                         const std::function<bool()>& cancelled) {
    return NestSearch(layer, machine, prices, objective, budget, cancelled).run();
}

}  // namespace memwall
