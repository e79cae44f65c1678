// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/mesh_traffic.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "arch/spatial/core_grid.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

MeshConfig mesh(std::int64_t columns, std::int64_t rows) {
    MeshConfig config;
    config.columns = columns;
    config.rows = rows;
    config.link_width = Bytes(4);
    return config;
}

Machine three_by_three() {
    test::Overrides overrides;
    for (const char* part : {"core_memory", "weight_buffer", "accumulators", "array", "vector"}) {
        overrides.emplace_back(std::string("components.") + part + ".instances", "9");
    }
    for (const char* part :
         {"model_network", "activation_network", "partial_sum_network", "instruction_network"}) {
        overrides.emplace_back(std::string("components.") + part + ".columns", "3");
        overrides.emplace_back(std::string("components.") + part + ".rows", "3");
    }
    return test::shipped_machine("tiny_northpole", overrides);
}

}  // namespace

TEST_CASE("A multicast on a 3 x 3 mesh loads each link of its tree once") {
    MeshTraffic traffic(mesh(3, 3));
    // From the north-west corner along row 0, then down columns 0, 1 and 2.
    traffic.multicast({0, 0}, Destinations({{2, 2}, {2, 0}, {0, 1}, {1, 2}}), 10);
    CHECK(traffic.delivered() == 40);
    CHECK(traffic.longest() == 4);
    // Links: 2 east, 1 south in column 0, 2 in column 1, 2 in column 2.
    CHECK(traffic.hop_bytes() == 7 * 10);
    CHECK(traffic.busiest() == 10);

    const Machine machine = three_by_three();
    const ComponentId id = machine.find("activation_network");
    std::map<std::string, std::int64_t> loads;
    for (const LinkUse& use : traffic.links(machine, id)) {
        loads[machine.links()[use.link.position()].name] = use.bytes.count();
    }
    const std::string at = "activation_network ";
    const std::map<std::string, std::int64_t> paper = {
        {at + "(0, 0) inject", 10}, {at + "(0, 0) east", 10},  {at + "(1, 0) east", 10},
        {at + "(0, 0) south", 10},  {at + "(1, 0) south", 10}, {at + "(1, 1) south", 10},
        {at + "(2, 0) south", 10},  {at + "(2, 1) south", 10}, {at + "(2, 2) eject", 10},
        {at + "(2, 0) eject", 10},  {at + "(0, 1) eject", 10}, {at + "(1, 2) eject", 10}};
    CHECK(loads == paper);
}

TEST_CASE("Ways go west and north as well, and two of them share a link by adding up") {
    MeshTraffic traffic(mesh(3, 3));
    traffic.multicast({2, 2}, Destinations({{0, 0}}), 5);
    CHECK(traffic.hop_bytes() == 4 * 5);
    traffic.multicast({2, 2}, Destinations({{1, 2}}), 3);
    CHECK(traffic.busiest() == 8);  // the port in and the first link west
    CHECK(traffic.hop_bytes() == 4 * 5 + 3);
    CHECK(traffic.delivered() == 8);
}

TEST_CASE("What stays in its core, and nothing at all, loads no link") {
    MeshTraffic traffic(mesh(3, 3));
    traffic.multicast({1, 1}, Destinations({{1, 1}}), 100);
    traffic.multicast({1, 1}, Destinations({{0, 0}}), 0);
    traffic.multicast({1, 1}, Destinations(std::vector<Router>()), 7);
    CHECK(traffic.delivered() == 0);
    CHECK(traffic.busiest() == 0);
    CHECK(traffic.longest() == 0);
}

TEST_CASE("The parts of a traffic add up to it") {
    const Machine machine = three_by_three();
    MeshTraffic traffic(mesh(3, 3));
    traffic.multicast({0, 0}, Destinations({{2, 2}, {1, 1}}), 17);
    const auto whole = traffic.links(machine, machine.find("activation_network"));
    std::map<LinkId, std::int64_t> sums;
    for (std::int64_t part = 0; part < 5; ++part) {
        for (const LinkUse& use : share(whole, part, 5)) {
            sums[use.link] += use.bytes.count();
        }
    }
    CHECK(sums.size() == whole.size());
    for (const LinkUse& use : whole) {
        CHECK(sums[use.link] == use.bytes.count());
    }
}

TEST_CASE("Every part of a split gets a core of its own inside the mesh") {
    int checked = 0;
    for (std::uint32_t seed = 1; seed <= 300; ++seed) {
        test::Draw draw(seed);
        const MeshConfig config = mesh(draw(1, 5), draw(1, 5));
        CoreSplit split;
        for (const Dim dim : {Dim::K, Dim::C, Dim::P, Dim::Q, Dim::N}) {
            split.extents[index(dim)] = draw(1, 6);
            split.tile[index(dim)] = draw(1, split.extents[index(dim)]);
        }
        if (split.parts(Dim::C) > config.columns || split.cores() > config.columns * config.rows) {
            continue;
        }
        ++checked;
        for (const Layout layout : {Layout::weights, Layout::positions}) {
            const std::vector<GridCore> cores = place_cores(split, layout, config);
            REQUIRE(static_cast<std::int64_t>(cores.size()) == split.cores());
            std::map<std::pair<std::int64_t, std::int64_t>, int> used;
            for (const GridCore& core : cores) {
                CHECK(core.at.column >= 0);
                CHECK(core.at.column < config.columns);
                CHECK(core.at.row >= 0);
                CHECK(core.at.row < config.rows);
                ++used[{core.at.column, core.at.row}];
            }
            CHECK(static_cast<std::int64_t>(used.size()) == split.cores());
        }
    }
    CHECK(checked > 60);
}

}  // namespace memwall
