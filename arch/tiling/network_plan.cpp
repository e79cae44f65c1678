// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/network_plan.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

#include "arch/placement.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Which operands of a fused layer pass through the DRAM, and the room for their tiles.
struct Streams {
    bool weights = false;
    std::vector<bool> inputs;  ///< by position in FusedLayer::inputs
    bool operands = false;
    bool outputs = false;
    std::int64_t weight_slot = 0;  ///< bytes of one of two slots
    std::int64_t stage = 0;        ///< bytes for all tiles of activations
};

/// What a candidate of the search fixes for the whole network.
struct Candidate {
    std::int64_t weight_slot = 0;  ///< 0: all weights are resident
    std::int64_t stage = 0;        ///< 0: all activations are kept
};

class Planner {
public:
    Planner(const Network& network, const Hierarchy& hierarchy, Bytes capacity,
            const ClockDomain& clock, PassPlanner& passes)
        : network_(network),
          hierarchy_(hierarchy),
          passes_(passes),
          fused_(fuse_layers(network)),
          capacity_(capacity.count()),
          dram_bytes_per_cycle_(hierarchy.dram_config->peak().count() /
                                static_cast<double>(clock.frequency().count())) {
        set_lifetimes();
        classify();
    }

    NetworkPlan run() {
        std::optional<NetworkPlan> best;
        std::vector<std::int64_t> sizes = {0};
        for (std::int64_t size = 1; size <= capacity_; size *= 2) {
            sizes.push_back(size);
        }
        for (const std::int64_t slot : sizes) {
            for (const std::int64_t stage : sizes) {
                const bool coarse = slot != 0 && slot < least_slot();
                const bool coarse_stage = stage != 0 && stage < capacity_ / 256;
                if (!coarse && !coarse_stage && 2 * slot + stage <= capacity_) {
                    consider({slot, stage}, best);
                }
            }
        }
        if (!best) {
            refuse();
        }
        return *best;
    }

private:
    /// Slots so small that a plan would have more tiles than this are left out: what they leave
    /// room for is nothing beside so many weights.
    [[nodiscard]] std::int64_t least_slot() const {
        constexpr std::int64_t kMostWeightTiles = 8'192;
        return std::max(
            capacity_ / 256,
            std::min(network_.weight_bytes().count() / kMostWeightTiles, capacity_ / 4));
    }

