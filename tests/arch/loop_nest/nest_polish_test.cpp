// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_polish.hpp"

#include <catch2/catch.hpp>

#include "arch/estimate.hpp"
#include "arch/loop_nest/exact_choice.hpp"
#include "arch/mapper.hpp"
#include "arch/outcome_figures.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/nests.hpp"

namespace memwall {
namespace {

using test::Draw;

/// Two memories above 4 x 2 lanes, of which the inner one packs.
NestMachine two_memories() {
    NestMachine machine = test::plain_machine(3);
    machine.memories[1].capacity = 2'000;
    machine.memories[2].capacity = 400;
    SpatialAxis rows{"rows", 4, {}, true};
    SpatialAxis columns{"columns", 2, {}, false};
    rows.dims[index(Dim::C)] = rows.dims[index(Dim::R)] = true;
    columns.dims[index(Dim::K)] = true;
    machine.memories[2].axes = {rows, columns};
    return machine;
}

NestPrices prices_for(const NestMachine& machine) {
    const std::size_t levels = machine.memories.size();
    NestPrices prices;
    prices.levels = {{100, 100}, {5, 6}, {2, 3}};
    prices.transfer.assign(levels, std::vector<double>(levels + 1, 0));
    prices.copy = prices.transfer;
    prices.point = 1;
    return prices;
}

Network small_conv() {
    return test::network_of_text(
        "network: n\ninputs: {x: [6, 7, 9]}\nlayers: [{name: c, op: conv, out_channels: 10, "
        "kernel: 3, padding: 1, bias: false}]\n");
}

double taken(const Network& network, const Machine& machine, const MapperOptions& options) {
    const Mapping mapping = map_network(network, machine, options);
    return figures_of(mapping.program, machine, estimate(mapping.program, machine, Window{0}),
                      mapping.outermost)
        .of(options.objective);
}

}  // namespace

TEST_CASE("Changes at random leave tiles, lanes and operands where they may be") {
    const Network network = small_conv();
    const Layer& layer = network.layers().front();
    const NestMachine machine = two_memories();
    const NestPrices prices = prices_for(machine);
    const NestCost cost(layer.space, machine, prices);
    Mapspace space(layer, machine, cost);
    space.list_spatial(2, false);
    NestPoint point = space.smallest(space.spatial_combinations(1).front());
    PointChanges changes(space, machine, cost);
    std::int64_t folded = 0;
    for (int i = 0; i < 5'000; ++i) {
        changes.change(point);
        for (std::size_t d = 0; d < space.dims(); ++d) {
            for (std::size_t l = 1; l < space.levels(); ++l) {
                REQUIRE(point.held[l][d] >= space.least(point, l, d));
                REQUIRE(point.held[l][d] <= cost.extent(d));
            }
        }
        for (std::size_t o = 0; o < cost.operands(); ++o) {
            REQUIRE(space.kept_somewhere(point, o));
        }
        std::int64_t columns = 1;
        std::int64_t rows = 1;
        for (std::size_t d = 0; d < space.dims(); ++d) {
            const bool parts = point.parts[2][d] > 1;
            REQUIRE(
                (!parts || machine.memories[2].axes[point.axis[2][d]].dims[index(cost.dims()[d])]));
            (point.axis[2][d] == 1 ? columns : rows) *= point.parts[2][d];
        }
        REQUIRE(columns <= 2);
        folded += rows > 4 ? 1 : 0;
        if (cost.fits(point)) {
            REQUIRE_NOTHROW(count_nest(layer.space, cost.nest(point), machine));
        }
    }
    CHECK(folded > 100);
}

TEST_CASE("A polished nest fits, is better by some objective, and is the same every time") {
    const Network network = small_conv();
    const Layer& layer = network.layers().front();
    const NestMachine machine = two_memories();
    const NestPrices prices = prices_for(machine);
    const SearchRequest request;
    const SearchedNest found =
        search_nest(layer, machine, prices, request, search_stages(Effort::quick, layer.space));
    std::vector<TakenNest> known;
    for (const CountedNest& candidate : found.candidates) {
        REQUIRE(candidate.point);
        known.push_back({candidate, candidate.figures});
    }
    const auto polished = [&] {
        NestPolish polish(
            layer, machine, prices,
            [](const CountedNest& nest, bool /*measures*/) { return nest.figures; },
            request.cancelled);
        return polish.run(known, 200);
    };
    const std::vector<TakenNest> better = polished();
    REQUIRE_FALSE(better.empty());
    for (const TakenNest& nest : better) {
        for (std::size_t l = 1; l < machine.memories.size(); ++l) {
            CHECK(nest.nest.counts.bytes[l] <= machine.memories[l].capacity);
        }
        CHECK(std::any_of(
            kMappingObjectives.begin(), kMappingObjectives.end(), [&](MappingObjective objective) {
                return std::all_of(known.begin(), known.end(), [&](const TakenNest& other) {
                    return score_of(nest.taken, objective) < score_of(other.taken, objective);
                });
            }));
    }
    const std::vector<TakenNest> again = polished();
    REQUIRE(again.size() == better.size());
    for (std::size_t i = 0; i < better.size(); ++i) {
        CHECK(again[i].nest.nest == better[i].nest.nest);
    }
}

TEST_CASE("A thorough search of a small layer is not beaten by what a hand would try") {
    // Sums in the outer memory instead of the inner one: two bypasses at once.
    const Machine machine = test::machine_of_text(
        "memwall: 1\nmachine: m\nsource: made up\ntechnology: round\nclock: 1 GHz\n"
        "mapper: loop_nest\npower_scope: chip\ncomponents:\n"
        "  dram: {kind: dram, type: round, capacity: 1 MiB}\n  dma: {kind: dma, channels: 4}\n"
        "  outer: {kind: sram, capacity: 4 KiB, bank: 256 B, read_width: 4 B, write_width: 4 B, "
        "buffers: single}\n"
        "  inner: {kind: sram, capacity: 4 KiB, bank: 256 B, read_width: 4 B, write_width: 32 B}\n"
        "  array: {kind: mac_array, lanes: {int8: {inputs: 4, outputs: 2}}, packs_window: false}\n"
        "connections: [[dram, outer], [dma, outer], [outer, inner], [inner, array]]\n");
    const Network network = test::network_of_text(
        "network: n\ninputs: {x: [51, 60]}\nlayers: [{name: l, op: linear, out_features: 8, bias: "
        "false}]\n");
    Diagnostics faults;
    const YamlValue by_hand = read_yaml_text(
        "mapping: hand\nlayers:\n  l:\n    dram: {loops: [{C: {tile: 4}}]}\n"
        "    outer: {bypass: [inputs, weights]}\n"
        "    inner: {loops: [{K: {tile: 2}}, {P: 51}], spatial: [{K: 2}, {C: 4}], "
        "bypass: [outputs]}\n",
        "hand.yaml", faults);
    REQUIRE(faults.empty());
    for (const MappingObjective objective : kMappingObjectives) {
        MapperOptions options;
        options.objective = objective;
        options.effort = Effort::thorough;
        options.rounds = 1;
        const double searched = taken(network, machine, options);
        options.given = by_hand;
        INFO(name(objective));
        CHECK(searched <= kEquallyGood * taken(network, machine, options));
    }
}

}  // namespace memwall
