// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/layer_plan.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "base/error.hpp"

namespace memwall {
namespace {

double mesh_width(const Machine& machine, ComponentId mesh) {
    return static_cast<double>(
        std::get<MeshConfig>(machine.component(mesh).config).link_width.count());
}

class SplitPlanner {
public:
    SplitPlanner(const Network& network, const std::vector<FusedLayer>& fused,
                 const Machine& machine, const Chip& chip, const Cores& cores, bool thorough)
        : network_(network),
          fused_(fused),
          chip_(chip),
          cores_(cores),
          beam_(thorough ? 64 : 24),
          activation_width_(mesh_width(machine, chip.activation_network)),
          model_width_(mesh_width(machine, chip.model_network)),
          partial_sum_width_(mesh_width(machine, chip.partial_sum_network)) {}

    std::vector<SpatialPlan> run() {
        for (const FusedLayer& fused : fused_) {
            layers_.push_back(candidates(fused));
        }
        return shortest_path();
    }

private:
    struct Node {
        double cost = 0;
        std::size_t before = 0;
    };

    [[nodiscard]] double words_to_bytes(std::int64_t words, Precision precision) const {
        return static_cast<double>(words) * bits(precision) / 8;
    }

    [[nodiscard]] SpatialPlan evaluate(const FusedLayer& fused, const CoreSplit& split) const {
        const Layer& root = network_.layer(fused.root);
        SpatialPlan plan;
        plan.split = split;
        plan.compute = static_cast<double>(core_cycles(cores_, root, split.tile));
        const ArrayShape* shape =
            root.macs() > 0 ? array_shape(*cores_.array_config, root.precision) : nullptr;
        const double turns =
            shape ? static_cast<double>(reduction_turns(*cores_.array_config, *shape, split.tile) *
                                        ceil_divide(split.tile[index(Dim::K)], shape->outputs))
                  : 1;
        const double k_turns =
            shape ? static_cast<double>(ceil_divide(split.tile[index(Dim::K)], shape->outputs)) : 1;
        plan.first_output = plan.compute * (turns / k_turns - 1) / turns;
        const Operand& outputs = root.space.outputs();
        plan.output_bytes = static_cast<double>(
            most_bytes(outputs.projection, outputs.precision, split.tile).count());
        double positions = 1;
        for (const Dim dim : {Dim::N, Dim::D, Dim::P, Dim::Q}) {
            positions *= static_cast<double>(split.parts(dim));
        }
        for (const Operand& operand : root.space.operands) {
            const auto bytes = static_cast<double>(
                most_bytes(operand.projection, operand.precision, split.tile).count());
            if (operand.role == TensorRole::inputs) {
                plan.input_bytes += bytes;
                double readers = 1;
                for (const Dim dim : {Dim::G, Dim::H, Dim::K}) {
                    readers *= relevant(operand.projection, dim)
                                   ? 1
                                   : static_cast<double>(split.parts(dim));
                }
                plan.readers = readers;
                plan.groups = static_cast<double>(split.cores()) / readers;
            } else if (operand.role == TensorRole::weights) {
                plan.weights = bytes / model_width_;
            }
        }
        const auto shares = static_cast<double>(split.reduction_parts(root.space));
        if (shares > 1) {
            plan.partial_sums =
                words_to_bytes(result_words(root, split.tile), root.precision.accumulator) /
                partial_sum_width_;
        }
        return plan;
    }

    /// What a layer takes without regard to where its inputs come from.
    [[nodiscard]] double alone(const SpatialPlan& plan) const {
        const double steady = std::max({plan.compute, plan.weights, plan.partial_sums});
        return steady + plan.partial_sums / kOutputChunks +
               plan.input_bytes / activation_width_ / kOutputChunks;
    }

