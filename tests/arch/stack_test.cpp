// SPDX-License-Identifier: Apache-2.0
// Layers that run depth first: what they hand on, how much of it is alive, and what that saves.
#include "arch/tiling/stack.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "arch/mapper.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/tiled_programs.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// Two convolutions of 3 x 3 over 34 x 34 positions of `channels` channels.
Network two_convolutions(int channels) {
    const std::string c = std::to_string(channels);
    return test::network_of_text("network: two\ninputs: {x: [" + c +
                                 ", 34, 34]}\nlayers:\n"
                                 "- {name: a, op: conv, out_channels: " +
                                 c +
                                 ", kernel: 3, padding: 1}\n"
                                 "- {name: b, op: conv, out_channels: " +
                                 c + ", kernel: 3}\n");
}

Stack stack_of(const Network& network, std::int64_t strips) {
    const std::vector<FusedLayer> fused = fuse_layers(network);
    const StackFinder finder(network, fused, std::vector<bool>(fused.size(), true), 64);
    const auto found = finder.stack(0, fused.size(), strips);
    REQUIRE(found);
    return *found;
}

/// A DRAM that is slow beside the four cores.
Machine slow_dram(const std::string& buffer) {
    return test::machine_without_host("tiny_von_neumann",
                                      {{"components.global_buffer.capacity", buffer},
                                       {"components.global_buffer.bank", "64 B"},
                                       {"components.dram.bandwidth", "500 MB/s"}});
}

std::int64_t stacked_layers(const Mapping& mapping) {
    return std::count_if(mapping.layers.begin(), mapping.layers.end(),
                         [](const LayerMapping& layer) {
                             return layer.summary.find("depth first") != std::string::npos;
                         });
}

/// A chain of convolutions and poolings; `sums`: with a residual sum over two of them.
std::string drawn_chain(test::Draw& draw, bool& sums) {
    const std::string channels = std::to_string(draw(3, 5));
    std::string yaml = "network: chain\ninputs: {x: [" + channels + ", " +
                       std::to_string(draw(14, 24)) + ", " + std::to_string(draw(8, 14)) +
                       "]}\nlayers:\n";
    for (int i = 0; i < 4; ++i) {
        std::string name = "l" + std::to_string(i);
        const bool pools = draw.chance(10);
        const std::int64_t kernel = draw.one_of<std::int64_t>({1, 3, 3, 5});
        yaml +=
            "- {name: " + name + ", op: " + (pools ? "max_pool" : "conv") +
            ", kernel: " + std::to_string(pools ? 2 : kernel) +
            (pools ? ""
                   : ", out_channels: " + channels + ", padding: " + std::to_string(kernel / 2) +
                         (draw.chance(15) ? ", stride: 2" : "") +
                         (draw.chance(10) ? ", groups: " + channels : "")) +
            (pools ? ", stride: 2}\n" : "}\n");
        if (!pools && draw.chance(40)) {
            name = "r" + name;
            yaml += "- {name: " + name + ", op: relu}\n";
        }
        if (i == 1 && draw.chance(50)) {
            yaml += "- {name: m, op: conv, kernel: 3, padding: 1, out_channels: " + channels +
                    "}\n- {name: n, op: conv, kernel: 1, out_channels: " + channels +
                    "}\n- {name: sum, op: add, inputs: [n, " + name + "]}\n";
            sums = true;
        }
    }
    return yaml;
}

/// Rows of layer `maker` that strip `s` of layer `reader` reads, by their definition.
Range rows_read(const Network& network, const std::vector<FusedLayer>& fused, const Stack& stack,
                std::size_t maker, std::size_t reader, std::int64_t s) {
    const IterationSpace& space = network.layer(fused[reader].root).space;
    const std::int64_t rows = stack.rows[reader - stack.begin];
    Range all{1 << 30, 0};
    for (const Operand& operand : space.operands) {
        if (operand.role != TensorRole::inputs || operand.tensor != fused[maker].output) {
            continue;
        }
        for (const Axis& axis : operand.projection.axes) {
            for (const AxisTerm& of_rows : axis.terms) {
                if (of_rows.dim != Dim::P) {
                    continue;
                }
                for (std::int64_t p = s * rows; p < std::min((s + 1) * rows, space.extent(Dim::P));
                     ++p) {
                    std::int64_t reach = 0;
                    for (const AxisTerm& term : axis.terms) {
                        reach += term.dim == Dim::P
                                     ? 0
                                     : term.coefficient * (space.extent(term.dim) - 1);
                    }
                    const std::int64_t first = axis.offset + of_rows.coefficient * p;
                    all.begin = std::min(all.begin, std::max<std::int64_t>(first, 0));
                    all.end = std::max(all.end, std::min(first + reach + 1, axis.extent));
                }
            }
        }
    }
    return all;
}

}  // namespace

