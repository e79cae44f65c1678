// SPDX-License-Identifier: Apache-2.0
// The splits of a layer over the mesh that are worth a look, best first, each with everything that
// follows from it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/fused_layer.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/layer_data.hpp"
#include "arch/spatial/layer_plan.hpp"
#include "workloads/network.hpp"

namespace memwall {

struct SplitCandidate {
    SpatialPlan plan;
    SpatialLayer layer;
    double cost = 0;  ///< cycles, wherever its inputs come from
};
using SplitCandidates = std::vector<std::unique_ptr<SplitCandidate>>;

/// Makes the candidates of layers. Those of one shape are the same ones.
class SplitCandidateMaker {
public:
    /// `most`: splits of a layer, each in every layout. `cache_share`: the part of a layer's cache
    /// that a core may have, 1 at most; where no split gives it as little, those that give least.
    SplitCandidateMaker(const Network& network, const Machine& machine, const Chip& chip,
                        const Cores& cores, std::size_t most, double cache_share);

    static constexpr std::array<Layout, 2> kLayouts = {Layout::weights, Layout::positions};

    /// They live as long as the maker; never none.
    const SplitCandidates& candidates(const FusedLayer& fused);

private:
    using ShapeKey = std::tuple<Extents, std::string, std::vector<std::int64_t>>;

    [[nodiscard]] static ShapeKey key_of(const Layer& root);
    [[nodiscard]] double rough(const Layer& root, const CoreSplit& split, double compute) const;
    void add_row_splits(const Layer& root, std::vector<CoreSplit>& splits) const;
    void keep_those_that_fit(const Layer& root, std::vector<CoreSplit>& splits) const;
    void keep_even_caches(const Layer& root, std::vector<CoreSplit>& splits) const;
    [[nodiscard]] std::vector<CoreSplit> ranked_splits(const Layer& root) const;
    [[nodiscard]] std::unique_ptr<SplitCandidate> evaluate(const FusedLayer& fused,
                                                           const CoreSplit& split,
                                                           Layout layout) const;

    const Network& network_;
    const Machine& machine_;
    const Chip& chip_;
    const Cores& cores_;
    std::size_t most_;
    double cache_share_;
    double activation_width_;  ///< bytes a cycle of a link, as below
    double model_width_;
    double partial_sum_width_;
    Bytes core_room_;  ///< of a core's memory, for activations
    std::map<ShapeKey, SplitCandidates> known_;
};

}  // namespace memwall