    void set_lifetimes() {
        const std::size_t tensors = network_.tensors().size();
        first_.assign(tensors, kNever);
        last_.assign(tensors, 0);
        readers_.assign(tensors, 0);
        const auto touch = [&](TensorId tensor, std::size_t at) {
            const std::size_t t = tensor.position();
            first_[t] = first_[t] == kNever ? at : std::min(first_[t], at);
            last_[t] = std::max(last_[t], at);
        };
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            for (const TensorId input : fused_[f].inputs) {
                touch(input, f);
                ++readers_[input.position()];
            }
            for (const TensorId operand : fused_[f].operands) {
                touch(operand, f);
                ++readers_[operand.position()];
            }
            touch(fused_[f].output, f);
        }
    }

    [[nodiscard]] std::int64_t bytes(TensorId tensor) const {
        return network_.tensor_bytes(tensor).count();
    }
    /// Weights that the layer reads in a round: of a gather the rows that are drawn.
    [[nodiscard]] std::int64_t weight_bytes(const FusedLayer& fused, const Extents& extents) const {
        const Operand* weights = network_.layer(fused.root).space.find(TensorRole::weights);
        return weights == nullptr
                   ? 0
                   : stored_bytes(touched_words(weights->projection, whole_box(extents)),
                                  weights->precision)
                         .count();
    }
    [[nodiscard]] bool is_edge(TensorId tensor) const {
        const Tensor& of = network_.tensor(tensor);
        return of.kind == TensorKind::input || (readers_[tensor.position()] == 0 && !of.persists());
    }

    /// Keeps activations by the traffic that they save for each byte and step, while they fit.
    /// Returns the bytes that are kept at each step.
    std::vector<Bytes> keep(std::int64_t room, bool must_keep_all, NetworkPlan& plan,
                            bool& all) const {
        plan.kept.assign(network_.tensors().size(), false);
        std::vector<std::size_t> order;
        for (std::size_t t = 0; t < first_.size(); ++t) {
            if (first_[t] != kNever) {
                order.push_back(t);
            }
        }
        const auto density = [&](std::size_t t) {
            const auto steps = static_cast<double>(last_[t] - first_[t] + 1);
            return (1.0 + static_cast<double>(readers_[t])) / steps;
        };
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return density(a) > density(b); });
        std::vector<Bytes> live(fused_.size());
        all = true;
        for (const std::size_t t : order) {
            const TensorId tensor(t);
            // The network's inputs and outputs cross its edge while other rounds run: two slots,
            // always.
            const bool edge = is_edge(tensor);
            if (network_.tensor(tensor).persists() || (edge && !hierarchy_.host.valid())) {
                all = false;  // they lie in the DRAM
                continue;
            }
            const Lifetime lifetime{edge ? 0 : first_[t], edge ? fused_.size() - 1 : last_[t],
                                    Bytes(bytes(tensor) * (edge ? 2 : 1))};
            bool fits = true;
            for (std::size_t s = lifetime.first; s <= lifetime.last; ++s) {
                fits = fits && (live[s] + lifetime.bytes).count() <= room;
            }
            if (!fits) {
                all = false;
                if (must_keep_all) {
                    return live;
                }
                continue;
            }
            plan.kept[t] = true;
            for (std::size_t s = lifetime.first; s <= lifetime.last; ++s) {
                live[s] += lifetime.bytes;
            }
        }
        return live;
    }

    // MODEL: a training step changes its weights and its state: they are read from the DRAM where
    // they are used, and go back there.
    void keep_weights(std::int64_t room, NetworkPlan& plan) const {
        room = network_.trains() ? -1 : room;
        std::vector<std::size_t> order(fused_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        // By the share that a round reads, most first, then by the time that the reading has.
        std::vector<std::pair<double, double>> worth(fused_.size());
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            if (fused_[f].weights.valid()) {
                const Layer& root = network_.layer(fused_[f].root);
                const auto read = static_cast<double>(weight_bytes(fused_[f], root.space.extents));
                worth[f] = {-read / static_cast<double>(bytes(fused_[f].weights)),
                            static_cast<double>(root.macs()) / read};
            }
        }
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return worth[a] < worth[b]; });
        std::map<TensorId, bool> resident;  // several layers may share one tensor
        for (const std::size_t f : order) {
            const TensorId weights = fused_[f].weights;
            if (!weights.valid()) {
                continue;
            }
            const auto [known, fresh] = resident.emplace(weights, bytes(weights) <= room);
            plan.layers[f].weights_resident = known->second;
            if (fresh && known->second) {
                room -= bytes(weights);
            }
            plan.weights_stream = plan.weights_stream || !known->second;
        }
    }

    void consider(const Candidate& candidate, std::optional<NetworkPlan>& best) {
        NetworkPlan plan;
        plan.fused = fused_;
        plan.layers.resize(fused_.size());
        const std::int64_t room = capacity_ - 2 * candidate.weight_slot - candidate.stage;
        bool all = true;
        const std::vector<Bytes> live = keep(room, candidate.stage == 0, plan, all);
        if (all == (candidate.stage != 0)) {
            return;  // a stage that nobody needs, or a need without a stage
        }
        std::int64_t most = 0;
        for (const Bytes kept : live) {
            most = std::max(most, kept.count());
        }
        keep_weights(room - most, plan);
        if (plan.weights_stream != (candidate.weight_slot != 0)) {
            return;
        }
        if (!plan_layers(candidate, plan)) {
            return;
        }
        sum_up(plan);
        const bool better = !best || plan.cycles_per_item < best->cycles_per_item * (1 - 1e-9) ||
                            (plan.cycles_per_item <= best->cycles_per_item * (1 + 1e-9) &&
                             plan.dram_bytes_per_item < best->dram_bytes_per_item);
        if (better) {
            best = std::move(plan);
        }
    }

    bool plan_layers(const Candidate& candidate, NetworkPlan& plan) {
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            Streams streams;
            streams.weights = fused_[f].weights.valid() && !plan.layers[f].weights_resident;
            for (const TensorId input : fused_[f].inputs) {
                streams.inputs.push_back(!plan.kept[input.position()]);
            }
            for (const TensorId operand : fused_[f].operands) {
                streams.operands = streams.operands || !plan.kept[operand.position()];
            }
            streams.outputs = !plan.kept[fused_[f].output.position()];
            streams.weight_slot = candidate.weight_slot;
            streams.stage = candidate.stage;
            if (!plan_known(f, streams, plan.layers[f])) {
                return false;
            }
        }
        return true;
    }

    /// Equal layers in equal streams are planned once.
    bool plan_known(std::size_t f, const Streams& streams, LayerPlan& layer) {
        const auto key =
            std::make_tuple(classes_[f], streams.weights, streams.inputs, streams.operands,
                            streams.outputs, streams.weight_slot, streams.stage);
        const auto found = known_.find(key);
        if (found == known_.end()) {
            const bool fits = plan_layer(fused_[f], streams, layer);
            known_.emplace(key, fits ? std::optional(layer) : std::nullopt);
            return fits;
        }
        if (found->second) {
            const bool resident = layer.weights_resident;
            layer = *found->second;
            layer.weights_resident = resident;
        }
        return found->second.has_value();
    }

    /// Numbers fused layers so that equal ones have the same number: spaces, precisions and what
    /// the epilogues read.
    void classify() {
        std::map<std::vector<std::int64_t>, std::size_t> numbers;
        for (const FusedLayer& fused : fused_) {
            const Layer& root = network_.layer(fused.root);
            std::vector<std::int64_t> shape = {
                static_cast<std::int64_t>(root.space.operation),
                root.space.vector_operations_per_point,
                static_cast<std::int64_t>(root.precision.weights),
                static_cast<std::int64_t>(root.precision.activations),
                static_cast<std::int64_t>(root.precision.accumulator),
                operand_bits(network_, fused),
                static_cast<std::int64_t>(fused.operands.size()),
                bytes(fused.output),
                static_cast<std::int64_t>(network_.tensor(fused.output).precision)};
            shape.insert(shape.end(), root.space.extents.begin(), root.space.extents.end());
            for (const Dim dim : root.space.whole_dims) {
                shape.push_back(static_cast<std::int64_t>(dim));
            }
            for (const Operand& operand : root.space.operands) {
                const auto input = std::find(fused.inputs.begin(), fused.inputs.end(),
                                             network_.storage(operand.tensor));
                shape.insert(shape.end(),
                             {static_cast<std::int64_t>(operand.role),
                              static_cast<std::int64_t>(operand.precision),
                              operand.projection.gather ? 1 : 0, input - fused.inputs.begin()});
                for (const Axis& axis : operand.projection.axes) {
                    shape.insert(shape.end(), {axis.offset, axis.extent});
                    for (const AxisTerm& term : axis.terms) {
                        shape.insert(shape.end(),
                                     {static_cast<std::int64_t>(term.dim), term.coefficient});
                    }
                    shape.push_back(-1);
                }
            }
            classes_.push_back(numbers.emplace(std::move(shape), numbers.size()).first->second);
        }
    }

    /// The largest useful tile whose moving parts fit, cheapest order first.
    bool plan_layer(const FusedLayer& fused, const Streams& streams, LayerPlan& layer) {
        const Layer& root = network_.layer(fused.root);
        const Extents whole = root.space.extents;
        const bool many =
            (whole[index(Dim::H)] > 1 && whole[index(Dim::G)] == 1) || cuts_inputs(root, streams);
        std::size_t tried = 0;
        std::optional<LayerPlan> best;
        for (Extents tile : channel_tiles(root, streams)) {
            if (!fit_positions(fused, root, streams, tile)) {
                continue;
            }
            if (many && ++tried > kMostTiles) {
                break;
            }
            LayerPlan plan;
            plan.weights_resident = layer.weights_resident;
            plan.tile = tile;
            cost(fused, root, streams, plan);
            const auto passes = passes_.plan(root, tile, operand_bits(network_, fused));
            if (!passes) {
                continue;
            }
            plan.passes = *passes;
            plan.core_cycles = passes->cycles * tiles(whole, tile);
            if (!best || time(plan) < time(*best)) {
                best = plan;
            }
        }
        if (best) {
            layer = *best;
        }
        return best.has_value();
    }

    [[nodiscard]] static double tiles(const Extents& whole, const Extents& tile) {
        double product = 1;
        for (const Dim dim : all_dims()) {
            product *= static_cast<double>(ceil_divide(whole[index(dim)], tile[index(dim)]));
        }
        return product;
    }

    [[nodiscard]] double time(const LayerPlan& plan) const {
        return std::max(plan.core_cycles,
                        (plan.dram_bytes + plan.weight_bytes) / dram_bytes_per_cycle_);
    }

    /// Tiles of all positions: all channels where weights need no slot, else what fits in one and
    /// less. Groups are cut, or heads and then the channels of one, or channels.
    std::vector<Extents> channel_tiles(const Layer& root, const Streams& streams) const {
        const Extents whole = root.space.extents;
        const bool groups = whole[index(Dim::G)] > 1;
        const bool heads = whole[index(Dim::H)] > 1 && !groups;
        const bool inputs = cuts_inputs(root, streams);
        const bool moving = streams.outputs || streams.operands || inputs ||
                            (heads && std::find(streams.inputs.begin(), streams.inputs.end(),
                                                true) != streams.inputs.end());
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
                const Operand* weights = root.space.find(TensorRole::weights);
                const std::int64_t needed =
                    streams.weights && weights != nullptr
                        ? most_bytes(weights->projection, weights->precision, extents).count()
                        : 0;
                if (needed > streams.weight_slot) {
                    continue;
                }
                tiles.push_back(extents);
                if (!moving || (!heads && !inputs && tiles.size() == kMostTiles)) {
                    return tiles;
                }
            }
            extents[index(dim)] = most > 1 ? 1 : whole[index(dim)];
        }
        return tiles;
    }

    /// Shrinks the tile's positions until its moving activations fit twice in the stage.
    bool fit_positions(const FusedLayer& fused, const Layer& root, const Streams& streams,
                       Extents& tile) const {
        const auto needed = [&] {
            std::int64_t sum = 0;
            std::size_t position = 0;
            for (const Operand& operand : root.space.operands) {
                if (is_read(operand)) {
                    const bool streamed =
                        streams.inputs[std::min(position++, streams.inputs.size() - 1)];
                    const std::int64_t times = operand.updated ? 2 : 1;  // and on its way back
                    sum += streamed
                               ? times *
                                     most_bytes(operand.projection, operand.precision, tile).count()
                               : 0;
                }
            }
            const std::int64_t results =
                most_bytes(root.space.outputs().projection, Precision::int8, tile).count();
            if (streams.outputs) {
                sum += stored_bytes(results, network_.tensor(fused.output).precision).count();
            }
            if (streams.operands) {
                sum += ceil_divide(results * operand_bits(network_, fused), 8);
            }
            return 2 * sum;
        };
        for (const Dim dim : {Dim::N, Dim::D, Dim::P, Dim::Q}) {
            const bool normalised = root.space.normalises(dim);
            const std::int64_t whole = tile[index(dim)];
            for (std::int64_t parts = 1;
                 needed() > streams.stage && parts < whole && !normalised;) {
                ++parts;
                tile[index(dim)] = ceil_divide(whole, parts);
            }
        }
        return needed() <= streams.stage || needed() == 0;
    }

    /// Whether channels are cut because an operand beside the weights has them: in products, and
    /// in training also where sums go over a whole batch.
    [[nodiscard]] bool cuts_inputs(const Layer& root, const Streams& streams) const {
        return (root.space.macs() > 0 || network_.trains()) &&
               std::find(streams.inputs.begin(), streams.inputs.end(), true) !=
                   streams.inputs.end() &&
               std::any_of(root.space.operands.begin(), root.space.operands.end(),
                           [](const Operand& operand) {
                               return is_read(operand) && relevant(operand.projection, Dim::K);
                           });
    }

    static bool is_read(const Operand& operand) {
        return operand.role == TensorRole::inputs || operand.role == TensorRole::state;
    }
    [[nodiscard]] bool is_streamed(const FusedLayer& fused, const Streams& streams,
                                   const Operand& operand) const {
        const auto found =
            std::find(fused.inputs.begin(), fused.inputs.end(), network_.storage(operand.tensor));
        return streams.inputs[static_cast<std::size_t>(found - fused.inputs.begin())];
    }

    /// DRAM traffic in the better order of tiles. Rows that the next tile also needs stay.
    void cost(const FusedLayer& fused, const Layer& root, const Streams& streams,
              LayerPlan& plan) const {
        const Extents whole = root.space.extents;
        const auto parts = [&](Dim dim) {
            return static_cast<double>(ceil_divide(whole[index(dim)], plan.tile[index(dim)]));
        };
        const double channel_parts = parts(Dim::G) * parts(Dim::H) * parts(Dim::K);
        const double position_parts = tiles(whole, plan.tile) / channel_parts;
        double inputs = 0;
        double repeated = 0;  // where tiles of channels go round outside
        for (const Operand& operand : root.space.operands) {
            if (is_read(operand) && is_streamed(fused, streams, operand)) {
                const auto once = static_cast<double>(
                    stored_bytes(touched_words(operand.projection, root.space.box()),
                                 operand.precision)
                        .count());
                double times = position_parts > 1 ? 1 : 0;
                for (const Dim dim : {Dim::G, Dim::H, Dim::K}) {
                    times *= relevant(operand.projection, dim) ? 1 : parts(dim);
                }
                inputs += once;
                repeated += once * std::max(times, 1.0);
            }
        }
        double rest = streams.outputs ? static_cast<double>(bytes(fused.output)) : 0;
        for (const TensorId operand : fused.operands) {
            rest += streams.operands ? static_cast<double>(bytes(operand)) : 0;
        }
        const Operand* table = root.space.find(TensorRole::weights);
        const bool gathers = table != nullptr && table->projection.gather;
        double weights = streams.weights ? static_cast<double>(weight_bytes(fused, whole)) : 0;
        if (streams.weights && gathers) {  // each tile draws rows of its own
            weights = static_cast<double>(weight_bytes(fused, plan.tile)) * channel_parts *
                      position_parts;
            plan.weight_bytes = weights;
            plan.dram_bytes = repeated + rest;
            return;
        }
        const double channels_out = weights + repeated;
        const double positions_out = inputs + weights * (channel_parts > 1 ? position_parts : 1);
        plan.positions_outer = positions_out < channels_out;
        plan.weight_bytes =
            plan.positions_outer && channel_parts > 1 ? weights * position_parts : weights;
        plan.dram_bytes = std::min(channels_out, positions_out) - plan.weight_bytes + rest;
    }

    void sum_up(NetworkPlan& plan) const {
        double cycles = 0;
        double total = 0;
        for (const LayerPlan& layer : plan.layers) {
            cycles += std::max(layer.core_cycles, layer.dram_bytes / dram_bytes_per_cycle_);
            total += layer.dram_bytes + layer.weight_bytes;
        }
        const auto items = static_cast<double>(network_.batch());
        plan.cycles_per_item = std::max(cycles, total / dram_bytes_per_cycle_) / items;
        plan.dram_bytes_per_item = total / items;
    }

    /// Says by how much the layer that needs most does not fit.
    [[noreturn]] void refuse() const {
        std::int64_t worst = -1;
        std::size_t at = 0;
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            const Layer& root = network_.layer(fused_[f].root);
            Extents least = root.space.extents;
            for (const Dim dim : {Dim::N, Dim::G, Dim::H, Dim::K, Dim::D, Dim::P, Dim::Q}) {
                least[index(dim)] = 1;
            }
            std::int64_t sum = 0;
            for (const Operand& operand : root.space.operands) {
                sum += 2 * most_bytes(operand.projection, operand.precision, least).count();
            }
            if (sum > worst) {
                worst = sum;
                at = f;
            }
        }
        const std::string where = "layer '" + network_.layer(fused_[at].root).name + "'";
        throw InputError(worst > capacity_
                             ? where + " does not fit the global buffer: its smallest tile takes " +
                                   format_bytes(Bytes(worst)) + ", " +
                                   format_bytes(Bytes(worst - capacity_)) + " more than there is"
                             : "network '" + network_.name() +
                                   "' does not fit the buffers of the cores in any tiling");
    }

    static constexpr std::size_t kMostTiles = 4;  ///< of those that fit, the largest
    static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

    const Network& network_;
    const Hierarchy& hierarchy_;
    PassPlanner& passes_;
    std::vector<FusedLayer> fused_;
    std::int64_t capacity_;
    double dram_bytes_per_cycle_;
    std::vector<std::size_t> first_, last_;  ///< by tensor: steps between which it is needed
    std::vector<std::int64_t> readers_;
    std::vector<std::size_t> classes_;  ///< by fused layer
    std::map<
        std::tuple<std::size_t, bool, std::vector<bool>, bool, bool, std::int64_t, std::int64_t>,
        std::optional<LayerPlan>>
        known_;
};

}  // namespace

std::int64_t operand_bits(const Network& network, const FusedLayer& fused) {
    std::int64_t sum = 0;
    for (const TensorId operand : fused.operands) {
        sum += bits(network.tensor(operand).precision);
    }
    return sum;
}

NetworkPlan plan_network(const Network& network, const Hierarchy& hierarchy, Bytes capacity,
                         const ClockDomain& clock, PassPlanner& planner) {
    return Planner(network, hierarchy, capacity, clock, planner).run();
}

}  // namespace memwall
