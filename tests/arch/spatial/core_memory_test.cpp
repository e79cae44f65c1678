// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/core_memory.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/spatial/layer_routes.hpp"
#include "arch/spatial/weight_homes.hpp"
#include "arch/spatial_mapper.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::Generated;
using test::Overrides;

using BlockLine = std::tuple<BlockKind, std::int64_t, std::int64_t>;  // address, bytes

std::vector<BlockLine> lines_of(const CoreMemory& core) {
    std::vector<BlockLine> lines;
    for (const CoreBlock& block : core.blocks) {
        lines.emplace_back(block.kind, block.address, block.life.bytes.count());
    }
    return lines;
}

Overrides with_capacity(std::int64_t bytes) {
    return {{"components.core_memory.capacity", std::to_string(bytes) + " B"},
            {"components.core_memory.bank", std::to_string(bytes) + " B"},
            {"components.accumulators.capacity", "4 KiB"}};
}

bool meet_in_time(const Lifetime& a, const Lifetime& b, std::size_t layers) {
    for (std::size_t s = a.first; s <= a.last; ++s) {
        for (std::size_t t = b.first; t <= b.last; ++t) {
            if (s % layers == t % layers) {
                return true;
            }
        }
    }
    return false;
}

void check_blocks(const CoreMemory& core, const CoreMemories& memories, std::size_t layers) {
    for (std::size_t a = 0; a < core.blocks.size(); ++a) {
        const CoreBlock& block = core.blocks[a];
        const std::int64_t end = block.address + block.life.bytes.count();
        CHECK(block.address >= 0);
        CHECK(block.address % memories.alignment.count() == 0);
        CHECK(Bytes(end) <= memories.capacity);
        CHECK(block.life.last - block.life.first < layers);
        for (std::size_t b = 0; b < a; ++b) {
            const CoreBlock& other = core.blocks[b];
            const bool apart =
                end <= other.address || other.address + other.life.bytes.count() <= block.address;
            const bool fine = apart || !meet_in_time(block.life, other.life, layers);
            CHECK(fine);
        }
    }
}

/// Bytes of one kind in the whole chip, while a layer runs.
Bytes in_chip(const SpatialMemory& memory, BlockKind kind, std::size_t layer) {
    Bytes sum;
    for (const CoreMemory& core : memory.memories.cores) {
        sum += core.use_at(layer, memory.layers.size()).of(kind);
    }
    return sum;
}

}  // namespace

TEST_CASE("The four memories of a tiny chip hold a convolution as the paper says") {
    // A quarter of 144 B of weights stays, at rows of 16 B. Above lie the 4 x 4 x 4 inputs of a
    // core and its 2 x 2 x 4 results, twice: while a round computes with them, the next one's
    // inputs come and the last one's results leave.
    const SpatialMemory memory =
        map_memory(test::shipped_network("tiny_conv"), test::shipped_machine("tiny_northpole"), {});
    REQUIRE(memory.memories.cores.size() == 4);
    for (const CoreMemory& core : memory.memories.cores) {
        CHECK(lines_of(core) == std::vector<BlockLine>{{BlockKind::weights, 0, 36},
                                                       {BlockKind::results, 176, 16},
                                                       {BlockKind::results, 192, 16},
                                                       {BlockKind::arrivals, 48, 64},
                                                       {BlockKind::arrivals, 112, 64}});
        CHECK(core.top == Bytes(208));
    }
}

TEST_CASE(
    "Instructions lie in a core from the layer before to the end of their own, and once in all") {
    const Machine machine =
        test::shipped_machine("tiny_northpole", {{"components.sequencer.program", "32 B"}});
    const SpatialMemory memory = map_memory(test::shipped_network("tiny_two"), machine, {});
    REQUIRE(memory.layers.size() == 2);
    for (std::size_t c = 0; c < 4; ++c) {
        const CoreMemory& core = memory.memories.cores[c];
        std::vector<std::pair<std::size_t, std::size_t>> lives;
        for (const CoreBlock& block : core.blocks) {
            if (block.kind == BlockKind::instructions) {
                CHECK(block.life.bytes == Bytes(32));
                lives.emplace_back(block.life.first, block.life.last);
            }
        }
        std::vector<std::pair<std::size_t, std::size_t>> expected = {{1, 2}, {0, 1}};
        if (c < 2) {  // where that layer's program is stored
            expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(c), {0, 1});
        }
        CHECK(lives == expected);
        CHECK(core.use_at(0, 2).of(BlockKind::instructions) == Bytes(c < 2 ? 96 : 64));
    }
}

