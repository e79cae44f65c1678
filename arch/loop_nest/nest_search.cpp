// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "arch/io_bound.hpp"
#include "arch/loop_nest/spatial_choices.hpp"
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
          levels_(machine.memories.size()),
          dims_(cost_.dims().size()) {
        list_orders();
    }

    SearchedNest run() {
        SearchedNest result;
        result.bound = nest_bound(layer_, machine_, prices_, objective_);
        bound_ = result.bound;
        try {
            if (budget_.exhaustive > 0 &&
                mapspace_size() <= static_cast<double>(budget_.exhaustive)) {
                budget_.finalists = kExactFinalists;
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
    // Orders of loops.

    /// MODEL: useful orders keep one operand while loops that it does not need run inside, then
    /// another one: one order for each ranking of the operands.
    void list_orders() {
        std::vector<std::size_t> ranking(std::min<std::size_t>(cost_.operands(), 3));
        // The last operand is the result, the first ones are inputs and weights.
        std::iota(ranking.begin(), ranking.end(), 0);
        if (cost_.operands() > ranking.size()) {
            ranking.back() = cost_.operands() - 1;
        }
        do {
            std::array<std::uint8_t, kDimCount> order{};
            std::vector<std::size_t> dims(dims_);
            std::iota(dims.begin(), dims.end(), 0);
            const auto rank = [&](std::size_t d) {
                for (std::size_t r = 0; r < ranking.size(); ++r) {
                    if (!cost_.is_relevant(ranking[r], d)) {
                        return r;
                    }
                }
                return ranking.size();
            };
            std::stable_sort(dims.begin(), dims.end(),
                             [&](std::size_t a, std::size_t b) { return rank(a) > rank(b); });
            for (std::size_t i = 0; i < dims_; ++i) {
                order[i] = static_cast<std::uint8_t>(dims[i]);
            }
            if (std::find(orders_.begin(), orders_.end(), order) == orders_.end()) {
                orders_.push_back(order);
            }
        } while (std::next_permutation(ranking.begin(), ranking.end()));
    }

    // Judging.

    std::optional<Score> judge(const NestPoint& point) {
        if (evaluations_ >= budget_.evaluations ||
            (evaluations_ % 256 == 255 && !finalists_.empty() && cancelled_())) {
            throw SearchEnds();
        }
        ++evaluations_;
        if (!cost_.fits(point)) {
            return std::nullopt;
        }
        const Score score = score_of(cost_.figures(point), objective_);
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

    // Tiles.

    /// The least tile of a level and dimension above what lies below it.
    [[nodiscard]] std::int64_t least(const NestPoint& point, std::size_t l, std::size_t d) const {
        if (l + 1 == levels_ && layer_.space.normalises(cost_.dims()[d])) {
            return cost_.extent(d);
        }
        return std::min(cost_.extent(d), checked_multiply(point.held[l + 1][d], point.parts[l][d]));
    }

    void raise_outer(NestPoint& point, std::size_t d) const {
        for (std::size_t l = levels_; l-- > 1;) {
            point.held[l][d] = std::max(point.held[l][d], least(point, l, d));
        }
    }

    /// Sizes of a tile: multiples of what lies below that cut the dimension differently.
    [[nodiscard]] std::vector<std::int64_t> sizes(const NestPoint& point, std::size_t l,
                                                  std::size_t d) const {
        const std::int64_t unit = least(point, l, d);
        const std::int64_t units = ceil_divide(cost_.extent(d), unit);
        std::vector<std::int64_t> found;
        for (std::int64_t parts = 1; parts <= units; ++parts) {
            const std::int64_t size = std::min(cost_.extent(d), ceil_divide(units, parts) * unit);
            if (found.empty() || found.back() != size) {
                found.push_back(size);
            } else {
                // The next number of parts that gives another size.
                const std::int64_t tile = size / unit;
                parts = tile > 1 ? std::max(parts, ceil_divide(units, tile - 1) - 1) : units;
            }
        }
        if (found.size() > budget_.sizes) {
            std::vector<std::int64_t> some;
            for (std::size_t i = 0; i < budget_.sizes; ++i) {
                some.push_back(found[i * (found.size() - 1) / (budget_.sizes - 1)]);
            }
            found = std::move(some);
        }
        return found;
    }

    [[nodiscard]] NestPoint smallest(const std::vector<const SpatialChoice*>& spatial) const {
        NestPoint point;
        for (std::size_t l = 0; l < levels_; ++l) {
            point.parts[l] = spatial[l]->parts;
            point.axis[l] = spatial[l]->axis;
            point.order[l] = orders_.front();
            point.held[l].fill(1);
            for (std::size_t o = 0; o < cost_.operands(); ++o) {
                const auto role = static_cast<std::size_t>(layer_.space.operands[o].role);
                if (l == 0 || machine_.memories[l].may_keep[role]) {
                    point.keeps[l] |= 1U << o;
                }
            }
        }
        point.held[levels_].fill(1);
        for (std::size_t d = 0; d < dims_; ++d) {
            raise_outer(point, d);
            point.held[0][d] = cost_.extent(d);
        }
        return point;
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
        for (const std::int64_t size : sizes(from, l, d)) {
            NestPoint point = from;
            point.held[l][d] = size;
            raise_outer(point, d);
            if (size != from.held[l][d] && take_if_better(current, point)) {
                better = true;
            }
        }
        return better;
    }

    bool change_order(Current& current, std::size_t l) {
        bool better = false;
        const NestPoint from = current.point;
        for (const auto& order : orders_) {
            NestPoint point = from;
            point.order[l] = order;
            if (order != from.order[l] && take_if_better(current, point)) {
                better = true;
            }
        }
        return better;
    }

    /// MODEL: lanes hang on memories of the chip: some level below the outermost keeps an operand.
    [[nodiscard]] bool kept_somewhere(const NestPoint& point, std::size_t o) const {
        for (std::size_t l = 1; l < levels_; ++l) {
            if ((point.keeps[l] >> o & 1U) != 0) {
                return true;
            }
        }
        return false;
    }

    bool change_bypass(Current& current, std::size_t l) {
        bool better = false;
        for (std::size_t o = 0; o < cost_.operands(); ++o) {
            const auto role = static_cast<std::size_t>(layer_.space.operands[o].role);
            if (!machine_.memories[l].may_keep[role]) {
                continue;
            }
            NestPoint point = current.point;
            point.keeps[l] ^= 1U << o;
            if (!kept_somewhere(point, o)) {
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
        for (const std::int64_t first : sizes(from, l, d)) {
            NestPoint half = from;
            half.held[l][d] = first;
            raise_outer(half, d);
            for (const std::int64_t second : sizes(half, l, e)) {
                NestPoint point = half;
                point.held[l][e] = second;
                raise_outer(point, e);
                better = take_if_better(current, point) || better;
            }
        }
        return better;
    }

    bool change_all(Current& current) {
        bool better = false;
        for (std::size_t l = 1; l < levels_; ++l) {
            for (std::size_t d = 0; d < dims_; ++d) {
                better = change_tile(current, l, d) || better;
            }
            better = change_order(current, l - 1) || better;
            if (budget_.bypass) {
                better = change_bypass(current, l) || better;
            }
        }
        return change_order(current, levels_ - 1) || better;
    }

    bool change_pairs(Current& current) {
        for (std::size_t l = 1; l < levels_; ++l) {
            for (std::size_t d = 0; d < dims_; ++d) {
                for (std::size_t e = d + 1; e < dims_; ++e) {
                    if (change_pair(current, l, d, e)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    void descend(Current current) {
        while (current.score.first > bound_ * (1 + 1e-9)) {
            if (!change_all(current) && !(budget_.pairs && change_pairs(current))) {
                return;
            }
        }
    }

    void list_spatial(std::size_t most, bool all) {
        Sizes left{};
        for (std::size_t d = 0; d < dims_; ++d) {
            left[d] = cost_.extent(d);
        }
        choices_.clear();
        for (std::size_t l = 0; l < levels_; ++l) {
            choices_.push_back(spatial_choices(cost_, machine_.memories[l], left, most, all));
        }
    }

    /// Combinations of spatial choices of all levels: those that leave the fewest steps first.
    [[nodiscard]] std::vector<std::vector<const SpatialChoice*>> spatial_combinations(
        std::size_t most) const {
        std::vector<std::vector<const SpatialChoice*>> found = {{}};
        for (std::size_t l = 0; l < levels_; ++l) {
            std::vector<std::vector<const SpatialChoice*>> more;
            for (const auto& outer : found) {
                for (const SpatialChoice& choice : choices_[l]) {
                    more.push_back(outer);
                    more.back().push_back(&choice);
                }
            }
            found = std::move(more);
        }
        std::vector<std::pair<double, std::size_t>> steps;
        for (std::size_t i = 0; i < found.size(); ++i) {
            double product = 1;
            for (std::size_t d = 0; d < dims_; ++d) {
                std::int64_t parts = 1;
                for (const SpatialChoice* choice : found[i]) {
                    parts *= choice->parts[d];
                }
                product *= static_cast<double>(ceil_divide(cost_.extent(d), parts));
            }
            steps.emplace_back(product, i);
        }
        std::sort(steps.begin(), steps.end());
        std::vector<std::vector<const SpatialChoice*>> best;
        for (std::size_t i = 0; i < std::min(most, steps.size()); ++i) {
            best.push_back(found[steps[i].second]);
        }
        return best;
    }

    void descend_from_starts() {
        list_spatial(std::max<std::size_t>(2, budget_.starts), false);
        std::vector<Current> starts;
        for (const auto& spatial : spatial_combinations(budget_.starts)) {
            const NestPoint point = smallest(spatial);
            if (const std::optional<Score> score = judge(point)) {
                starts.push_back({point, *score});
            }
        }
        if (starts.empty()) {
            // Nothing that uses the instances fits: one of each.
            list_spatial(std::numeric_limits<std::size_t>::max(), false);
            SpatialChoice none;
            none.parts.fill(1);
            const std::vector<const SpatialChoice*> alone(levels_, &none);
            const NestPoint point = smallest(alone);
            if (const std::optional<Score> score = judge(point)) {
                starts.push_back({point, *score});
            }
        }
        for (const Current& start : starts) {
            descend(start);
            for (std::size_t o = 1; budget_.pairs && o < orders_.size(); ++o) {
                Current other = start;
                for (std::size_t l = 0; l < levels_; ++l) {
                    other.point.order[l] = orders_[o];
                }
                if (const std::optional<Score> score = judge(other.point)) {
                    other.score = *score;
                    descend(other);
                }
            }
        }
    }

    // All of a small mapspace.

    [[nodiscard]] double mapspace_size() {
        const auto orders = static_cast<double>(orders_.size());
        double size = std::pow(orders, static_cast<double>(levels_));
        for (std::size_t d = 0; d < dims_; ++d) {
            size *=
                std::pow(static_cast<double>(cost_.extent(d)), static_cast<double>(levels_ - 1));
            if (size > 1e12) {
                return size;
            }
        }
        for (std::size_t l = 1; l < levels_; ++l) {
            size *= static_cast<double>(std::size_t{1} << cost_.operands());
        }
        list_spatial(std::numeric_limits<std::size_t>::max(), true);
        for (const auto& choices : choices_) {
            size *= static_cast<double>(choices.size());
        }
        return size;
    }

    void try_all() {
        for (const auto& spatial : spatial_combinations(std::numeric_limits<std::size_t>::max())) {
            try_tiles(smallest(spatial), levels_ - 1, 0);
        }
    }

    void try_tiles(const NestPoint& point, std::size_t l, std::size_t d) {
        if (l == 0) {
            try_keeps(point, 1);
            return;
        }
        if (d == dims_) {
            try_tiles(point, l - 1, 0);
            return;
        }
        for (std::int64_t size = least(point, l, d); size <= cost_.extent(d); ++size) {
            NestPoint next = point;
            next.held[l][d] = size;
            raise_outer(next, d);
            try_tiles(next, l, d + 1);
        }
    }

    void try_keeps(const NestPoint& point, std::size_t l) {
        if (l == levels_) {
            for (std::size_t o = 0; o < cost_.operands(); ++o) {
                if (!kept_somewhere(point, o)) {
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
        if (l == levels_) {
            judge(point);
            return;
        }
        for (const auto& order : orders_) {
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
            for (std::size_t l = 0; l < levels_; ++l) {
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
    std::size_t levels_;
    std::size_t dims_;
    double bound_ = 0;
    std::vector<std::array<std::uint8_t, kDimCount>> orders_;
    std::vector<std::vector<SpatialChoice>> choices_;  ///< by level
    std::int64_t evaluations_ = 0;
    std::vector<std::pair<NestPoint, Score>> finalists_;
};

}  // namespace

SearchBudget search_budget(Effort effort) {
    switch (effort) {
        case Effort::quick:
            return {200, 2, 6, false, false, 1, 0};
        case Effort::normal:
            return {6'000, 6, 12, true, true, 3, 0};
        case Effort::thorough:
            return {200'000, 48, 1'000, true, true, 8, 200'000};
    }
    fail("unknown effort");
}

double SearchedNest::gap(MappingObjective objective) const {
    const double found = figures.of(objective);
    return whole_mapspace || found <= bound ? 0 : bound > 0 ? found / bound - 1 : 0;
}

SearchedNest search_nest(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                         MappingObjective objective, const SearchBudget& budget,
                         const std::function<bool()>& cancelled) {
    return NestSearch(layer, machine, prices, objective, budget, cancelled).run();
}

double nest_bound(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                  MappingObjective objective) {
    double lanes = 1;
    double below = 0;  // bytes of all memories below the outermost
    for (const NestMemory& memory : machine.memories) {
        for (const SpatialAxis& axis : memory.axes) {
            lanes *= static_cast<double>(axis.size);
        }
        below += static_cast<double>(memory.capacity) * static_cast<double>(memory.instances);
    }
    const auto points = static_cast<double>(layer.space.counted_points(layer.space.box()));
    const double steps = std::ceil(points / lanes) * static_cast<double>(machine.cycles_a_step);
    const auto capacity = static_cast<std::int64_t>(std::min(below, 9e15));
    NestFigures bound;
    bound.bytes = static_cast<double>(io_lower_bound(layer.space, Bytes(capacity)).bytes().count());
    const double width = machine.memories.front().read_width;
    bound.cycles = std::max(steps, width > 0 ? bound.bytes / width : 0);
    const LevelPrice& dram = prices.levels.front();
    bound.joules = points * prices.point + bound.bytes * std::min(dram.read, dram.write) +
                   bound.cycles * prices.static_per_cycle;
    return bound.of(objective);
}

}  // namespace memwall