    std::vector<SpatialPlan> candidates(const FusedLayer& fused) {
        const Layer& root = network_.layer(fused.root);
        std::vector<int> shape_key;
        for (const Operand& operand : root.space.operands) {
            shape_key.push_back(bits(operand.precision));
            for (const Axis& axis : operand.projection.axes) {
                shape_key.push_back(static_cast<int>(axis.extent));
                for (const AxisTerm& term : axis.terms) {
                    shape_key.push_back(static_cast<int>(term.coefficient));
                }
            }
        }
        const auto key = std::make_tuple(root.space.extents, root.op, std::move(shape_key));
        const auto known = known_.find(key);
        if (known != known_.end()) {
            return known->second;
        }
        SplitRules rules;
        rules.cores = chip_.cores;
        if (root.macs() > 0) {
            const ArrayShape* shape = array_shape(*cores_.array_config, root.precision);
            rules.output_unit = shape->outputs;
            rules.reduction_unit = shape->inputs;
            rules.split_reduction = true;
        }
        std::vector<std::pair<double, SpatialPlan>> ranked;
        double least = std::numeric_limits<double>::infinity();
        for (const CoreSplit& split : useful_splits(root.space, root.space.extents, rules)) {
            if (split.parts(Dim::C) > chip_.mesh->columns) {
                continue;
            }
            const auto compute = static_cast<double>(core_cycles(cores_, root, split.tile));
            if (compute > 1.6 * least + 64) {
                continue;
            }
            SpatialPlan plan = evaluate(fused, split);
            const double cost = alone(plan);
            least = std::min(least, cost);
            ranked.emplace_back(cost, std::move(plan));
        }
        std::stable_sort(ranked.begin(), ranked.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        std::vector<SpatialPlan> best;
        for (auto& [cost, plan] : ranked) {
            if (best.size() < beam_) {
                best.push_back(std::move(plan));
            }
        }
        known_.emplace(key, best);
        return best;
    }

    /// Cycles of the activation network from the layer before to this one: what the fullest core
    /// sends or receives, or what all trees together put on the links.
    [[nodiscard]] double travel(const SpatialPlan& from, const SpatialPlan& to,
                                double tensor_bytes) const {
        const double copies = to.input_bytes * to.groups / std::max(1.0, tensor_bytes);
        const double links = 4.0 * static_cast<double>(chip_.cores);
        const double hops = to.input_bytes * to.groups * (to.readers + 6);
        return std::max(
                   {to.input_bytes, from.output_bytes * std::max(1.0, copies), 2 * hops / links}) /
               activation_width_;
    }

    [[nodiscard]] double cost(const SpatialPlan* from, const SpatialPlan& to,
                              double tensor_bytes) const {
        const double steady = std::max({to.compute, to.weights, to.partial_sums});
        double total = steady + to.partial_sums / kOutputChunks;
        if (from != nullptr) {
            const double time = travel(*from, to, tensor_bytes);
            const double overlap = from->compute - from->first_output;
            total += std::max(time / kOutputChunks, time - overlap);
        } else {
            total += std::max(0.0, to.input_bytes / activation_width_ - to.compute);
        }
        return total;
    }

    /// Whether the layer reads what the one before it makes, and how many bytes that is.
    [[nodiscard]] double bytes_from_before(std::size_t f) const {
        const FusedLayer& fused = fused_[f];
        if (f == 0) {
            return 0;
        }
        for (const TensorId input : fused.inputs) {
            if (input == fused_[f - 1].output) {
                return static_cast<double>(network_.tensor_bytes(input).count());
            }
        }
        return 0;
    }

    std::vector<SpatialPlan> shortest_path() const {
        std::vector<std::vector<Node>> nodes(layers_.size());
        for (std::size_t f = 0; f < layers_.size(); ++f) {
            ensure(!layers_[f].empty(), "every layer has a split: the whole of it on one core");
            const double bytes = bytes_from_before(f);
            for (const SpatialPlan& to : layers_[f]) {
                Node best{std::numeric_limits<double>::infinity(), 0};
                const std::size_t before = f == 0 ? 1 : layers_[f - 1].size();
                for (std::size_t b = 0; b < before; ++b) {
                    const double so_far = f == 0 ? 0 : nodes[f - 1][b].cost;
                    const SpatialPlan* from = bytes > 0 ? &layers_[f - 1][b] : nullptr;
                    const double total = so_far + cost(from, to, bytes);
                    if (total < best.cost) {
                        best = {total, b};
                    }
                }
                nodes[f].push_back(best);
            }
        }
        std::vector<SpatialPlan> path(layers_.size());
        std::size_t at = 0;
        for (std::size_t n = 0; n < nodes.back().size(); ++n) {
            at = nodes.back()[n].cost < nodes.back()[at].cost ? n : at;
        }
        for (std::size_t f = layers_.size(); f-- > 0;) {
            path[f] = layers_[f][at];
            at = nodes[f][at].before;
        }
        return path;
    }

    const Network& network_;
    const std::vector<FusedLayer>& fused_;
    const Chip& chip_;
    const Cores& cores_;
    std::size_t beam_;
    double activation_width_;
    double model_width_;
    double partial_sum_width_;
    std::vector<std::vector<SpatialPlan>> layers_;
    std::map<std::tuple<Extents, std::string, std::vector<int>>, std::vector<SpatialPlan>> known_;
};

}  // namespace

std::vector<SpatialPlan> plan_splits(const Network& network, const std::vector<FusedLayer>& fused,
                                     const Machine& machine, const Chip& chip, const Cores& cores,
                                     bool thorough) {
    return SplitPlanner(network, fused, machine, chip, cores, thorough).run();
}

}  // namespace memwall
