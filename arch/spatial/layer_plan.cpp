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
                 std::size_t widest_beam, double cache_share, const MapperOptions& options)
        : fused_(fused),
          options_(options),
          maker_(network, machine, chip, cores, widest_beam, cache_share),
          costs_(network, fused, chip, cores) {
        for (const FusedLayer& layer : fused_) {
            throw_if_cancelled(options_);
            layers_.push_back(&maker_.candidates(layer));
        }
        readers_.resize(fused_.size());
        std::map<TensorId, std::vector<std::size_t>> makers;  // of layers so far
        for (std::size_t g = 0; g < fused_.size(); ++g) {
            for (const auto* read : {&fused_[g].inputs, &fused_[g].operands}) {
                for (const TensorId tensor : *read) {
                    for (const std::size_t f : makers[tensor]) {
                        if (readers_[f].empty() || readers_[f].back() != g) {
                            readers_[f].push_back(g);
                        }
                    }
                }
            }
            makers[fused_[g].output].push_back(g);
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
        std::size_t far_layer = 0;  ///< a layer further back, and the node there
        std::size_t far = 0;
    };
    using Nodes = std::vector<std::vector<Node>>;  ///< by layer and candidate

    /// The node of layer `g` on the best path to a node of layer `f`, in steps that grow.
    static std::size_t ancestor(const Nodes& nodes, std::size_t f, std::size_t node,
                                std::size_t g) {
        while (f > g) {
            const Node& at = nodes[f][node];
            const bool leap = at.far_layer >= g;
            node = leap ? at.far : at.before;
            f = leap ? at.far_layer : f - 1;
        }
        return node;
    }

    /// Points a node further back: twice as far as the node before it points, where the two leaps
    /// from there are of one length, else to the node before (Myers' skew-binary jump pointers).
    static void leap(Nodes& nodes, std::size_t f, Node& node) {
        if (f == 0) {
            return;
        }
        const Node& first = nodes[f - 1][node.before];
        const Node& second = nodes[first.far_layer][first.far];
        const bool equal = f - 1 - first.far_layer == first.far_layer - second.far_layer;
        node.far_layer = equal ? second.far_layer : f - 1;
        node.far = equal ? second.far : node.before;
    }

    /// What changes with the choice of one layer: its own cycles, those to and from its neighbours,
    /// and those of later readers.
    double local_cost(std::size_t f) {
        const SplitCandidate& own = *chosen_[f];
        const auto chosen = [&](std::size_t g) { return chosen_[g]; };
        double cost = own.cost + costs_.early(f, own, chosen);
        if (costs_.reads_layer_before(f)) {
            cost += costs_.travel(f, *chosen_[f - 1], own);
        }
        if (f + 1 < fused_.size() && costs_.reads_layer_before(f + 1)) {
            cost += costs_.travel(f + 1, own, *chosen_[f + 1]);
        }
        for (const std::size_t g : readers_[f]) {
            cost += costs_.early(g, *chosen_[g], chosen);
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
        Nodes nodes(layers_.size());
        for (std::size_t f = 0; f < layers_.size(); ++f) {
            throw_if_cancelled(options_);
            const bool direct = costs_.reads_layer_before(f);
            for (const auto& to : offered(f)) {
                Node best{std::numeric_limits<double>::infinity()};
                const std::size_t before = f == 0 ? 1 : offered(f - 1).size();
                for (std::size_t b = 0; b < before; ++b) {
                    double total = to->cost + (f == 0 ? 0 : nodes[f - 1][b].cost);
                    if (total < best.cost && direct) {
                        total += costs_.travel(f, *(*layers_[f - 1])[b], *to);
                    }
                    if (total < best.cost) {
                        // Layers further back: as on the best path to this predecessor.
                        total += costs_.early(f, *to, [&](std::size_t g) {
                            return (*layers_[g])[ancestor(nodes, f - 1, b, g)].get();
                        });
                    }
                    if (total < best.cost) {
                        best = {total, b};
                    }
                }
                leap(nodes, f, best);
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
    std::vector<std::vector<std::size_t>> readers_;  ///< by fused layer; in order
    std::vector<const SplitCandidate*> chosen_;      ///< the path before, by fused layer
};

}  // namespace

bool same_splits(const std::vector<SpatialPlan>& a, const std::vector<SpatialPlan>& b) {
    return std::equal(
        a.begin(), a.end(), b.begin(), b.end(), [](const SpatialPlan& x, const SpatialPlan& y) {
            return x.layout == y.layout && x.columns == y.columns && x.rows == y.rows &&
                   x.split.tile == y.split.tile && x.split.extents == y.split.extents;
        });
}

std::vector<std::vector<SpatialPlan>> plan_splits(
    const Network& network, const std::vector<FusedLayer>& fused, const Machine& machine,
    const Chip& chip, const Cores& cores, const std::vector<std::size_t>& beams, double cache_share,
    const MapperOptions& options) {
    SplitPlanner planner(network, fused, machine, chip, cores,
                         *std::max_element(beams.begin(), beams.end()), cache_share, options);
    std::vector<std::vector<SpatialPlan>> plans;
    for (const std::size_t beam : beams) {
        plans.push_back(planner.run(beam));
    }
    return plans;
}

}  // namespace memwall