TEST_CASE("A layer's program goes from one core to all, over each link of a tree once") {
    MapperOptions options;
    options.rounds = 4;
    const Network network = test::shipped_network("tiny_two");
    const auto per_round = [&](const Machine& machine, Action action) {
        const Mapping mapping = map_network(network, machine, options);
        const Outcome outcome = estimate(mapping.program, machine, Window{1});
        std::int64_t sum = 0;
        for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
            const ActionKey& key = mapping.program.actions.key(RowId(r));
            const bool counts = key.tensor == TensorRole::instructions && key.action == action;
            sum += counts ? outcome.counts[r] / (options.rounds - 1) : 0;
        }
        return sum;
    };
    const Machine machine =
        test::shipped_machine("tiny_northpole", {{"components.sequencer.program", "32 B"}});
    CHECK(per_round(machine, Action::read) == 2 * 32);
    CHECK(per_round(machine, Action::hop) == 2 * 32 * 3);
    CHECK(per_round(machine, Action::write) == 2 * 32 * 4);
    CHECK(per_round(machine, Action::transfer) == 0);  // they came from the host before

    // Longer than its layer takes: 2 KiB over links of 4 B a cycle.
    Overrides slow = with_capacity(65536);
    slow.emplace_back("components.sequencer.program", "2 KiB");
    const Machine waits = test::shipped_machine("tiny_northpole", slow);
    const Mapping mapping = map_network(network, waits, options);
    const Outcome outcome = estimate(mapping.program, waits, Window{1});
    const std::int64_t cycle = waits.clock(mapping.program.clock).time_of(Cycles(1)).count();
    const std::int64_t round = (outcome.window_end - outcome.window_start).count() / cycle / 3;
    CHECK(round >= 2 * 512);
    CHECK(round < 2 * 512 + 2 * 10);
}

TEST_CASE("Sums that the accumulators have no room for wait in the core's memory") {
    // Two chunks of 8 results of 4 B a core, in 24 B.
    const Overrides small = {{"components.accumulators.capacity", "24 B"}};
    const SpatialMemory memory = map_memory(test::shipped_network("tiny_conv"),
                                            test::shipped_machine("tiny_northpole", small), {});
    for (const CoreMemory& core : memory.memories.cores) {
        CHECK(core.use_at(0, 1).of(BlockKind::partial_sums) == Bytes(40));
    }
}

TEST_CASE(
    "No two blocks of a core that live at once overlap, and all weights lie once in the chip") {
    std::int64_t refused = 0;
    for (std::uint32_t seed = 1; seed <= 40; ++seed) {
        Draw draw(seed);
        const Generated generated = test::generated_network(draw, static_cast<int>(draw(2, 8)));
        Overrides overrides = with_capacity(draw.one_of<std::int64_t>({700, 1500, 65536}));
        overrides.emplace_back("components.sequencer.program", draw.chance(50) ? "16 B" : "0 B");
        const Machine machine = test::shipped_machine("tiny_northpole", overrides);
        INFO("seed " << seed << "\n" << generated.yaml);
        SpatialMemory memory;
        try {
            memory = map_memory(generated.network, machine, {});
        } catch (const InputError&) {
            ++refused;
            continue;
        }
        const std::size_t layers = memory.layers.size();
        for (const CoreMemory& core : memory.memories.cores) {
            check_blocks(core, memory.memories, layers);
        }
        CHECK(in_chip(memory, BlockKind::weights, 0) == generated.network.weight_bytes());
        const Mapping mapping = map_network(generated.network, machine, {});
        const Outcome outcome = estimate(mapping.program, machine, Window{0});
        Bytes reserved;
        for (const CoreMemory& core : memory.memories.cores) {
            reserved += core.top;
        }
        CHECK(outcome.components[machine.find("core_memory").position()].peak <= reserved);
    }
    CHECK(refused > 0);
    CHECK(refused < 30);
}

