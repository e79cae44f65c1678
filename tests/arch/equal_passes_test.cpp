// SPDX-License-Identifier: Apache-2.0
// Passes of one kind do the same in another place.
#include "arch/tiling/equal_passes.hpp"

#include <catch2/catch.hpp>

#include "arch/core_split.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

/// The passes that cut each layer's output rows two at a time.
std::vector<Pass> passes_of(const Layer& layer) {
    Extents pass = layer.space.extents;
    pass[index(Dim::P)] = 2;
    LayerTiling plan;
    plan.tile = layer.space.extents;
    plan.passes.pass = pass;
    plan.passes.core = pass;
    return pass_sequence(layer, plan).passes;
}

}  // namespace

TEST_CASE("Passes of one kind are of one size and touch as many words") {
    const Network network = test::shipped_network("resnet50");
    std::size_t passes = 0;
    std::size_t kinds = 0;
    for (const Layer& layer : network.layers()) {
        if (!layer.space.has_operands()) {
            continue;
        }
        const std::vector<Pass> all = passes_of(layer);
        const std::vector<std::int64_t> of_passes = kinds_of_passes(layer, all);
        REQUIRE(of_passes.size() == all.size());
        std::vector<const Box*> first;
        for (std::size_t p = 0; p < all.size(); ++p) {
            const auto kind = static_cast<std::size_t>(of_passes[p]);
            if (kind == first.size()) {
                first.push_back(&all[p].box);
            }
            REQUIRE(kind < first.size());
            CHECK(all[p].box.points() == first[kind]->points());
            CHECK(layer.space.counted_points(all[p].box) ==
                  layer.space.counted_points(*first[kind]));
            for (const Operand& operand : layer.space.operands) {
                CHECK(touched_words(operand.projection, all[p].box) ==
                      touched_words(operand.projection, *first[kind]));
                CHECK(operand_reads(operand.projection, all[p].box) ==
                      operand_reads(operand.projection, *first[kind]));
            }
        }
        passes += all.size();
        kinds += first.size();
    }
    CHECK(kinds * 3 < passes);  // most rows lie inside
}

}  // namespace memwall
