// SPDX-License-Identifier: Apache-2.0
#include "workloads/layer_graph.hpp"

#include <catch2/catch.hpp>

namespace memwall {
namespace {

using Ids = std::vector<int>;

LayerGraph graph(std::size_t layers, const std::vector<std::pair<int, int>>& edges) {
    std::vector<std::pair<LayerId, LayerId>> ids;
    for (const auto& [from, to] : edges) {
        ids.emplace_back(LayerId(from), LayerId(to));
    }
    return {layers, std::move(ids)};
}

Ids plain(const std::vector<LayerId>& ids) {
    Ids values;
    for (const LayerId id : ids) {
        values.push_back(id.value);
    }
    return values;
}

}  // namespace

TEST_CASE("Layers keep the order of the file where it is a topological one") {
    CHECK(plain(graph(4, {{0, 1}, {0, 2}, {1, 3}, {2, 3}}).order()) == Ids{0, 1, 2, 3});
    CHECK(plain(graph(3, {}).order()) == Ids{0, 1, 2});
}

TEST_CASE("A layer that comes too early in the file waits for its inputs and no longer") {
    CHECK(plain(graph(4, {{2, 0}, {0, 3}}).order()) == Ids{1, 2, 0, 3});
}

TEST_CASE("A cycle is given once, from its first layer, by the shortest way round") {
    const LayerGraph three = graph(5, {{3, 1}, {1, 2}, {2, 3}, {0, 1}, {3, 4}});
    REQUIRE(three.cycles().size() == 1);
    CHECK(plain(three.cycles()[0]) == Ids{1, 2, 3});
    CHECK(plain(three.order()) == Ids{0});

    const LayerGraph both = graph(5, {{0, 1}, {1, 0}, {1, 2}, {2, 0}, {3, 3}, {4, 3}});
    REQUIRE(both.cycles().size() == 2);
    CHECK(plain(both.cycles()[0]) == Ids{0, 1});
    CHECK(plain(both.cycles()[1]) == Ids{3});
    CHECK(graph(2, {{0, 1}}).cycles().empty());
}

TEST_CASE("Neighbours are sorted, and repeated edges count once") {
    const LayerGraph diamond = graph(4, {{0, 2}, {0, 1}, {0, 1}, {2, 3}, {1, 3}});
    CHECK(plain(diamond.successors(LayerId(0))) == Ids{1, 2});
    CHECK(plain(diamond.predecessors(LayerId(3))) == Ids{1, 2});
    CHECK(diamond.predecessors(LayerId(0)).empty());
    CHECK(plain(diamond.order()) == Ids{0, 1, 2, 3});
}

}  // namespace memwall
