// SPDX-License-Identifier: Apache-2.0
// Tiles of layers whose inputs of one output are more than a small buffer holds, and tiles by hand.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/tiling/pass_plan.hpp"
#include "base/yaml.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/tiled_programs.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

Machine tiny(std::int64_t buffer) {
    const std::string size = std::to_string(buffer) + " B";
    return test::machine_without_host(
        "tiny_von_neumann",
        {{"components.global_buffer.capacity", size}, {"components.global_buffer.bank", "64 B"}});
}

Network linear(std::int64_t rows, std::int64_t in, std::int64_t out) {
    return test::network_of_text(
        "network: deep\ninputs: {x: [" + std::to_string(rows) + ", " + std::to_string(in) +
        "]}\nlayers:\n- {name: l, op: linear, out_features: " + std::to_string(out) + "}\n");
}

}  // namespace

TEST_CASE("Sums stay beside the arrays where a buffer cannot hold what an output needs") {
    // 16 rows of 512 inputs by 32 outputs: 8,192 B of inputs and 16,384 B of weights, 16 and 32 B a
    // step of the reduction, through a buffer of 1 KiB; 512 sums of 4 B are half of the
    // accumulators.
    const Network network = linear(16, 512, 32);
    const Machine machine = tiny(1024);
    const Mapping mapping = test::mapped_to_execute(network, machine, Effort::quick);
    CHECK(test::dram_bytes(mapping, machine) == 16 * 512 + 512 * 32 + 16 * 32);
    CHECK(test::proved_outputs(network, machine, mapping) > 0);
}

TEST_CASE("What all sums together do not fit moves as often as its tiles say", "[slow]") {
    // 64 by 32 sums are four times what the accumulators keep twice: the inputs come once for
    // each tile of channels, the weights once for each of positions, which are four in all.
    const Network network = linear(64, 512, 32);
    const Machine machine = tiny(2048);
    const Mapping mapping = test::mapped_to_execute(network, machine, Effort::quick);
    const std::int64_t inputs = 64 * 512;
    const std::int64_t weights = 512 * 32;
    const std::int64_t rest = test::dram_bytes(mapping, machine) - 64 * 32;
    CHECK((rest == inputs + 4 * weights || rest == 2 * inputs + 2 * weights ||
           rest == 4 * inputs + weights));
    CHECK(rest <= 2 * inputs + 2 * weights);
    CHECK(test::proved_outputs(network, machine, mapping) > 0);
}

TEST_CASE("Each row that data draw of a table comes once, in whole bursts") {
    // 4,096 rows of 64 B, a burst of DDR4 each, are eight times what the buffer holds twice. The
    // results leave in as many bursts; the indices of 1 B come in a 64th.
    const Network network = test::network_of_text(
        "network: lookup\ninputs: {x: [4096]}\nlayers:\n- {name: l, op: embedding, rows: 100000, "
        "features: 64}\n");
    const Machine machine = test::machine_without_host(
        "tiny_von_neumann", {{"components.dram.type", "ddr4"},
                             {"components.dram.capacity", "1 GiB"},
                             {"components.global_buffer.capacity", "64 KiB"}});
    const Mapping mapping = map_network(network, machine, {});
    const Outcome outcome = estimate(mapping.program, machine, Window{3});
    CHECK(outcome.drams.front().bursts == 4096 + 4096 + 4096 / 64);
}

TEST_CASE("Tiles of parts of a reduction fill the lanes") {
    // 512 rows, 1,024 -> 11,008 -> 1,024 channels, through a buffer of 512 KiB. Sums of 1,024
    // channels are half of the accumulators, 2 MiB: eleven tiles, where halves of 11,008 need
    // sixteen of 688, which are no multiple of the 32 lanes. Likewise parts of 128 of the 11,008.
    const Network network = test::network_of_text(
        "network: deep\ninputs: {x: [512, 1024]}\nlayers:\n- {name: up, op: linear, out_features: "
        "11008}\n- {name: down, op: linear, out_features: 1024}\n");
    const Machine machine =
        test::shipped_machine("von_neumann", {{"components.global_buffer.capacity", "512 KiB"}});
    const Mapping mapping = map_network(network, machine, {});
    CHECK(mapping.layers[0].summary.find("tiles 11 K x 8 C,") == 0);
    CHECK(mapping.layers[1].summary.find("tiles 86 C,") == 0);
}

