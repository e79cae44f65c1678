// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "arch/split_search.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

std::int64_t points(const Extents& extents, const std::array<Dim, 4>& dims) {
    std::int64_t product = 1;
    for (const Dim dim : dims) {
        product *= extents[index(dim)];
    }
    return product;
}

/// Cuts the dimensions in turn, the first ones first, until there are `parts` pieces or no more.
/// Those of `whole` stay as they are.
void divide(Extents& extents, const std::array<Dim, 4>& dims, std::int64_t parts,
            std::int64_t k_unit, const std::vector<Dim>& whole) {
    for (const Dim dim : dims) {
        if (std::find(whole.begin(), whole.end(), dim) != whole.end()) {
            continue;
        }
        std::int64_t& extent = extents[index(dim)];
        const std::int64_t unit = dim == Dim::K ? k_unit : 1;
        const std::int64_t units = ceil_divide(extent, unit);
        const std::int64_t here = std::min(units, parts);
        extent = std::min(extent, ceil_divide(units, here) * unit);
        parts = ceil_divide(parts, here);
    }
}

}  // namespace

std::vector<Box> cut(const Box& box, const Extents& tile, bool positions_outer) {
    std::vector<Dim> order;
    const auto append = [&](const std::array<Dim, 4>& dims) {
        order.insert(order.end(), std::begin(dims), std::end(dims));
    };
    if (positions_outer) {
        append(kPositionDims);
        append(kChannelDims);
    } else {
        append(kChannelDims);
        append(kPositionDims);
    }
    append(kReductionDims);
    std::vector<Box> boxes = {box};
    for (const Dim dim : order) {
        const std::int64_t size = tile[index(dim)];
        if (box[dim].size() <= size) {
            continue;
        }
        std::vector<Box> finer;
        for (const Box& whole : boxes) {
            for (std::int64_t at = box[dim].begin; at < box[dim].end; at += size) {
                finer.push_back(whole);
                finer.back()[dim] = {at, std::min(at + size, box[dim].end)};
            }
        }
        boxes = std::move(finer);
    }
    return boxes;
}

namespace {

/// Looks for the best pass of one tile. Whatever cannot be better than the best so far is left out
/// early, and the answer is that of looking at all.
class PassSearch {
public:
    PassSearch(const Hierarchy& hierarchy, const Cores& cores, const Layer& layer,
               const Extents& tile, std::int64_t operand_bits)
        : tile_(tile),
          tiles_(pieces(layer.space.extents, tile)),
          costs_(hierarchy, cores, layer, operand_bits) {
        for (const bool shares : {false, true}) {
            Splitting& splitting = splitting_[shares ? 1 : 0];
            SplitRules& rules = splitting.rules;
            rules.cores = hierarchy.cores;
            if (const ArrayShape* shape = costs_.core_cycles().shape()) {
                rules.output_unit = shape->outputs;
                rules.reduction_unit = shape->inputs;
            }
            rules.split_reduction = shares;
            // The sums of a gradient go over positions, of which there may be many.
            rules.split_window = shares && layer.pass == LayerPass::backward;
            splitting.dims = dims_to_cut(layer.space, rules);
            splitting.set = dim_set(splitting.dims);
        }
    }

    [[nodiscard]] std::optional<PassPlan> run(bool thorough, const std::vector<Dim>& whole);
    /// Passes that cut the reduction alone, the fewest that fit.
    [[nodiscard]] std::optional<PassPlan> run_whole_outputs();

private:
    /// A way to cut the tile, and what no plan of it is faster than.
    struct Candidate {
        Extents pass;
        std::int64_t passes = 1;
        bool shares_outputs = false;
        PassTraffic traffic;
        double least_cycles = 0;
    };
    /// The tile in about so many passes, unless that was considered before.
    void add(std::int64_t channels, std::int64_t positions, std::int64_t reduction,
             const std::vector<Dim>& whole);
    /// Tries all that were added, and forgets them.
    void try_all();
    /// As trying one after another, where a plan is the best if it is the first of the fastest.
    void try_best_first();
    [[nodiscard]] bool has_better(const Candidate& candidate, double limit) const;
    /// Whether it has a plan that takes less than `limit`, which is the best then.
    bool try_pass(const Candidate& candidate, double limit);
    [[nodiscard]] double limit(std::int64_t passes) const;
    [[nodiscard]] bool shares_outputs(const Extents& pass) const;
    [[nodiscard]] bool is_many(std::int64_t passes) const { return tiles_ * passes > kFew; }

