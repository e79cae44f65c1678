// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/layer_plan.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <span>

#include "arch/spatial/split_candidates.hpp"
#include "arch/spatial/split_costs.hpp"

namespace memwall {
namespace {

class SplitPlanner {
public:
    SplitPlanner(const Network& network, const std::vector<FusedLayer>& fused,
                 const Machine& machine, const Chip& chip, const Cores& cores,
                 std::size_t widest_beam, const MapperOptions& options)
        : fused_(fused),
          options_(options),
          maker_(network, machine, chip, cores, widest_beam),
          costs_(network, fused, chip, cores) {
        for (const FusedLayer& layer : fused_) {
            throw_if_cancelled(options_);
            layers_.push_back(&maker_.candidates(layer));
        }
    }

    /// The best choice among the first `beam` splits of each layer, in either layout.
    std::vector<SpatialPlan> run(std::size_t beam) {
        width_ = beam * SplitCandidateMaker::kLayouts.size();
        chosen_ = shortest_path();
        descend();
        split_shared_alike();
        std::vector<SpatialPlan> plans;
        for (const SplitCandidate* candidate : chosen_) {
            plans.push_back(candidate->plan);
        }
        return plans;
    }

private:
    static constexpr int kSweeps = 4;

    struct Node {
        double cost = 0;
        std::size_t before = 0;
    };

    /// What changes with the choice of one layer: its own cycles, those to and from its neighbours,
    /// and those of later readers.
    double local_cost(std::size_t f) {
        const SplitCandidate& own = *chosen_[f];
        const auto chosen = [&](std::size_t g) { return chosen_[g]; };
        double cost = own.cost + costs_.early(f, own, chosen);
        if (costs_.reads_layer_before(f)) {
            cost += costs_.travel(f, *chosen_[f - 1], own);
        }
        for (std::size_t g = f + 1; g < fused_.size(); ++g) {
            if (g == f + 1 && costs_.reads_layer_before(g)) {
                cost += costs_.travel(g, own, *chosen_[g]);
            }
            const auto& inputs = fused_[g].inputs;
            const auto& operands = fused_[g].operands;
            const TensorId output = fused_[f].output;
            if (std::find(inputs.begin(), inputs.end(), output) != inputs.end() ||
                std::find(operands.begin(), operands.end(), output) != operands.end()) {
                cost += costs_.early(g, *chosen_[g], chosen);
            }
        }
        return cost;
    }

    /// Changes one layer at a time while that helps.
    void descend() {
        for (int sweep = 0; sweep < kSweeps; ++sweep) {
            bool changed = false;
            for (std::size_t f = 0; f < fused_.size(); ++f) {
                throw_if_cancelled(options_);
                const SplitCandidate* best = chosen_[f];
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

    /// Layers of one shape with the same weights are split as the first of them, so that the
    /// weights are where they are needed.
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

    [[nodiscard]] std::span<const std::unique_ptr<SplitCandidate>> offered(std::size_t f) const {
        const SplitCandidates& all = *layers_[f];
        return {all.data(), std::min(all.size(), width_)};
    }

    std::vector<const SplitCandidate*> shortest_path() {
        std::vector<std::vector<Node>> nodes(layers_.size());
        for (std::size_t f = 0; f < layers_.size(); ++f) {
            throw_if_cancelled(options_);
            const bool direct = costs_.reads_layer_before(f);
            for (const auto& to : offered(f)) {
                Node best{std::numeric_limits<double>::infinity(), 0};
                const std::size_t before = f == 0 ? 1 : offered(f - 1).size();
                for (std::size_t b = 0; b < before; ++b) {
                    double total = to->cost + (f == 0 ? 0 : nodes[f - 1][b].cost);
                    if (total < best.cost && direct) {
                        total += costs_.travel(f, *(*layers_[f - 1])[b], *to);
                    }
                    if (total < best.cost) {
                        // Layers further back: as on the best path to this predecessor.
                        total += costs_.early(f, *to, [&](std::size_t g) {
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
        std::vector<const SplitCandidate*> path(layers_.size());
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

    const std::vector<FusedLayer>& fused_;
    const MapperOptions& options_;
    SplitCandidateMaker maker_;
    SplitCosts costs_;
    std::size_t width_ = 0;  ///< candidates of a layer that are offered
    std::vector<const SplitCandidates*> layers_;
    std::vector<const SplitCandidate*> chosen_;  ///< the path before, by fused layer
};

}  // namespace

std::vector<std::vector<SpatialPlan>> plan_splits(const Network& network,
                                                  const std::vector<FusedLayer>& fused,
                                                  const Machine& machine, const Chip& chip,
                                                  const Cores& cores,
                                                  const std::vector<std::size_t>& beams,
                                                  const MapperOptions& options) {
    SplitPlanner planner(network, fused, machine, chip, cores,
                         *std::max_element(beams.begin(), beams.end()), options);
    std::vector<std::vector<SpatialPlan>> plans;
    for (const std::size_t beam : beams) {
        plans.push_back(planner.run(beam));
    }
    return plans;
}

}  // namespace memwall