TEST_CASE("Layers of long reductions compute what they are with any buffer", "[slow]") {
    int mapped_ones = 0;
    for (std::uint32_t seed = 1; seed <= 40; ++seed) {
        test::Draw draw(seed);
        const std::int64_t in = draw(40, 400);
        const bool window = draw.chance(40);
        const std::int64_t rows = draw(1, 24);
        const std::int64_t channels = draw(2, 48);
        const std::string shape =
            window ? std::to_string(in / 8) + ", 3, " + std::to_string(draw(3, 6))
                   : std::to_string(rows) + ", " + std::to_string(in);
        const bool adds = !window && draw.chance(50);
        const std::string other =
            "  y: [" + std::to_string(rows) + ", " + std::to_string(channels) + "]\n";
        std::string yaml = "network: deep\ninputs:\n  x: [" + shape + "]\n" + (adds ? other : "") +
                           "layers:\n- {name: l, op: ";
        yaml += window ? "conv, out_channels: " + std::to_string(channels) +
                             ", kernel: " + std::to_string(draw(1, 3)) + ", inputs: [x]}\n"
                       : "linear, out_features: " + std::to_string(channels) + ", inputs: [x]}\n";
        yaml += adds ? "- {name: sum, op: add, inputs: [l, y]}\n" : "";
        if (draw.chance(50)) {
            yaml += "- {name: positive, op: relu}\n";
        }
        const Network network = test::network_of_text(yaml);
        const Machine machine = tiny(draw.one_of<std::int64_t>({256, 512, 1024, 2048}));
        INFO("seed " << seed << "\n" << yaml);
        try {
            const Mapping mapping = test::mapped_to_execute(network, machine, Effort::quick);
            CHECK(test::proved_outputs(network, machine, mapping) > 0);
            ++mapped_ones;
        } catch (const InputError&) {
            continue;
        }
    }
    CHECK(mapped_ones > 30);
}

namespace {

YamlValue yaml(const std::string& text) {
    Diagnostics faults;
    YamlValue value = read_yaml_text(text, "hand.yaml", faults);
    faults.throw_if_any();
    return value;
}

Mapping mapped_by_hand(const Network& network, const Machine& machine, const std::string& text) {
    MapperOptions options;
    options.rounds = 3;
    options.images = true;
    options.effort = Effort::quick;
    options.given = yaml(text);
    return map_network(network, machine, options);
}

/// Loops over some dimensions, in an order that tiles can go round in, and the tile that they make.
std::string drawn_loops(test::Draw& draw, bool positions_outer, Extents& left) {
    std::string text;
    for (const Dim dim : cut_order(positions_outer)) {
        std::int64_t& size = left[index(dim)];
        if (size > 1 && draw.chance(40) && dim != Dim::R && dim != Dim::S) {
            const std::int64_t tile = draw(1, size);
            text += std::string(text.empty() ? "{" : ", {") + name(dim) +
                    ": {tile: " + std::to_string(tile) + "}}";
            size = tile;
        }
    }
    return "[" + text + "]";
}

std::string parts(const char* what, const Extents& whole, const Extents& tile) {
    std::string text;
    for (const Dim dim : all_dims()) {
        const std::int64_t pieces = ceil_divide(whole[index(dim)], tile[index(dim)]);
        if (pieces > 1) {
            text += (text.empty() ? "" : " x ") + std::to_string(pieces) + " " + name(dim);
        }
    }
    return what + (text.empty() ? "whole" : text);
}

}  // namespace