    static constexpr std::int64_t kFew = 128;  ///< passes of a layer

    const Extents& tile_;
    std::int64_t tiles_;  ///< in the layer
    PassCosts costs_;
    struct Splitting {
        SplitRules rules;
        std::vector<Dim> dims;
        DimSet set = 0;  ///< of the same
    };
    std::array<Splitting, 2> splitting_;  ///< without and with cores that share an output
    std::vector<Extents> seen_;
    std::vector<Candidate> candidates_;
    std::optional<PassPlan> best_;
};

/// What a plan of so many passes must stay below. What more passes must gain: of a few anything, of
/// many something.
double PassSearch::limit(std::int64_t passes) const {
    if (!best_) {
        return std::numeric_limits<double>::infinity();
    }
    const bool more = is_many(passes) && passes > pieces(tile_, best_->pass);
    return best_->cycles * (more ? 0.98 : 1);
}

/// Sharing outputs pays where there are too few of them for all cores.
bool PassSearch::shares_outputs(const Extents& pass) const {
    const SplitRules& rules = splitting_[0].rules;
    const std::int64_t outputs = ceil_divide(pass[index(Dim::K)], rules.output_unit) *
                                 points(pass, kPositionDims) * pass[index(Dim::G)] *
                                 pass[index(Dim::H)];
    return costs_.core_cycles().shape() != nullptr && outputs < 16 * rules.cores;
}

/// Whether some split that fits takes less than `limit`.
bool PassSearch::has_better(const Candidate& candidate, double limit) const {
    const Extents& pass = candidate.pass;
    const PassTraffic& traffic = candidate.traffic;
    const Splitting& splitting = splitting_[candidate.shares_outputs ? 1 : 0];
    bool found = false;
    const auto prunes = [&](const Extents& tile, std::int64_t cores, DimSet dims) {
        return found || traffic.cycles(costs_.core_cycles().least(tile, cores, dims),
                                       costs_.sharing(pass, tile)) >= limit;
    };
    const auto visit = [&](const CoreSplit& split) {
        found = found || (traffic.cycles(costs_.core_cycles()(split.tile),
                                         costs_.sharing(pass, split.tile)) < limit &&
                          costs_.fits(split.tile));
    };
    SplitSearch(pass, splitting.rules, splitting.dims, prunes, visit).run();
    return found;
}

bool PassSearch::try_pass(const Candidate& candidate, double limit) {
    // A split is left out where one before it was faster by an eighth, be that one any good or not:
    // most passes are done with before all of that is looked at.
    if (candidate.least_cycles >= limit || (best_ && !has_better(candidate, limit))) {
        return false;
    }
    const Extents& pass = candidate.pass;
    const PassTraffic& traffic = candidate.traffic;
    const CoreCycles& core_cycles = costs_.core_cycles();
    const Splitting& splitting = splitting_[candidate.shares_outputs ? 1 : 0];
    bool found = false;
    constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max() / 2;
    std::int64_t least = kNone;  // of those that fit
    const auto prunes = [&](const Extents& tile, std::int64_t cores, DimSet dims) {
        const std::int64_t core = core_cycles.least(tile, cores, dims);
        return core > least + least / 8 ||
               (core >= least && traffic.cycles(core, costs_.sharing(pass, tile)) >= limit) ||
               (least == kNone && !costs_.may_fit(tile, cores, dims));
    };
    const auto visit = [&](const CoreSplit& split) {
        const std::int64_t core = core_cycles(split.tile);
        if (core > least + least / 8) {
            return;
        }
        const double cycles = traffic.cycles(core, costs_.sharing(pass, split.tile));
        if ((core >= least && cycles >= limit) || !costs_.fits(split.tile)) {
            return;
        }
        least = std::min(least, core);
        if (cycles < limit) {
            best_ = PassPlan{pass, split.tile, traffic.positions_outer, cycles};
            limit = cycles;
            found = true;
        }
    };
    SplitSearch(pass, splitting.rules, splitting.dims, prunes, visit).run();
    return found;
}

void PassSearch::add(std::int64_t channels, std::int64_t positions, std::int64_t reduction,
                     const std::vector<Dim>& whole) {
    Extents pass = tile_;
    divide(pass, kChannelDims, channels, splitting_[0].rules.output_unit, whole);
    divide(pass, kPositionDims, positions, 1, whole);
    divide(pass, kReductionDims, reduction, 1, whole);
    if (std::find(seen_.begin(), seen_.end(), pass) != seen_.end()) {
        return;
    }
    seen_.push_back(pass);
    const PassTraffic traffic = costs_.traffic(tile_, pass);
    const bool shares = shares_outputs(pass);
    const Splitting& splitting = splitting_[shares ? 1 : 0];
    const std::int64_t core =
        costs_.core_cycles().least(pass, splitting.rules.cores, splitting.set);
    candidates_.push_back({pass, pieces(tile_, pass), shares, traffic, traffic.cycles(core, 1)});
}

void PassSearch::try_all() {
    const auto many = [&](const Candidate& candidate) { return is_many(candidate.passes); };
    if (!best_ && std::none_of(candidates_.begin(), candidates_.end(), many)) {
        try_best_first();
    } else {
        for (const Candidate& candidate : candidates_) {
            try_pass(candidate, limit(candidate.passes));
        }
    }
    candidates_.clear();
}

void PassSearch::try_best_first() {
    std::vector<std::size_t> order(candidates_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return candidates_[a].least_cycles < candidates_[b].least_cycles;
    });
    constexpr double kForever = std::numeric_limits<double>::max();
    std::size_t best = 0;
    for (const std::size_t c : order) {
        const double cycles = best_ ? best_->cycles : kForever;
        const double limit = best_ && c < best ? std::nextafter(cycles, kForever) : cycles;
        if (try_pass(candidates_[c], limit)) {
            best = c;
        }
    }
}

