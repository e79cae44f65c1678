// SPDX-License-Identifier: Apache-2.0
// Layers whose inputs of one output are more than a small buffer holds.
#include <catch2/catch.hpp>
#include <string>

#include "arch/mapper.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/tiled_programs.hpp"

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

}  // namespace memwall