TEST_CASE("With thorough effort no tile by hand is faster on a small network") {
    struct Hand {
        const char* network;
        const char* buffer;
        const char* text;
    };
    const std::vector<Hand> hands = {
        {"tiny_linear", "16 KiB",
         "linear: {dram: {}, global_buffer: {spatial: [{K: 4}], keeps: [weights]}}"},
        {"tiny_residual", "2 KiB", "conv1: {dram: {loops: [{Q: 2}, {S: 3}]}}"}};
    for (const Hand& hand : hands) {
        INFO(hand.network);
        const Network network = test::shipped_network(hand.network);
        const Machine machine = test::shipped_machine(
            "tiny_von_neumann", {{"components.global_buffer.capacity", hand.buffer}});
        const auto time = [&](const MapperOptions& options) {
            const Mapping mapping = map_network(network, machine, options);
            const Outcome outcome = estimate(mapping.program, machine, Window{1});
            return (outcome.window_end - outcome.window_start).count();
        };
        MapperOptions options;
        options.effort = Effort::thorough;
        const std::int64_t found = time(options);
        options.effort = Effort::normal;
        CHECK(found <= time(options));
        options.given = yaml(std::string("mapping: hand\nlayers:\n  ") + hand.text + "\n");
        CHECK(found <= time(options));
    }
}

TEST_CASE("What thorough effort tries on small networks computes what they are") {
    for (const char* name : {"tiny_linear", "tiny_residual", "tiny_strided", "tiny_two"}) {
        INFO(name);
        const Network network = test::shipped_network(name);
        const Machine machine = tiny(1'024);
        const Mapping mapping = test::mapped_to_execute(network, machine, Effort::thorough);
        CHECK(test::proved_outputs(network, machine, mapping) > 0);
    }
}

TEST_CASE("A tile by hand moves what its order says") {
    // 8 rows of 16 words, times 16 by 8 weights: 4 tiles of rows and 2 of channels.
    const Network network = linear(8, 16, 8);
    const Machine machine = tiny(2048);
    const auto moved = [&](const char* loops) {
        const Mapping mapping =
            mapped_by_hand(network, machine,
                           std::string("mapping: m\nlayers: {l: {dram: {loops: ") + loops +
                               "}, global_buffer: {streams: [weights]}}}\n");
        CHECK(test::proved_outputs(network, machine, mapping) > 0);
        return test::dram_bytes(mapping, machine);
    };
    const std::int64_t inputs = 8 * 16;
    const std::int64_t weights = 16 * 8;
    const std::int64_t outputs = 8 * 8;
    CHECK(moved("[{P: 4}, {K: 2}]") == inputs + 4 * weights + outputs);
    CHECK(moved("[{K: 2}, {P: 4}]") == 2 * inputs + weights + outputs);
}

TEST_CASE("Layers that are mapped by hand are mapped so, and compute what they are", "[slow]") {
    int mapped_ones = 0;
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        test::Draw draw(seed);
        const std::string text =
            "network: hand\nprecision: int8\ninputs: {x: [" + std::to_string(draw(2, 6)) + ", " +
            std::to_string(draw(4, 7)) +
            ", 5]}\nlayers:\n- {name: a, op: conv, out_channels: " + std::to_string(draw(2, 9)) +
            ", kernel: " + std::to_string(draw(1, 3)) +
            "}\n- {name: r, op: relu}\n- {name: b, op: conv, out_channels: 3, kernel: 1}\n";
        const Network network = with_batch(test::network_of_text(text), draw(1, 3));
        const Machine machine = tiny(draw.one_of<std::int64_t>({500, 1000, 4000}));
        const Extents whole = network.layer(network.find_layer("a")).space.extents;
        Extents tile = whole;
        std::string given =
            "mapping: m\ntogether: " + std::to_string(network.batch()) +
            "\nlayers: {a: {dram: {loops: " + drawn_loops(draw, draw.chance(50), tile);
        Extents pass = tile;
        given += "}, global_buffer: {loops: " + drawn_loops(draw, draw.chance(50), pass);
        Extents core = pass;
        given += ", spatial: " + drawn_loops(draw, draw.chance(50), core) +
                 (draw.chance(50) ? ", keeps: [outputs]" : ", streams: [outputs]") + "}}}\n";
        INFO("seed " << seed << "\n" << text << given);
        try {
            const Mapping mapping = mapped_by_hand(network, machine, given);
            ++mapped_ones;
            CHECK(mapping.layers[0].search == "given by hand");
            CHECK(mapping.layers[0].summary.find(parts("tiles ", whole, tile) +
                                                 parts(", passes ", tile, pass) +
                                                 parts(", cores ", pass, core)) == 0);
            CHECK(test::proved_outputs(network, machine, mapping) > 0);
        } catch (const InputError&) {
            continue;
        }
    }
    CHECK(mapped_ones > 15);
}

