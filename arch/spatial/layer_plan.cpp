// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/layer_plan.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <tuple>

#include "arch/spatial/layer_data.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

double mesh_width(const Machine& machine, ComponentId mesh) {
    return static_cast<double>(
        std::get<MeshConfig>(machine.component(mesh).config).link_width.count());
}

/// A split with everything that follows from it.
struct Candidate {
    SpatialPlan plan;
    SpatialLayer layer;
    double cost = 0;  ///< cycles, wherever its inputs come from
};
using Candidates = std::vector<std::unique_ptr<Candidate>>;

class SplitPlanner {
public:
    SplitPlanner(const Network& network, const std::vector<FusedLayer>& fused,
                 const Machine& machine, const Chip& chip, const Cores& cores,
                 std::size_t widest_beam)
        : network_(network),
          fused_(fused),
          machine_(machine),
          chip_(chip),
          cores_(cores),
          widest_beam_(widest_beam),
          pipelines_(
              (cores.array_config->pipeline + cores.vector_config->pipeline + chip.synchronisation)
                  .count()),
          activation_width_(mesh_width(machine, chip.activation_network)),
          model_width_(mesh_width(machine, chip.model_network)),
          partial_sum_width_(mesh_width(machine, chip.partial_sum_network)) {
        for (const FusedLayer& layer : fused_) {
            layers_.push_back(&candidates(layer));
        }
    }

    /// The best choice among the first `beam` splits of each layer, in either layout.
    std::vector<SpatialPlan> run(std::size_t beam) {
        width_ = beam * std::size(kLayouts);
        chosen_ = shortest_path();
        descend();
        split_shared_alike();
        std::vector<SpatialPlan> plans;
        for (const Candidate* candidate : chosen_) {
            plans.push_back(candidate->plan);
        }
        return plans;
    }

private:
    static constexpr int kSweeps = 4;
    static constexpr Layout kLayouts[] = {Layout::weights, Layout::positions};

    using ShapeKey = std::tuple<Extents, std::string, std::vector<std::int64_t>>;
    struct Node {
        double cost = 0;
        std::size_t before = 0;
    };

    [[nodiscard]] ShapeKey key_of(const Layer& root) const {
        std::vector<std::int64_t> windows;
        for (const Operand& operand : root.space.operands) {
            windows.push_back(bits(operand.precision));
            for (const Axis& axis : operand.projection.axes) {
                windows.push_back(axis.extent);
                windows.push_back(axis.offset);
                for (const AxisTerm& term : axis.terms) {
                    windows.push_back(term.coefficient);
                }
            }
        }
        return {root.space.extents, root.op, std::move(windows)};
    }

    /// Rough cycles of a split before anything is routed: to rank splits.
    [[nodiscard]] double rough(const Layer& root, const CoreSplit& split, double compute) const {
        double received = 0;
        double weights = 0;
        for (const Operand& operand : root.space.operands) {
            const auto bytes = static_cast<double>(
                most_bytes(operand.projection, operand.precision, split.tile).count());
            received += operand.role == TensorRole::inputs ? bytes : 0;
            weights += operand.role == TensorRole::weights ? bytes : 0;
        }
        double sums = 0;
        if (split.reduction_parts(root.space) > 1) {
            sums = static_cast<double>(
                       stored_bytes(result_words(root, split.tile), root.precision.accumulator)
                           .count()) /
                   partial_sum_width_;
        }
        return std::max({compute, weights / model_width_, sums}) + sums / kOutputChunks +
               received / activation_width_ / kOutputChunks;
    }