TEST_CASE("Rows stay in a stack from when they are made to when they were last read") {
    // 32 rows of b in 4 strips of 8, each of which reads two rows of the next 8 of a. So b makes
    // strip s in the turn in which a makes strip s + 1: 16 rows of a are alive, of 34 words of 2
    // channels; a has 34 rows, in 5 strips.
    const Stack stack = stack_of(two_convolutions(2), 4);
    CHECK(stack.rows == std::vector<std::int64_t>{8, 8});
    CHECK(stack.strips == 5);
    CHECK(stack.lag == std::vector<std::int64_t>{0, 1});
    CHECK(stack.held_bytes() == Bytes(16 * 34 * 2));
}

TEST_CASE("What a stack hands on does not go through the DRAM") {
    // Results of a are 4,624 B, in a buffer of 3 KiB that the weights stay in. Depth first the DRAM
    // sees the input and the result; layer by layer it sees the results of a twice more.
    const Network network = two_convolutions(4);
    const Machine machine = slow_dram("3 KiB");
    const std::int64_t ends = 4 * 34 * 34 + 4 * 32 * 32;
    const Mapping mapping = test::mapped_to_execute(network, machine, Effort::normal);
    CHECK(stacked_layers(mapping) == 2);
    CHECK(test::dram_bytes(mapping, machine) == ends);
    CHECK(test::proved_outputs(network, machine, mapping) > 0);
    const Mapping one_by_one = test::mapped_to_execute(network, machine, Effort::quick);
    CHECK(test::dram_bytes(one_by_one, machine) >= ends + 2 * 4 * 34 * 34);
}

TEST_CASE("No more is alive in a stack than it holds") {
    int found = 0;
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        test::Draw draw(seed);
        const test::Generated generated = test::generated_network(draw, 4);
        const std::vector<FusedLayer> fused = fuse_layers(generated.network);
        const StackFinder finder(generated.network, fused, std::vector<bool>(fused.size(), true),
                                 64);
        for (std::size_t begin = 0; begin + 1 < fused.size(); ++begin) {
            const auto stack = finder.stack(begin, begin + 2, draw(2, 4));
            // A sum in the second layer reads the first one's rows as they are made.
            if (!stack || !fused[begin + 1].operands.empty()) {
                continue;
            }
            INFO("seed " << seed << ", layer " << begin << "\n" << generated.yaml);
            const std::int64_t made = stack->rows[0];
            const std::int64_t rows =
                generated.network.layer(fused[begin].root).space.extent(Dim::P);
            std::int64_t most = 0;
            const std::int64_t last =
                generated.network.layer(fused[begin + 1].root).space.extent(Dim::P);
            for (std::int64_t turn = stack->lag[1]; (turn - stack->lag[1]) * stack->rows[1] < last;
                 ++turn) {
                const Range read = rows_read(generated.network, fused, *stack, begin, begin + 1,
                                             turn - stack->lag[1]);
                const std::int64_t there = std::min((turn + 1) * made, rows);
                REQUIRE(read.end <= there);
                most = std::max(most, there - read.begin);
            }
            const std::int64_t whole = generated.network.tensor_bytes(fused[begin].output).count();
            CHECK(stack->held_bytes().count() == most * ceil_divide(whole, rows));
            ++found;
        }
    }
    CHECK(found > 30);
}

TEST_CASE("Networks that run depth first compute what they are", "[slow]") {
    std::int64_t stacked = 0;
    std::int64_t with_sums = 0;
    for (std::uint32_t seed = 1; seed <= 24; ++seed) {
        test::Draw draw(seed);
        bool sums = false;
        const std::string yaml = drawn_chain(draw, sums);
        const Network network = with_batch(test::network_of_text(yaml), draw(1, 2));
        const Machine machine = slow_dram(draw.one_of<std::string>({"1000 B", "1500 B", "2500 B"}));
        INFO("seed " << seed << ", batch " << network.batch() << "\n" << yaml);
        try {
            const Mapping mapping = test::mapped_to_execute(network, machine, Effort::normal);
            stacked += stacked_layers(mapping) > 0 ? 1 : 0;
            with_sums += stacked_layers(mapping) > 2 && sums ? 1 : 0;
            CHECK(test::proved_outputs(network, machine, mapping) > 0);
        } catch (const InputError&) {
            continue;
        }
    }
    CHECK(stacked >= 6);
    CHECK(with_sums >= 2);
}

}  // namespace memwall
