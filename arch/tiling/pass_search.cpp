// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace memwall {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

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
        std::int64_t& extent = extents[index(dim)];
        if (parts == 1) {
            return;
        }
        if (extent == 1 || std::find(whole.begin(), whole.end(), dim) != whole.end()) {
            continue;
        }
        const std::int64_t unit = dim == Dim::K ? k_unit : 1;
        const std::int64_t units = ceil_divide(extent, unit);
        const std::int64_t here = std::min(units, parts);
        extent = std::min(extent, ceil_divide(units, here) * unit);
        parts = ceil_divide(parts, here);
    }
}

}  // namespace

PassSearch::PassSearch(const Hierarchy& hierarchy, const Cores& cores, const Layer& layer,
                       std::int64_t operand_bits)
    : layer_(layer), costs_(hierarchy, cores, layer, operand_bits) {
    for (const bool shares : {false, true}) {
        Splitting& splitting = splitting_[shares ? 1 : 0];
        SplitRules& rules = splitting.rules;
        rules.cores = hierarchy.cores;
        if (const ArrayShape* shape = costs_.shape()) {
            rules.output_unit = shape->outputs;
            rules.reduction_unit = shape->inputs;
        }
        rules.cuts_output_unit = true;
        rules.split_reduction = shares;
        // The sums of a gradient go over positions, of which there may be many.
        rules.split_window = shares && layer.pass == LayerPass::backward;
        splitting.dims = dims_to_cut(layer.space, rules);
        splitting.set = dim_set(splitting.dims);
    }
}

double PassSearch::best_value() const {
    if (best_) {
        return best_->value;
    }
    return kNoLimit;
}

/// What a plan of so many passes must stay below. What more passes must gain: of a few anything, of
/// many something.
double PassSearch::limit(std::int64_t passes) const {
    const bool more = best_ && is_many(passes) && passes > pieces(tile_, best_->pass);
    return best_value() * (more ? 0.98 : 1);
}

/// Sharing outputs pays where there are too few of them for all cores.
bool PassSearch::shares_outputs(const Extents& pass) const {
    const SplitRules& rules = splitting_[0].rules;
    const std::int64_t outputs = ceil_divide(pass[index(Dim::K)], rules.output_unit) *
                                 points(pass, kPositionDims) * pass[index(Dim::G)] *
                                 pass[index(Dim::H)];
    return costs_.shape() != nullptr && outputs < 16 * rules.cores;
}

bool PassSearch::try_pass(const Candidate& candidate, double limit) {
    if (candidate.least >= limit) {
        return false;
    }
    const Extents& pass = candidate.pass;
    const auto costs_of = [&](const SplitCosts& split) {
        return candidate.traffic.costs(split, aim_);
    };
    bool found = false;
    const auto prunes = [&](const Extents& tile, std::int64_t cores, DimSet dims) {
        return costs_of(costs_.least(pass, tile, cores, dims)).value >= limit ||
               (limit == kNoLimit && !costs_.may_fit(tile, cores, dims));
    };
    const auto visit = [&](const CoreSplit& split) {
        const TileCosts costs = costs_of(costs_.split(pass, split.tile));
        if (costs.value < limit && costs_.fits(split.tile)) {
            best_ = PassPlan{pass, split.tile, candidate.traffic.positions_outer, costs.cycles,
                             costs.value};
            limit = costs.value;
            found = true;
        }
    };
    const Splitting& splitting = splitting_[candidate.shares_outputs ? 1 : 0];
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
    candidates_.push_back(candidate(pass, std::nullopt));
}

PassSearch::Candidate PassSearch::candidate(const Extents& pass,
                                            std::optional<bool> positions_outer) const {
    const PassTraffic traffic = costs_.traffic(tile_, pass, positions_outer);
    const bool shares = shares_outputs(pass);
    const Splitting& splitting = splitting_[shares ? 1 : 0];
    const SplitCosts least = costs_.least(pass, pass, splitting.rules.cores, splitting.set);
    return {pass, pieces(tile_, pass), shares, traffic, traffic.costs(least, aim_).value};
}

