// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/split_candidates.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "arch/expert_parts.hpp"
#include "arch/spatial/kept_state.hpp"
#include "arch/spatial/layer_routes.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

double mesh_width(const Machine& machine, ComponentId mesh) {
    return static_cast<double>(
        std::get<MeshConfig>(machine.component(mesh).config).link_width.count());
}

/// Where caches fill the chip, layers that read them may be cut into so small parts of the lanes.
constexpr std::int64_t kCacheUnits = 4;

bool reads_cache(const Layer& root) {
    return std::any_of(root.space.operands.begin(), root.space.operands.end(),
                       [](const Operand& each) { return each.role == TensorRole::state; });
}

}  // namespace

SplitCandidateMaker::SplitCandidateMaker(const Network& network, const Machine& machine,
                                         const Chip& chip, const Cores& cores, std::size_t most,
                                         double cache_share)
    : network_(network),
      machine_(machine),
      chip_(chip),
      cores_(cores),
      most_(most),
      cache_share_(cache_share),
      activation_width_(mesh_width(machine, chip.activation_network)),
      model_width_(mesh_width(machine, chip.model_network)),
      partial_sum_width_(static_cast<double>(chip.partial_sum_width.count())),
      core_room_(std::max<std::int64_t>(
          0, chip.core_memory_config->capacity.count() -
                 (network.weight_bytes() + network.state_bytes()).count() / chip.cores)) {}

SplitCandidateMaker::ShapeKey SplitCandidateMaker::key_of(const Layer& root) {
    std::vector<std::int64_t> windows;
    for (const Operand& operand : root.space.operands) {
        windows.push_back(bits(operand.precision));
        windows.push_back(
            operand.projection.gather ? drawn_rows(operand.projection, root.space.box()) : 0);
        for (const Axis& axis : operand.projection.axes) {
            windows.push_back(axis.extent);
            windows.push_back(axis.offset);
            for (const AxisTerm& term : axis.terms) {
                windows.push_back(static_cast<std::int64_t>(term.dim));
                windows.push_back(term.coefficient);
            }
        }
    }
    return {root.space.extents, root.op, std::move(windows)};
}

/// Rough cycles of a split before anything is routed: to rank splits.
double SplitCandidateMaker::rough(const Layer& root, const CoreSplit& split, double compute) const {
    double received = 0;
    double weights = 0;
    for (const Operand& operand : root.space.operands) {
        const auto bytes =
            static_cast<double>(most_weights(root.space, operand, split.tile).count());
        received += operand.role == TensorRole::inputs ? bytes : 0;
        weights += operand.role == TensorRole::weights ? bytes : 0;
    }
    double sums = shares_rows(root, split)
                      ? static_cast<double>(chip_.mesh->columns)  // from end to end of a chain
                      : 0;
    if (split.reduction_parts(root.space) > 1) {
        sums =
            static_cast<double>(
                stored_bytes(result_words(root, split.tile), root.precision.accumulator).count()) /
            partial_sum_width_;
    }
    return std::max({compute, weights / model_width_, sums}) + sums / kOutputChunks +
           received / activation_width_ / kOutputChunks;
}

/// Rows that are normalised over along one dimension, in parts for neighbouring cores.
void SplitCandidateMaker::add_row_splits(const Layer& root, std::vector<CoreSplit>& splits) const {
    if (root.space.whole_dims.size() != 1) {
        return;
    }
    const Dim row = root.space.whole_dims.front();
    const std::int64_t extent = root.space.extent(row);
    const std::size_t whole = splits.size();
    for (std::size_t s = 0; s < whole; ++s) {
        const std::int64_t most =
            std::min({extent, chip_.mesh->columns, chip_.cores / splits[s].cores()});
        for (std::int64_t parts = 2; parts <= most; parts *= 2) {
            CoreSplit shared = splits[s];
            shared.tile[index(row)] = ceil_divide(extent, parts);
            splits.push_back(shared);
        }
    }
}

/// Splits whose inputs leave a core room for those of the next layer; all where there is none.
void SplitCandidateMaker::keep_those_that_fit(const Layer& root,
                                              std::vector<CoreSplit>& splits) const {
    const auto fits = [&](const CoreSplit& split) {
        Bytes inputs;
        for (const Operand& operand : root.space.operands) {
            inputs += operand.role == TensorRole::inputs
                          ? most_bytes(operand.projection, operand.precision, split.tile)
                          : Bytes(0);
        }
        return inputs * 2 <= core_room_;
    };
    if (std::any_of(splits.begin(), splits.end(), fits)) {
        splits.erase(std::remove_if(splits.begin(), splits.end(),
                                    [&](const CoreSplit& split) { return !fits(split); }),
                     splits.end());
    }
}