TEST_CASE("What is wrong with a mapping by hand of a tiled machine is told in its place") {
    const Network network = with_batch(
        test::network_of_text("network: n\ninputs: {x: [16, 8, 8]}\nlayers:\n- {name: a, op: conv, "
                              "out_channels: 16, kernel: 3, padding: 1}\n- {name: r, op: relu}\n- "
                              "{name: f, op: flatten}\n"),
        4);
    const Machine machine = tiny(2048);
    const auto told = [&](const std::string& layers, const std::string& message) {
        CHECK_THROWS_WITH(mapped_by_hand(network, machine, "mapping: m\n" + layers),
                          Catch::Contains(message));
    };
    const auto told_alone = [&](const std::string& layers, const std::string& message) {
        CHECK_THROWS_WITH(mapped_by_hand(network, machine, "mapping: m\n" + layers),
                          Catch::StartsWith("hand.yaml:" + message) && !Catch::Contains("\n"));
    };
    told("together: 3\nlayers: {}\n",
         "hand.yaml:2:11: error: 'together': expected an equal part of the batch of 4, found '3'");
    told("layers: {r: {dram: {}}}\n",
         "hand.yaml:2:10: error: layer 'r' runs on the way out of 'a'");
    told("layers: {b: {dram: {}}}\n", "hand.yaml:2:10: error: network 'n' has no layer 'b' to map");
    told_alone("layers: {a: {}}\n", "2:10: error: nothing is said of layer 'a'");
    told_alone("layers: {f: {dram: {}}}\n",
               "2:10: error: layer 'f' of network 'n' has nothing to map");
    told_alone(
        "layers: {a: {dram: {loops: [{K: 8}, {P: 8}]}, global_buffer: {spatial: [{G: 4}]}}}\n",
        "2:73: error: 4 steps do not cut the 1 of G");
    told_alone("layers: {a: {dram: {loops: [{K: {steps: 2, axis: rows}}]}}}\n",
               "2:29: error: the cores of this machine lie on no axes");
    told("layers: {a: {global_bufer: {}}}\n",
         "2:14: error: unknown level 'global_bufer'; did you mean 'global_buffer'?");
    told("layers: {a: {dram: {loops: [{P: 2}, {K: 2}, {Q: 2}]}}}\n",
         "2:29: error: the loops of 'dram' cannot go round so");
    told("layers: {a: {dram: {loops: [{P: 2}, {P: 2}]}}}\n",
         "2:37: error: P has a loop here already");
    told("layers: {a: {dram: {loops: [{P: 7}]}}}\n", "2:29: error: 7 steps do not cut the 8 of P");
    told("layers: {a: {global_buffer: {loops: [{P: 2}]}}}\n",
         "2:14: error: expected 'dram' beside it: passes are parts of its tiles");
    told("layers: {a: {dram: {}, global_buffer: {spatial: [{P: 8}]}}}\n",
         "2:50: error: 8 parts side by side for the 4 of 'array'");
    told("layers: {a: {dram: {}, global_buffer: {spatial: [{K: 2}]}}}\n",
         "2:24: error: a core's part of layer 'a' does not fit twice into 'operand_buffer'");
    told("layers: {a: {dram: {}}}\n",
         "2:14: error: 'global_buffer' has 2.00 KiB, a tile of layer 'a' "
         "needs 6.25 KiB");
    told("layers: {a: {global_buffer: {keeps: [bias]}}}\n", "2:38: error: unknown operand 'bias'");
    told("layers: {a: {global_buffer: {keeps: [outputs], streams: [outputs]}}}\n",
         "both to stay and to go through the DRAM");
    told("layers: {a: {global_buffer: {bypass: [weights]}}}\n",
         "2:38: error: 'bypass' is for machines with the mapper 'loop_nest'");
    told("layers: {a: {dram: {loops: [{C: 2}]}, global_buffer: {loops: [{K: 2}]}}}\n",
         "expected all of a tile's outputs in every pass");
    told("layers: {a: {global_buffer: {keeps: [weights]}}}\n",
         "2:10: error: 'global_buffer' (2.00 KiB) has no room for 2.25 KiB that are to stay by "
         "hand");
}

}  // namespace memwall