TEST_CASE("A core that is too full passes weights on, to the nearest core with room first") {
    // 100 B of weights in core (0, 0), which has room for 40: in rows of 16 B, 32 go east, as many
    // as find room there, and 48 south. The 20 that stay take two rows.
    const Machine machine = test::shipped_machine("tiny_northpole");
    const Chip chip(machine);
    FusedLayer fused;
    fused.weights = TensorId(0);
    const SpatialPlan plan;
    SpatialNetwork network;
    SpatialLayer layer;
    layer.fused = &fused;
    layer.plan = &plan;
    layer.loads_weights = true;
    for (std::int64_t core = 0; core < 4; ++core) {
        layer.cores.push_back({{core % 2, core / 2}, 0, 0, core});
    }
    layer.weight_groups.push_back({{0, 1, 2, 3}, 100, {{{0, 0}, 100}}});
    network.layers.push_back(layer);

    CHECK(spread_weights(machine, chip, {40, 32, 100, 100}, 16, network));
    const std::vector<WeightGroup::Home>& homes = network.layers[0].weight_groups[0].homes;
    REQUIRE(homes.size() == 3);
    CHECK(homes[0].at == Router{0, 0});
    CHECK(homes[0].bytes == 20);
    CHECK(homes[1].at == Router{1, 0});
    CHECK(homes[1].bytes == 32);
    CHECK(homes[2].at == Router{0, 1});
    CHECK(homes[2].bytes == 48);
    CHECK(network.layers[0].weights_read == Bytes(100));
    CHECK(network.layers[0].weights_delivered == Bytes(400));
    CHECK(network.layers[0].weight_hops == 300);  // each byte over three links

    CHECK_FALSE(spread_weights(machine, chip, {40, 32, 100, 100}, 16, network));
    CHECK_FALSE(spread_weights(machine, chip, {8, 8, 8, 8}, 16, network));
}

TEST_CASE("An expert goes from all cores that store a part of it to those whose tokens draw it") {
    // Four cores store 40 B each, 10 B of each of 4 experts. Two experts are drawn, each by two
    // cores of a row: it goes over one link from each of them, and from each of the others over two
    // where it goes along the column first, over three where it goes along the row first.
    const Machine machine = test::shipped_machine("tiny_northpole");
    SpatialLayer layer;
    WeightGroup group;
    group.bytes = 160;
    group.experts = 4;
    group.drawn = {{0, 1}, {0, 1}, {1, 2}, {1, 2}};
    for (std::int64_t core = 0; core < 4; ++core) {
        const Router at = {core % 2, core / 2};
        layer.cores.push_back({at, 0, 0, core});
        group.members.push_back(static_cast<std::size_t>(core));
        group.homes.push_back({at, 40});
    }
    layer.weight_groups.push_back(group);
    route_from_homes(layer, machine, Chip(machine));
    CHECK(layer.weights_read == Bytes(2 * 40));
    CHECK(layer.weights_delivered == Bytes(2 * 2 * 40));
    CHECK(layer.weight_hops == 2 * (10 + 10 + 25 + 25));
    CHECK(layer.weight_distance == 2);
}

TEST_CASE("Networks whose weights do not lie evenly fit where the chip has room for all") {
    std::int64_t passed_on = 0;
    for (std::uint32_t seed = 1; seed <= 40; ++seed) {
        Draw draw(seed);
        const Generated generated = test::generated_network(draw, static_cast<int>(draw(2, 6)));
        const Machine roomy = test::shipped_machine("tiny_northpole", with_capacity(65536));
        const SpatialMemory free = map_memory(generated.network, roomy, {});
        Bytes most;
        Bytes sum;
        for (const CoreMemory& core : free.memories.cores) {
            most = std::max(most, core.top);
            sum += core.top;
        }
        const std::int64_t tight = (most.count() + sum.count() / 4) / 2 / 16 * 16;
        if (most.count() - tight < 32) {
            continue;
        }
        INFO("seed " << seed << "\n" << generated.yaml);
        try {
            const SpatialMemory memory =
                map_memory(generated.network,
                           test::shipped_machine("tiny_northpole", with_capacity(tight)), {});
            for (const CoreMemory& core : memory.memories.cores) {
                check_blocks(core, memory.memories, memory.layers.size());
            }
            CHECK(in_chip(memory, BlockKind::weights, 0) == generated.network.weight_bytes());
            ++passed_on;
        } catch (const InputError&) {
            // its activations alone may be uneven
        }
    }
    CHECK(passed_on > 0);
}

}  // namespace memwall