// MODEL: a row that is normalised over goes through a core in one pass where its buffers hold it;
// else in several, its maximum and sums carried from part to part at no cost (online softmax,
// Milakov and Gimelshein 2018).
std::optional<PassPlan> PassSearch::run(bool thorough, const std::vector<Dim>& whole) {
    seen_.clear();
    best_.reset();
    const std::int64_t most = thorough ? 64 : 16;
    for (std::int64_t reduction = 1; !best_; reduction *= 2) {
        for (std::int64_t channels = 1; channels <= most; channels *= 2) {
            for (std::int64_t positions = 1; channels * positions <= most; positions *= 2) {
                add(channels, positions, reduction, whole);
            }
        }
        try_all();
        if (reduction > points(tile_, kReductionDims)) {
            break;
        }
    }
    // Larger tiles than any core can hold in a few passes: cut positions and channels further.
    for (std::int64_t parts = most * 2; !best_ && parts <= (std::int64_t{1} << 24); parts *= 2) {
        for (std::int64_t channels = 1; channels <= parts; channels *= 4) {
            add(channels, parts / channels, 1, whole);
        }
        try_all();
    }
    return best_;
}

std::optional<PassPlan> PassSearch::run_whole_outputs() {
    for (std::int64_t reduction = 1; !best_; reduction *= 2) {
        add(1, 1, reduction, {});
        try_all();
        if (reduction > points(tile_, kReductionDims)) {
            break;
        }
    }
    return best_;
}

}  // namespace

std::int64_t PassPlanner::sum_bytes() const {
    return hierarchy_.accumulators_config == nullptr
               ? std::numeric_limits<std::int64_t>::max()
               : hierarchy_.cores * hierarchy_.accumulators_config->capacity.count() / 2;
}

std::optional<PassPlan> PassPlanner::plan(const Layer& layer, const Extents& tile,
                                          std::int64_t operand_bits, bool keeps_sums) {
    std::vector<int> window;  // strides, dilations and widths decide what a box touches
    for (const Operand& operand : layer.space.operands) {
        window.push_back(bits(operand.precision));
        for (const Axis& axis : operand.projection.axes) {
            window.push_back(static_cast<int>(axis.extent));
            for (const AxisTerm& term : axis.terms) {
                window.push_back(static_cast<int>(term.coefficient));
                window.push_back(static_cast<int>(term.dim));
            }
        }
    }
    const auto key = std::make_tuple(layer.space.extents, layer.op, std::move(window), tile,
                                     operand_bits, keeps_sums);
    const auto known = known_.find(key);
    if (known != known_.end()) {
        return known->second;
    }
    PassSearch search(hierarchy_, cores_, layer, tile, operand_bits);
    std::optional<PassPlan> best =
        keeps_sums ? search.run_whole_outputs() : search.run(thorough_, layer.space.whole_dims);
    if (!best && !keeps_sums && !layer.space.whole_dims.empty()) {
        best = search.run(thorough_, {});
    }
    known_.emplace(key, best);
    return best;
}

}  // namespace memwall
