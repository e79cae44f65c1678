// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/layer_tiles.hpp"

#include <algorithm>
#include <utility>

#include "arch/dram_access.hpp"
#include "arch/tiling/pass_costs.hpp"

namespace memwall {
namespace {

/// Numbers fused layers so that equal ones have the same number: spaces, precisions and what
/// the epilogues read.
std::vector<std::size_t> classes_of(const Network& network, const std::vector<FusedLayer>& all) {
    std::vector<std::size_t> classes;
    std::map<std::vector<std::int64_t>, std::size_t> numbers;
    for (const FusedLayer& fused : all) {
        const Layer& root = network.layer(fused.root);
        std::vector<std::int64_t> shape = {
            static_cast<std::int64_t>(root.space.operation),
            root.space.vector_operations_per_point,
            static_cast<std::int64_t>(root.precision.weights),
            static_cast<std::int64_t>(root.precision.activations),
            static_cast<std::int64_t>(root.precision.accumulator),
            operand_bits(network, fused),
            static_cast<std::int64_t>(fused.operands.size()),
            network.tensor_bytes(fused.output).count(),
            static_cast<std::int64_t>(network.tensor(fused.output).precision)};
        shape.insert(shape.end(), root.space.extents.begin(), root.space.extents.end());
        for (const Dim dim : root.space.whole_dims) {
            shape.push_back(static_cast<std::int64_t>(dim));
        }
        for (const Operand& operand : root.space.operands) {
            const auto input = std::find(fused.inputs.begin(), fused.inputs.end(),
                                         network.storage(operand.tensor));
            shape.insert(shape.end(), {static_cast<std::int64_t>(operand.role),
                                       static_cast<std::int64_t>(operand.precision),
                                       operand.projection.gather ? 1 : 0, operand.updated ? 1 : 0,
                                       input - fused.inputs.begin()});
            for (const Axis& axis : operand.projection.axes) {
                shape.insert(shape.end(), {axis.offset, axis.extent});
                for (const AxisTerm& term : axis.terms) {
                    shape.insert(shape.end(),
                                 {static_cast<std::int64_t>(term.dim), term.coefficient});
                }
                shape.push_back(-1);
            }
        }
        classes.push_back(numbers.emplace(std::move(shape), numbers.size()).first->second);
    }
    return classes;
}

double tiles(const Extents& whole, const Extents& tile) {
    double product = 1;
    for (const Dim dim : all_dims()) {
        product *= static_cast<double>(ceil_divide(whole[index(dim)], tile[index(dim)]));
    }
    return product;
}

bool is_read(const Operand& operand) {
    return operand.role == TensorRole::inputs || operand.role == TensorRole::state;
}

}  // namespace

LayerTiler::LayerTiler(const Network& network, const std::vector<FusedLayer>& fused,
                       const DramPace& dram, PassPlanner& passes, const GivenTilings& given,
                       const TileAim& tiles, const PassAim& aim)
    : network_(network),
      fused_(fused),
      dram_(dram),
      passes_(passes),
      given_(given),
      tiles_(tiles),
      aim_(aim),
      classes_(classes_of(network, fused)) {
    for (std::size_t f = 0; f < fused.size(); ++f) {
        if (given.find(f) != nullptr) {
            classes_[f] = fused.size() + f;  // like no other
        }
    }
}

bool LayerTiler::plan(std::size_t f, const Streams& streams, LayerTiling& layer) {
    const bool moves =
        streams.operands || streams.outputs ||
        std::find(streams.inputs.begin(), streams.inputs.end(), true) != streams.inputs.end();
    // The room for what does not pass through the DRAM makes no difference.
    const auto key = std::make_tuple(classes_[f], streams.weights, streams.inputs, streams.operands,
                                     streams.outputs, streams.weights ? streams.weight_slot : 0,
                                     moves ? streams.stage : 0);
    auto found = known_.find(key);
    if (found == known_.end()) {
        const GivenTiling* given = given_.find(f);
        const bool by_hand = given != nullptr && given->tile;
        found = known_
                    .emplace(key, by_hand ? plan_given(fused_[f], streams, *given)
                                          : search(fused_[f], streams))
                    .first;
    }
    if (found->second) {
        const bool resident = layer.weights_resident;
        layer = *found->second;
        layer.weights_resident = resident;
    }
    return found->second.has_value();
}

/// The fastest of the largest tiles that fit.
std::optional<LayerTiling> LayerTiler::best_of(const std::vector<Extents>& found,
                                               const FusedLayer& fused, const Streams& streams) {
    const Layer& root = network_.layer(fused.root);
    std::size_t tried = 0;
    std::optional<LayerTiling> best;
    for (Extents tile : found) {
        if (!fit_positions(fused, root, streams, tile)) {
            continue;
        }
        if (++tried > kMostTiles) {
            break;
        }
        LayerTiling plan;
        plan.tile = tile;
        cost(fused, root, streams, plan);
        if (best && value(plan) >= value(*best)) {
            continue;  // by the DRAM alone
        }
        const auto passes = passes_.plan(root, tile, operand_bits(network_, fused), aim_);
        if (!passes) {
            continue;
        }
        plan.drained = passes->pass;
        set_passes(root, *passes, plan);
        if (!best || value(plan) < value(*best)) {
            best = plan;
        }
    }
    return best;
}

/// The largest useful tile whose moving parts fit, cheapest order first.
std::optional<LayerTiling> LayerTiler::search(const FusedLayer& fused, const Streams& streams) {
    const Layer& root = network_.layer(fused.root);
    std::optional<LayerTiling> best = best_of(channel_tiles(root, streams, false), fused, streams);
    if (!best && cuts_windows(root, streams)) {
        best = best_of(channel_tiles(root, streams, true), fused, streams);
    }
    search_deep(fused, streams, best);
    if (best) {
        finish(fused, root, streams, *best);
    }
    return best;
}

/// Where something comes through the DRAM more often than once: tiles whose sums stay beside the
/// arrays, if one of those takes less.
void LayerTiler::search_deep(const FusedLayer& fused, const Streams& streams,
                             std::optional<LayerTiling>& best) {
    constexpr double kWorthwhile = 1.02;  // of two that are as fast, the one with fewer tiles
    const Layer& root = network_.layer(fused.root);
    const auto is_better = [&](const LayerTiling& plan) {
        return !best || kWorthwhile * value(plan) < value(*best);
    };
    const LayerTiling once = streamed_once(fused, root, streams);
    if (best && best->dram_cycles <= kWorthwhile * once.dram_cycles) {
        return;
    }
    std::size_t tried = 0;
    for (LayerTiling& plan : deep_tiles(fused, root, streams, once)) {
        if (!is_better(plan) || ++tried > kMostTiles) {
            break;  // they come by what they move
        }
        const auto passes =
            passes_.plan(root, plan.tile, operand_bits(network_, fused), aim_, true);
        if (!passes) {
            continue;
        }
        set_passes(root, *passes, plan);
        if (is_better(plan)) {
            best = plan;
        }
    }
}

double LayerTiler::value(const LayerTiling& plan) const {
    return std::max(plan.core_cycles, plan.dram_cycles) + plan.aimed_cycles +
           tiles_.dram_hidden * std::min(plan.core_cycles, plan.dram_cycles);
}

void LayerTiler::set_passes(const Layer& root, const PassPlan& passes, LayerTiling& plan) {
    const double count = tiles(root.space.extents, plan.tile);
    plan.passes = passes;
    plan.core_cycles = passes.cycles * count;
    plan.aimed_cycles = (passes.value - passes.cycles) * count;
}

/// What the layer takes of the DRAM beside its rates: nothing hides the first tile's way in and the
/// last one's out, and each stream of a tile opens rows of its own.
double LayerTiler::exposed(const FusedLayer& fused, const Layer& root, const Streams& streams,
                           const LayerTiling& plan) const {
    const double count = tiles(root.space.extents, plan.tile);
    const auto moving = static_cast<double>(arriving_bytes(fused, root, streams, plan.tile) +
                                            leaving_bytes(fused, root, streams, plan.tile)) /
                        2;  // they are counted for two tiles
    double accesses = (streams.weights ? 1 : 0) + (streams.outputs ? 1 : 0) +
                      (streams.operands ? static_cast<double>(fused.operands.size()) : 0);
    for (const Operand& operand : root.space.operands) {
        if (is_read(operand) && is_streamed(fused, streams, operand)) {
            accesses += operand.updated ? 2 : 1;
        }
    }
    return (moving + plan.weight_bytes / count) / dram_.bytes_per_cycle +
           count * accesses * dram_.row_switch;
}

/// Whether channels are cut because an operand beside the weights has them: in products, and in
/// training also where sums go over a whole batch.
bool LayerTiler::cuts_inputs(const Layer& root, const Streams& streams) const {
    return std::find(streams.inputs.begin(), streams.inputs.end(), true) != streams.inputs.end() &&
           std::any_of(root.space.operands.begin(), root.space.operands.end(),
                       [](const Operand& operand) {
                           return is_read(operand) && relevant(operand.projection, Dim::K);
                       }) &&
           (root.space.macs() > 0 || network_.trains());
}

/// Whether a tile of fewer channels reads less of what streams in: windows of one channel each
/// (pooling, depthwise), whose positions cannot always be cut.
bool LayerTiler::cuts_windows(const Layer& root, const Streams& streams) const {
    const Dim dim = root.space.extents[index(Dim::G)] > 1 ? Dim::G : Dim::K;
    return std::find(streams.inputs.begin(), streams.inputs.end(), true) != streams.inputs.end() &&
           std::any_of(
               root.space.operands.begin(), root.space.operands.end(), [&](const Operand& operand) {
                   return operand.role == TensorRole::inputs && relevant(operand.projection, dim);
               });
}

/// Tiles of all positions: all channels where weights need no slot, else what fits in one and
/// less. Groups are cut, or heads and then the channels of one, or channels.
std::vector<Extents> LayerTiler::channel_tiles(const Layer& root, const Streams& streams,
                                               bool windows) const {
    const Extents whole = root.space.extents;
    const bool groups = whole[index(Dim::G)] > 1;
    const bool heads = whole[index(Dim::H)] > 1 && !groups;
    const bool inputs = windows || cuts_inputs(root, streams);
    const bool moving = streams.outputs || streams.operands || inputs ||
                        (heads && std::find(streams.inputs.begin(), streams.inputs.end(), true) !=
                                      streams.inputs.end());
    const Operand* weights = root.space.find(TensorRole::weights);
    const bool drawn = weights != nullptr && weights->projection.gather;
    std::vector<Extents> tiles;
    Extents extents = whole;
    bool first = true;
    for (const Dim dim : heads    ? std::vector<Dim>{Dim::H, Dim::K}
                         : groups ? std::vector<Dim>{Dim::G}
                                  : std::vector<Dim>{Dim::K}) {
        const std::int64_t most = root.space.normalises(dim) ? 1 : whole[index(dim)];
        for (std::int64_t parts = first ? 1 : 2; parts <= most; parts *= 2) {
            extents[index(dim)] = ceil_divide(whole[index(dim)], parts);
            first = false;
            Extents tile = extents;
            const auto fits = [&] {
                return !streams.weights || weights == nullptr ||
                       most_bytes(weights->projection, weights->precision, tile).count() <=
                           streams.weight_slot;
            };
            // Fewer positions draw fewer rows of a table; a part of each row comes in whole bursts.
            while (drawn && !fits() && halve_positions(tile)) {
            }
            if (!fits()) {
                continue;
            }
            tiles.push_back(tile);
            if (!moving || (!heads && !inputs && tiles.size() == kMostTiles)) {
                return tiles;
            }
        }
        extents[index(dim)] = most > 1 ? 1 : whole[index(dim)];
    }
    return tiles;
}

bool LayerTiler::is_streamed(const FusedLayer& fused, const Streams& streams,
                             const Operand& operand) const {
    const auto found =
        std::find(fused.inputs.begin(), fused.inputs.end(), network_.storage(operand.tensor));
    return streams.inputs[static_cast<std::size_t>(found - fused.inputs.begin())];
}

/// Bytes of what a tile reads of moving activations, twice.
std::int64_t LayerTiler::arriving_bytes(const FusedLayer& fused, const Layer& root,
                                        const Streams& streams, const Extents& tile) const {
    std::int64_t sum = 0;
    for (const Operand& operand : root.space.operands) {
        if (is_read(operand) && is_streamed(fused, streams, operand)) {
            const std::int64_t times = operand.updated ? 2 : 1;  // and on its way back
            sum += times * most_bytes(operand.projection, operand.precision, tile).count();
        }
    }
    return 2 * sum;
}

/// Bytes of results that leave at once and of what their epilogues read, as far as they move,
/// twice.
std::int64_t LayerTiler::leaving_bytes(const FusedLayer& fused, const Layer& root,
                                       const Streams& streams, const Extents& drained) const {
    if (!streams.outputs && !streams.operands) {
        return 0;
    }
    std::int64_t sum = 0;
    const std::int64_t results =
        most_bytes(root.space.outputs().projection, Precision::int8, drained).count();
    if (streams.outputs) {
        sum += stored_bytes(results, network_.tensor(fused.output).precision).count();
    }
    if (streams.operands) {
        sum += ceil_divide(results * operand_bits(network_, fused), 8);
    }
    return 2 * sum;
}

/// Shrinks the tile's positions until its moving activations fit twice in the stage.
bool LayerTiler::fit_positions(const FusedLayer& fused, const Layer& root, const Streams& streams,
                               Extents& tile) const {
    const auto needed = [&] {
        return arriving_bytes(fused, root, streams, tile) +
               leaving_bytes(fused, root, streams, tile);
    };
    std::int64_t now = needed();
    for (const Dim dim : {Dim::N, Dim::D, Dim::P, Dim::Q}) {
        const bool normalised = root.space.normalises(dim);
        const std::int64_t whole = tile[index(dim)];
        if (normalised || now <= streams.stage) {
            continue;
        }
        std::int64_t too_few = 1;  // parts: smaller tiles never need more
        std::int64_t enough = whole;
        while (enough - too_few > 1) {
            const std::int64_t parts = too_few + (enough - too_few) / 2;
            tile[index(dim)] = ceil_divide(whole, parts);
            (needed() > streams.stage ? too_few : enough) = parts;
        }
        tile[index(dim)] = ceil_divide(whole, enough);
        now = needed();
    }
    return now <= streams.stage || now == 0;
}

/// DRAM traffic in the better order of tiles, or a given one. Rows that the next tile also needs
/// stay.
void LayerTiler::cost(const FusedLayer& fused, const Layer& root, const Streams& streams,
                      LayerTiling& plan, std::optional<bool> positions_outer) const {
    const Extents whole = root.space.extents;
    const auto parts = [&](Dim dim) {
        return static_cast<double>(ceil_divide(whole[index(dim)], plan.tile[index(dim)]));
    };
    const double channel_parts = parts(Dim::G) * parts(Dim::H) * parts(Dim::K);
    const double position_parts = tiles(whole, plan.tile) / channel_parts;
    double inputs = 0;    // where tiles of positions go round outside
    double repeated = 0;  // where tiles of channels do
    for (const Operand& operand : root.space.operands) {
        if (is_read(operand) && is_streamed(fused, streams, operand)) {
            const auto once = static_cast<double>(
                stored_bytes(touched_words(operand.projection, root.space.box()), operand.precision)
                    .count() *
                (operand.updated ? 2 : 1));
            double times = position_parts > 1 ? 1 : 0;
            for (const Dim dim : {Dim::G, Dim::H, Dim::K}) {
                times *= relevant(operand.projection, dim) ? 1 : parts(dim);
            }
            double again = channel_parts > 1 ? 1 : 0;
            for (const Dim dim : kPositionDims) {
                again *= relevant(operand.projection, dim) ? 1 : parts(dim);
            }
            inputs += once * std::max(again, 1.0);
            repeated += once * std::max(times, 1.0);
        }
    }
    double rest =
        streams.outputs ? static_cast<double>(network_.tensor_bytes(fused.output).count()) : 0;
    for (const TensorId operand : fused.operands) {
        rest += streams.operands ? static_cast<double>(network_.tensor_bytes(operand).count()) : 0;
    }
    const double weights =
        streams.weights ? static_cast<double>(weight_bytes_read(network_, fused, whole)) : 0;
    const auto drawn = streams.weights ? drawn_access(root, plan.tile) : std::nullopt;
    if (drawn) {  // each tile rows of its own
        const Bytes served = least_served(*drawn, dram_.config->burst);
        plan.weight_bytes = static_cast<double>(served.count()) * channel_parts * position_parts;
        plan.positions_outer = positions_outer.value_or(plan.positions_outer);
        plan.dram_bytes = repeated + rest;
        cost_dram(fused, root, streams, plan);
        return;
    }
    const double channels_out = weights + repeated;
    const double positions_out = inputs + weights * (channel_parts > 1 ? position_parts : 1);
    plan.positions_outer = positions_outer.value_or(positions_out < channels_out);
    plan.weight_bytes =
        plan.positions_outer && channel_parts > 1 ? weights * position_parts : weights;
    plan.dram_bytes =
        (plan.positions_outer ? positions_out : channels_out) - plan.weight_bytes + rest;
    cost_dram(fused, root, streams, plan);
}

}  // namespace memwall
