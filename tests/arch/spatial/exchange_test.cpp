// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/exchange.hpp"

#include <catch2/catch.hpp>

#include "tests/support/machines.hpp"

namespace memwall {
namespace {

/// Four heads of which two share keys: their results lie behind each other, [2, 2 x 6, 3], and are
/// read as [4, 6, 3].
Network grouped_queries() {
    return test::network_of_text(
        "network: grouped\ninputs: {x: [6, 5]}\nlayers:\n"
        "- {name: q, op: linear, out_features: 12, heads: 4}\n"
        "- {name: k, op: linear, inputs: x, out_features: 6, heads: 2}\n"
        "- {name: v, op: linear, inputs: x, out_features: 6, heads: 2}\n"
        "- {name: attention, op: attention, inputs: [q, k, v], causal: true}\n"
        "- {name: o, op: linear, merge_heads: true, out_features: 4}\n");
}

}  // namespace

TEST_CASE("Of heads that lie behind each other a core takes its positions and no others") {
    const Network network = grouped_queries();
    const Layer& reader = network.layer(network.find_layer("o"));
    const Operand& inputs = *reader.space.find(TensorRole::inputs);
    CoreSplit split;
    split.extents = split.tile = reader.space.extents;
    split.tile[index(Dim::P)] = 2;
    const std::vector<Box> boxes = split.boxes(reader.space.box());
    REQUIRE(boxes.size() == 3);
    std::vector<GridCore> cores(boxes.size());
    for (std::size_t core = 0; core < cores.size(); ++core) {
        cores[core].at.column = static_cast<std::int64_t>(core);
    }
    const std::vector<Taker> takers =
        takers_of(network, inputs.tensor, inputs.projection, boxes, cores);
    std::vector<std::int64_t> taken(cores.size());
    for (const Taker& taker : takers) {
        REQUIRE(taker.at.size() == 1);
        for (const Region& region : taker.regions) {
            taken[static_cast<std::size_t>(taker.at.front().column)] += words(region);
            CHECK(words(region) == 2 * 3);  // two positions of one head
        }
    }
    for (const std::int64_t words_of_core : taken) {
        CHECK(words_of_core == 4 * 2 * 3);
    }
}

}  // namespace memwall