// MODEL: where caches and weights nearly fill the chip, a layer that reads a cache is also tried in
// splits that leave no core more of it than its share of the room: weights stay where they are used
// then.
void SplitCandidateMaker::keep_even_caches(const Layer& root,
                                           std::vector<CoreSplit>& splits) const {
    const auto share = [&](const CoreSplit& split) {
        double most = 0;
        for (const Operand& operand : root.space.operands) {
            if (operand.role == TensorRole::state) {
                const auto bytes = [&](const Extents& extents) {
                    return static_cast<double>(
                        most_bytes(operand.projection, operand.precision, extents).count());
                };
                most = std::max(most, bytes(split.tile) / bytes(split.extents));
            }
        }
        return most;
    };
    double allowed = std::numeric_limits<double>::infinity();
    for (const CoreSplit& split : splits) {
        allowed = std::min(allowed, share(split));
    }
    allowed = std::max(allowed, cache_share_);
    splits.erase(std::remove_if(splits.begin(), splits.end(),
                                [&](const CoreSplit& split) { return share(split) > allowed; }),
                 splits.end());
}

std::vector<CoreSplit> SplitCandidateMaker::ranked_splits(const Layer& root) const {
    SplitRules rules;
    rules.cores = chip_.cores;
    if (root.macs() > 0) {
        const ArrayShape* shape = array_shape(*cores_.array_config, root.precision);
        rules.output_unit = shape->outputs;
        rules.reduction_unit = shape->inputs;
        rules.split_reduction = true;
        if (cache_share_ < 1 && reads_cache(root)) {
            rules.output_unit = ceil_divide(rules.output_unit, kCacheUnits);
            rules.reduction_unit = ceil_divide(rules.reduction_unit, kCacheUnits);
        }
    }
    std::vector<std::pair<double, CoreSplit>> ranked;
    double least = std::numeric_limits<double>::infinity();
    std::vector<CoreSplit> splits = useful_splits(root.space, root.space.extents, rules);
    add_row_splits(root, splits);
    keep_once(network_, root, splits);
    splits.erase(std::remove_if(splits.begin(), splits.end(),
                                [&](const CoreSplit& split) {
                                    return split.parts(Dim::C) > chip_.mesh->columns;
                                }),
                 splits.end());
    keep_even_caches(root, splits);
    keep_those_that_fit(root, splits);
    for (const CoreSplit& split : splits) {
        const auto compute = static_cast<double>(core_cycles(cores_, root, split.tile));
        if (compute > 1.5 * least + 32) {
            continue;
        }
        const double cost = rough(root, split, compute);
        least = std::min(least, cost);
        ranked.emplace_back(cost, split);
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<CoreSplit> best;
    for (const auto& each : ranked) {
        const CoreSplit& split = each.second;
        const auto same = [&](const CoreSplit& other) { return other.tile == split.tile; };
        if (best.size() < most_ && std::none_of(best.begin(), best.end(), same)) {
            best.push_back(split);
        }
    }
    return best;
}

std::unique_ptr<SplitCandidate> SplitCandidateMaker::evaluate(const FusedLayer& fused,
                                                              const CoreSplit& split,
                                                              Layout layout) const {
    const Layer& root = network_.layer(fused.root);
    auto candidate = std::make_unique<SplitCandidate>();
    SpatialPlan& plan = candidate->plan;
    plan.split = split;
    plan.layout = layout;
    plan.columns = chip_.mesh->columns;
    plan.rows = chip_.mesh->rows;
    candidate->layer = make_layer(network_, machine_, chip_, cores_, fused, plan);
    const SpatialLayer& layer = candidate->layer;
    plan.compute = static_cast<double>(core_cycles(cores_, root, split.tile));
    if (!layer.chunks.empty()) {
        plan.first_output = static_cast<double>(layer.chunks.front().lead_cycles);
    }
    plan.weights = std::max(static_cast<double>(layer.weight_busiest) / model_width_,
                            static_cast<double>(layer.weight_local_cycles));
    plan.partial_sums = static_cast<double>(layer.sum_busiest) / partial_sum_width_;
    // All but the first piece of weights can arrive while others are computed with.
    candidate->cost = std::max({plan.compute, plan.weights, plan.partial_sums});
    return candidate;
}

const SplitCandidates& SplitCandidateMaker::candidates(const FusedLayer& fused) {
    const Layer& root = network_.layer(fused.root);
    const auto [known, fresh] = known_.try_emplace(key_of(root));
    if (fresh) {
        for (const CoreSplit& split : ranked_splits(root)) {
            for (const Layout layout : kLayouts) {
                known->second.push_back(evaluate(fused, split, layout));
            }
        }
    }
    ensure(!known->second.empty(), "every layer has a split: the whole of it on one core");
    return known->second;
}

}  // namespace memwall