std::optional<PassPlan> PassSearch::plan_given(const Extents& tile, const GivenPass& given,
                                               const PassAim& aim) {
    tile_ = tile;
    tiles_ = pieces(layer_.space.extents, tile);
    aim_ = aim;
    best_.reset();
    const Candidate made = candidate(given.pass, given.positions_outer);
    if (!given.core) {
        try_pass(made, kNoLimit);
    } else if (costs_.fits(*given.core)) {
        const TileCosts costs = made.traffic.costs(costs_.split(given.pass, *given.core), aim);
        best_ = PassPlan{given.pass, *given.core, made.traffic.positions_outer, costs.cycles,
                         costs.value};
    }
    return best_;
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
        return candidates_[a].least < candidates_[b].least;
    });
    std::size_t best = 0;
    for (const std::size_t c : order) {
        const double value = best_value();
        const double limit = best_ && c < best ? std::nextafter(value, kNoLimit) : value;
        if (try_pass(candidates_[c], limit)) {
            best = c;
        }
    }
}

/// Whether a plan fits by leaving lanes of outputs idle: a finer cut of the reduction may not.
bool PassSearch::leaves_lanes(const PassPlan& plan) const {
    const std::int64_t channels = plan.pass[index(Dim::K)];
    return plan.core[index(Dim::K)] < std::min(splitting_[0].rules.output_unit, channels);
}

// MODEL: a row that is normalised over goes through a core in one pass where its buffers hold it;
// else in several, its maximum and sums carried from part to part at no cost (online softmax,
// Milakov and Gimelshein 2018).
void PassSearch::run(Effort effort, const std::vector<Dim>& whole) {
    seen_.clear();
    const std::int64_t most = effort == Effort::thorough ? 64 : 16;
    bool goes_on = true;
    for (std::int64_t reduction = 1; goes_on; reduction *= 2) {
        const double before = best_value();
        for (std::int64_t channels = 1; channels <= most; channels *= 2) {
            for (std::int64_t positions = 1; channels * positions <= most; positions *= 2) {
                add(channels, positions, reduction, whole);
            }
        }
        try_all();
        goes_on = reduction <= points(tile_, kReductionDims) &&
                  (!best_ || (best_->value < before && (aim_.finer || leaves_lanes(*best_))));
    }
    // Larger tiles than any core can hold in a few passes: cut positions and channels further.
    for (std::int64_t parts = most * 2; !best_ && parts <= (std::int64_t{1} << 24); parts *= 2) {
        for (std::int64_t channels = 1; channels <= parts; channels *= 4) {
            add(channels, parts / channels, 1, whole);
        }
        try_all();
    }
}

void PassSearch::run_whole_outputs() {
    seen_.clear();
    for (std::int64_t reduction = 1; !best_; reduction *= 2) {
        add(1, 1, reduction, {});
        try_all();
        if (reduction > points(tile_, kReductionDims)) {
            break;
        }
    }
}

const std::optional<PassPlan>& PassSearch::plan(const Extents& tile, Effort effort, bool keeps_sums,
                                                const PassAim& aim) {
    const auto [known, fresh] =
        known_.try_emplace({tile, keeps_sums, aim.feeding, aim.hidden, aim.overlaps, aim.finer});
    if (!fresh) {
        return known->second;
    }
    tile_ = tile;
    tiles_ = pieces(layer_.space.extents, tile);
    aim_ = aim;
    best_.reset();
    if (keeps_sums) {
        run_whole_outputs();
    } else {
        run(effort, layer_.space.whole_dims);
        if (!best_ && !layer_.space.whole_dims.empty()) {
            run(effort, {});
        }
    }
    known->second = best_;
    return known->second;
}

}  // namespace memwall