    std::vector<CoreSplit> ranked_splits(const Layer& root) const {
        SplitRules rules;
        rules.cores = chip_.cores;
        if (root.macs() > 0) {
            const ArrayShape* shape = array_shape(*cores_.array_config, root.precision);
            rules.output_unit = shape->outputs;
            rules.reduction_unit = shape->inputs;
            rules.split_reduction = true;
        }
        std::vector<std::pair<double, CoreSplit>> ranked;
        double least = std::numeric_limits<double>::infinity();
        for (const CoreSplit& split : useful_splits(root.space, root.space.extents, rules)) {
            if (split.parts(Dim::C) > chip_.mesh->columns) {
                continue;
            }
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
        for (const auto& [cost, split] : ranked) {
            if (best.size() < widest_beam_) {
                best.push_back(split);
            }
        }
        return best;
    }

    [[nodiscard]] std::unique_ptr<Candidate> evaluate(const FusedLayer& fused,
                                                      const CoreSplit& split, Layout layout) const {
        const Layer& root = network_.layer(fused.root);
        auto candidate = std::make_unique<Candidate>();
        SpatialPlan& plan = candidate->plan;
        plan.split = split;
        plan.layout = layout;
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

    const Candidates& candidates(const FusedLayer& fused) {
        const Layer& root = network_.layer(fused.root);
        const auto [known, fresh] = known_.try_emplace(key_of(root));
        if (fresh) {
            for (const CoreSplit& split : ranked_splits(root)) {
                for (const Layout layout : kLayouts) {
                    known->second.push_back(evaluate(fused, split, layout));
                }
            }
        }
        return known->second;
    }

    /// Cycles from the layer before to this one that nothing hides, over the activation network.
    double travel(std::size_t f, const Candidate& from, const Candidate& to) {
        const auto [known, fresh] = travels_.try_emplace({&from, &to}, 0.0);
        if (!fresh) {
            return known->second;
        }
        std::int64_t busiest = 0;
        std::int64_t longest = 0;
        const Layer& root = network_.layer(fused_[f].root);
        for (const Operand& operand : root.space.operands) {
            const TensorId stored = network_.storage(operand.tensor);
            if (operand.role == TensorRole::inputs && stored == fused_[f - 1].output) {
                // Holders and takers of candidates are those of any layer of the same shape.
                const ExchangeLoad load =
                    exchange_load(network_, stored, from.layer.results,
                                  takers_of(network_, operand.tensor, operand.projection,
                                            to.layer.boxes, to.layer.cores),
                                  *chip_.mesh);
                busiest += load.busiest;
                longest = std::max(longest, load.longest);
            }
        }
        known->second = exposed(f, from, to, static_cast<double>(busiest) / activation_width_,
                                static_cast<double>(longest));
        return known->second;
    }

    /// Cycles between the end of one layer's computing and the begin of the next. `time`: all of
    /// the exchange; it begins with the first results, its last part travels after the last ones.
    [[nodiscard]] double exposed(std::size_t f, const Candidate& from, const Candidate& to,
                                 double time, double distance) const {
        const auto parts = static_cast<double>(from.layer.chunks.size());
        const double sums = from.plan.partial_sums;
        const double hidden = from.plan.compute - from.plan.first_output;
        const double late = std::max((sums + time) / parts,
                                     std::max(sums, time) - hidden + std::min(sums, time) / parts) +
                            static_cast<double>(from.layer.sum_distance) + distance +
                            static_cast<double>(pipelines_);
        const Layer& root = network_.layer(fused_[f].root);
        for (const Operand& operand : root.space.operands) {
            if (operand.role == TensorRole::inputs &&
                reduces_by_channels(network_, root, operand, to.layer, from.layer)) {
                const auto first = static_cast<double>(
                    std::count_if(from.layer.chunks.begin(), from.layer.chunks.end(),
                                  [](const OutputChunk& c) { return c.positions.begin == 0; }));
                return std::max(0.0, late - to.plan.first_output * (1 - 1 / first));
            }
        }
        return late;
    }

    /// Cycles of an exchange on the busiest link; `operand`: of an epilogue, at the results.
    double cycles_between(TensorId stored, const Candidate& from, const Candidate& to,
                          const Operand* input) {
        const auto [known, fresh] = betweens_.try_emplace({&from, &to, input == nullptr}, 0.0);
        if (!fresh) {
            return known->second;
        }
        std::vector<Taker> takers_here;
        if (input != nullptr) {
            takers_here = takers(network_, to.layer, *input);
        } else {
            for (const Holder& holder : to.layer.results) {
                takers_here.push_back({holder.region, {holder.at}});
            }
        }
        const ExchangeLoad load =
            exchange_load(network_, stored, from.layer.results, takers_here, *chip_.mesh);
        known->second = static_cast<double>(load.busiest) / activation_width_;
        return known->second;
    }

    [[nodiscard]] std::size_t maker_of(TensorId stored, std::size_t before) const {
        for (std::size_t f = 0; f < before; ++f) {
            if (fused_[f].output == stored) {
                return f;
            }
        }
        return fused_.size();
    }

    /// Cycles that a layer waits for what it reads from further back, and for the operands of its
    /// epilogues. `split_of(g)` is the choice for an earlier layer g.
    template <class SplitOf>
    double early(std::size_t f, const Candidate& to, const SplitOf& split_of) {
        if (f == 0) {
            return 0;
        }
        double inputs = 0;
        for (const Operand& operand : network_.layer(fused_[f].root).space.operands) {
            const TensorId stored = network_.storage(operand.tensor);
            const std::size_t maker = maker_of(stored, f - 1);
            if (operand.role == TensorRole::inputs && maker < fused_.size()) {
                inputs += cycles_between(stored, *split_of(maker), to, &operand);
            }
        }
        double operands = 0;
        for (const TensorId operand : fused_[f].operands) {
            const std::size_t maker = maker_of(operand, f);
            if (maker < fused_.size()) {
                operands += cycles_between(operand, *split_of(maker), to, nullptr);
            }
        }
        // About half of the time that the layers in between compute, the network is free.
        const double before = split_of(f - 1)->plan.compute / 2;
        return std::max(0.0, inputs - before) + std::max(0.0, operands - to.plan.compute / 2) +
               (inputs + operands) / 8;
    }

    /// What changes with the choice of one layer: its own cycles, those to and from its neighbours,
    /// and those of later readers.
    double local_cost(std::size_t f) {
        const Candidate& own = *chosen_[f];
        const auto chosen = [&](std::size_t g) { return chosen_[g]; };
        double cost = own.cost + early(f, own, chosen);
        if (reads_layer_before(f)) {
            cost += travel(f, *chosen_[f - 1], own);
        }
        for (std::size_t g = f + 1; g < fused_.size(); ++g) {
            if (g == f + 1 && reads_layer_before(g)) {
                cost += travel(g, own, *chosen_[g]);
            }
            const auto& inputs = fused_[g].inputs;
            const auto& operands = fused_[g].operands;
            const TensorId output = fused_[f].output;
            if (std::find(inputs.begin(), inputs.end(), output) != inputs.end() ||
                std::find(operands.begin(), operands.end(), output) != operands.end()) {
                cost += early(g, *chosen_[g], chosen);
            }
        }
        return cost;
    }

    /// Changes one layer at a time while that helps.
    void descend() {
        for (int sweep = 0; sweep < kSweeps; ++sweep) {
            bool changed = false;
            for (std::size_t f = 0; f < fused_.size(); ++f) {
                const Candidate* best = chosen_[f];
                double least = local_cost(f);
                for (const auto& candidate : offered(f)) {
                    chosen_[f] = candidate.get();
                    const double cost = local_cost(f);
                    if (cost < least * (1 - 1e-9)) {
                        least = cost;
                        best = candidate.get();
                        changed = true;
                    }
                }
                chosen_[f] = best;
            }
            if (!changed) {
                return;
            }
        }
    }

    /// Layers of one shape with the same weights are split as the first of them, so that the weights
    /// are where they are needed.
    void split_shared_alike() {
        std::map<TensorId, std::size_t> first;
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            if (fused_[f].weights.valid()) {
                const std::size_t before = first.emplace(fused_[f].weights, f).first->second;
                if (layers_[before] == layers_[f]) {
                    chosen_[f] = chosen_[before];
                }
            }
        }
    }

    [[nodiscard]] bool reads_layer_before(std::size_t f) const {
        const auto& inputs = fused_[f].inputs;
        return f > 0 &&
               std::find(inputs.begin(), inputs.end(), fused_[f - 1].output) != inputs.end();
    }

    [[nodiscard]] std::span<const std::unique_ptr<Candidate>> offered(std::size_t f) const {
        const Candidates& all = *layers_[f];
        return {all.data(), std::min(all.size(), width_)};
    }

    std::vector<const Candidate*> shortest_path() {
        std::vector<std::vector<Node>> nodes(layers_.size());
        for (std::size_t f = 0; f < layers_.size(); ++f) {
            ensure(!offered(f).empty(), "every layer has a split: the whole of it on one core");
            const bool direct = reads_layer_before(f);
            for (const auto& to : offered(f)) {
                Node best{std::numeric_limits<double>::infinity(), 0};
                const std::size_t before = f == 0 ? 1 : offered(f - 1).size();
                for (std::size_t b = 0; b < before; ++b) {
                    double total = to->cost + (f == 0 ? 0 : nodes[f - 1][b].cost);
                    if (total < best.cost && direct) {
                        total += travel(f, *(*layers_[f - 1])[b], *to);
                    }
                    if (total < best.cost) {
                        // Layers further back: as on the best path to this predecessor.
                        total += early(f, *to, [&](std::size_t g) {
                            std::size_t node = b;
                            for (std::size_t at = f - 1; at > g; --at) {
                                node = nodes[at][node].before;
                            }
                            return (*layers_[g])[node].get();
                        });
                    }
                    if (total < best.cost) {
                        best = {total, b};
                    }
                }
                nodes[f].push_back(best);
            }
        }
        std::vector<const Candidate*> path(layers_.size());
        std::size_t at = 0;
        for (std::size_t n = 0; n < nodes.back().size(); ++n) {
            at = nodes.back()[n].cost < nodes.back()[at].cost ? n : at;
        }
        for (std::size_t f = layers_.size(); f-- > 0;) {
            path[f] = (*layers_[f])[at].get();
            at = nodes[f][at].before;
        }
        return path;
    }

    const Network& network_;
    const std::vector<FusedLayer>& fused_;
    const Machine& machine_;
    const Chip& chip_;
    const Cores& cores_;
    std::size_t widest_beam_;
    std::size_t width_ = 0;  ///< candidates of a layer that are offered
    std::int64_t pipelines_;
    double activation_width_;
    double model_width_;
    double partial_sum_width_;
    std::vector<const Candidates*> layers_;
    std::map<ShapeKey, Candidates> known_;
    std::map<std::pair<const Candidate*, const Candidate*>, double> travels_;
    std::map<std::tuple<const Candidate*, const Candidate*, bool>, double> betweens_;
    std::vector<const Candidate*> chosen_;  ///< the path before, by fused layer
};

}  // namespace

std::vector<std::vector<SpatialPlan>> plan_splits(const Network& network,
                                                  const std::vector<FusedLayer>& fused,
                                                  const Machine& machine, const Chip& chip,
                                                  const Cores& cores,
                                                  const std::vector<std::size_t>& beams) {
    SplitPlanner planner(network, fused, machine, chip, cores,
                         *std::max_element(beams.begin(), beams.end()));
    std::vector<std::vector<SpatialPlan>> plans;
    for (const std::size_t beam : beams) {
        plans.push_back(planner.run(beam));
    }
    return plans;
}

}  // namespace memwall
