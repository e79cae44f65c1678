// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_counts.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <numeric>

#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/nest_enumerator.hpp"
#include "tests/support/nests.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::level;
using test::side_by_side;
using test::steps;

/// The layer of the worked example in docs/model.md: K 4, C 4, P 4, Q 4, R 3, S 3.
IterationSpace small_conv() {
    const Network network = test::network_of_text(
        "network: small\ninputs: {image: [4, 6, 6]}\n"
        "layers: [{name: conv, op: conv, out_channels: 4, kernel: 3}]\n");
    return network.layers().front().space;
}

constexpr std::size_t kInputs = 0;
constexpr std::size_t kWeights = 1;
constexpr std::size_t kOutputs = 2;

using Tiles = std::vector<std::pair<Dim, std::int64_t>>;

/// The dram's loops in an order, all others inside.
LoopNest two_levels(const Tiles& outer, const std::vector<Dim>& inner) {
    LoopNest nest;
    nest.levels.push_back(level(steps(outer), 3));
    Tiles points;
    for (const Dim dim : inner) {
        points.emplace_back(dim, 1);
    }
    nest.levels.push_back(level(steps(points), 3));
    return nest;
}

const std::vector<Dim> kAll = {Dim::K, Dim::P, Dim::Q, Dim::C, Dim::R, Dim::S};

/// A tile K2 C2 P2 Q4 R3 S3 under dram loops in this order.
NestCounts worked(const std::vector<Dim>& order, bool halo) {
    Tiles outer;
    for (const Dim dim : order) {
        outer.emplace_back(dim, 2);
    }
    LoopNest nest = two_levels(outer, kAll);
    nest.levels[1].keeps_halo = halo;
    return count_nest(small_conv(), nest, test::plain_machine(2));
}

std::int64_t dram_words(const NestCounts& counts) {
    std::int64_t words = 0;
    for (const BoundaryTraffic& at : counts.boundaries) {
        words += at.parent == 0 ? at.reads + at.updates : 0;
    }
    return words;
}

std::int64_t dram_words(const Tiles& outer, bool halo) {
    LoopNest nest = two_levels(outer, kAll);
    nest.levels[1].keeps_halo = halo;
    return dram_words(count_nest(small_conv(), nest, test::plain_machine(2)));
}

}  // namespace

TEST_CASE("A hand-counted convolution moves the words of its loop order") {
    struct Row {
        std::vector<Dim> order;
        std::int64_t weights, inputs, back, written, total, inputs_halo, total_halo;
    };
    const Dim K = Dim::K;
    const Dim C = Dim::C;
    const Dim P = Dim::P;
    for (const Row& row : {Row{{K, C, P}, 144, 384, 64, 128, 720, 288, 624},
                           Row{{C, K, P}, 144, 384, 64, 128, 720, 240, 576},
                           Row{{K, P, C}, 288, 384, 0, 64, 736, 384, 736},
                           Row{{P, K, C}, 288, 384, 0, 64, 736, 384, 736},
                           Row{{C, P, K}, 288, 192, 64, 128, 672, 144, 624},
                           Row{{P, C, K}, 288, 192, 64, 128, 672, 192, 672}}) {
        CAPTURE(name(row.order[0]), name(row.order[1]), name(row.order[2]));
        const NestCounts plain = worked(row.order, false);
        CHECK(plain.boundary(kWeights, 0).reads == row.weights);
        CHECK(plain.boundary(kInputs, 0).reads == row.inputs);
        CHECK(plain.boundary(kOutputs, 0).reads == row.back);
        CHECK(plain.boundary(kOutputs, 0).updates == row.written);
        CHECK(plain.boundary(kOutputs, 0).finals == 64);
        CHECK(dram_words(plain) == row.total);
        const NestCounts halo = worked(row.order, true);
        CHECK(halo.boundary(kInputs, 0).reads == row.inputs_halo);
        CHECK(dram_words(halo) == row.total_halo);
    }
}

TEST_CASE("Other tiles of the same convolution move what was counted by hand") {
    CHECK(dram_words({{Dim::C, 1}}, false) == 352);
    CHECK(dram_words({{Dim::K, 1}}, false) == 352);
    CHECK(dram_words({{Dim::P, 1}}, false) == 496);
    CHECK(dram_words({{Dim::P, 1}}, true) == 352);
    CHECK(dram_words({{Dim::C, 1}, {Dim::P, 2}}, false) == 784);
    CHECK(dram_words({{Dim::C, 1}, {Dim::P, 2}}, true) == 736);
    CHECK(dram_words({{Dim::P, 2}, {Dim::C, 1}}, false) == 544);
    CHECK(dram_words({{Dim::K, 3}}, false) == 352);  // tiles of 3 and of 1
}

TEST_CASE("A buffer holds the tiles that were counted by hand, twice where they change") {
    const auto words = [](const Tiles& outer) {
        const NestCounts counts =
            count_nest(small_conv(), two_levels(outer, kAll), test::plain_machine(2));
        std::int64_t sum = 0;
        for (const HeldTile& held : counts.held[1]) {
            sum += held.words;
        }
        return sum;
    };
    CHECK(words({{Dim::K, 2}, {Dim::C, 2}, {Dim::P, 2}}) == 100);
    CHECK(words({{Dim::C, 1}}) == 136);
    CHECK(words({{Dim::K, 1}}) == 196);
    CHECK(words({{Dim::P, 1}}) == 232);
    CHECK(words({{Dim::C, 1}, {Dim::P, 2}}) == 92);
    CHECK(words({{Dim::K, 3}}) == 300);
    // Words of one byte, sums of four: K1 keeps all inputs, so only weights and sums have two
    // slots.
    const NestCounts counts =
        count_nest(small_conv(), two_levels({{Dim::K, 1}}, kAll), test::plain_machine(2));
    CHECK_FALSE(counts.held[1][kInputs].changes);
    CHECK(counts.bytes[1] == 144 + 2 * 36 + 2 * 4 * 16);
}

TEST_CASE("The array reads and sums what was counted by hand, with and without registers") {
    const NestCounts plain = worked({Dim::K, Dim::C, Dim::P}, false);
    CHECK(plain.steps == 2304);
    CHECK(plain.boundary(kWeights, 1).reads == 2304);
    CHECK(plain.boundary(kInputs, 1).reads == 2304);
    CHECK(plain.boundary(kOutputs, 1).updates == 2304);
    CHECK(plain.boundary(kOutputs, 1).reads == 2240);

    // A register of one sum, with C, R, S innermost.
    const Tiles outer = {{Dim::K, 2}, {Dim::C, 2}, {Dim::P, 2}};
    LoopNest nest = two_levels(outer, kAll);
    nest.levels.push_back(level({}, 3));
    nest.levels[2].keeps = {false, false, true};
    const NestCounts sums = count_nest(small_conv(), nest, test::plain_machine(3));
    CHECK(sums.boundary(kOutputs, 1).updates == 128);
    CHECK(sums.boundary(kOutputs, 1).reads == 64);

    // Weights that stay in the lane, with P, Q innermost.
    NestMachine keeping = test::plain_machine(2);
    keeping.lanes_keep = kWeights;
    const NestCounts weights = count_nest(
        small_conv(), two_levels(outer, {Dim::K, Dim::C, Dim::R, Dim::S, Dim::P, Dim::Q}), keeping);
    CHECK(weights.boundary(kWeights, 1).reads == 288);
}

TEST_CASE("Four lanes share inputs and add sums as counted by hand") {
    LoopNest nest =
        two_levels({{Dim::K, 2}, {Dim::C, 2}, {Dim::P, 2}}, {Dim::P, Dim::Q, Dim::R, Dim::S});
    for (const Loop& loop : side_by_side({{Dim::K, 1}, {Dim::C, 1}})) {
        nest.levels[1].loops.push_back(loop);
    }
    const NestCounts counts = count_nest(small_conv(), nest, test::plain_machine(2));
    CHECK(counts.lanes == 4);
    CHECK(counts.steps == 576);
    CHECK(counts.boundary(kWeights, 1).reads == 2304);
    CHECK(counts.boundary(kInputs, 1).reads == 1152);
    CHECK(counts.boundary(kInputs, 1).deliveries == 2304);
    CHECK(counts.boundary(kOutputs, 1).updates == 1152);
    CHECK(counts.boundary(kOutputs, 1).reads == 1088);
    CHECK(counts.boundary(kOutputs, 1).additions() == 1152);

    // A dram of 4 bytes a cycle, words of a byte and sums that are as wide: 21 + 8 x 72 + 4.
    IterationSpace space = small_conv();
    space.accumulator = Precision::int8;
    NestMachine machine = test::plain_machine(2);
    machine.memories[0].read_width = 4;
    machine.memories[0].write_width = 4;
    CHECK(count_nest(space, nest, machine).cycles == 601);
    // With single buffers nothing overlaps: all that is moved comes on top.
    LoopNest single = nest;
    single.levels[1].double_buffered = false;
    CHECK(count_nest(space, single, machine).cycles == 576 + 720 / 4.0 + 25);

    // Inputs change with each of the 8 tiles, and their data come later.
    machine.memories[0].latency = 10;
    CHECK(count_nest(space, nest, machine).boundary(kInputs, 0).fills == 8);
    CHECK(count_nest(space, nest, machine).boundary(kWeights, 0).fills < 8);
    CHECK(count_nest(space, single, machine).cycles == 576 + 720 / 4.0 + 8 * 10 + 25);
    // Of two buffers each is filled and used in turn.
    CHECK(count_nest(space, nest, machine).cycles == 601);
    machine.memories[0].latency = 100;
    CHECK(count_nest(space, nest, machine).cycles == (576 + 720 / 4.0 + 8 * 100) / 2 + 25);
}

TEST_CASE("Memories side by side take their first tiles at the same time") {
    // Two of two output channels each; the dram gives 4 words a cycle, each of them takes one.
    LoopNest nest = two_levels({{Dim::P, 2}}, kAll);
    for (const Loop& loop : side_by_side({{Dim::K, 2}})) {
        nest.levels[0].loops.push_back(loop);
    }
    IterationSpace space = small_conv();
    space.accumulator = Precision::int8;
    NestMachine machine = test::plain_machine(2);
    machine.memories[0].read_width = 4;
    machine.memories[0].write_width = 4;
    machine.memories[1].write_width = 1;
    // Each takes 72 weights and the same 96 inputs, then its port is busy with all that comes in,
    // 72 + 2 x 96 words and a sum a step; of the last tile 32 results go to the dram.
    const double busy = 72 + 2 * 96 + 2304.0 / 2;
    CHECK(count_nest(space, nest, machine).cycles == 72 + 96 + busy + 32 / 4.0);
}

TEST_CASE("The counts of generated nests are those of doing them word by word") {
    std::int64_t compared = 0;
    std::int64_t strided = 0;
    for (std::uint32_t seed = 1; seed <= 300; ++seed) {
        Draw draw(seed);
        const test::Generated generated = test::generated_layer(draw);
        const IterationSpace& space = generated.network.layers().back().space;
        if (space.points() > 3000 || !space.has_operands()) {
            continue;
        }
        const auto levels = static_cast<std::size_t>(draw(1, 3));
        const LoopNest nest = test::drawn_nest(draw, space, levels);
        NestMachine machine = test::plain_machine(levels);
        for (NestMemory& memory : machine.memories) {
            memory.multicasts = draw.chance(70);
            memory.reduces = draw.chance(70);
        }
        if (draw.chance(60)) {
            const auto last = static_cast<std::int64_t>(space.operands.size()) - 1;
            machine.lanes_keep = static_cast<std::size_t>(draw(0, last));
        }
        const NestCounts counts = count_nest(space, nest, machine);
        INFO("seed " << seed << "\n" << generated.yaml);
        CHECK(counts.steps == test::enumerate_steps(space, nest));
        for (const BoundaryTraffic& at : counts.boundaries) {
            const test::EnumeratedTraffic done =
                test::enumerate(space, nest, machine, at.operand, at.parent, at.child);
            CAPTURE(at.operand, at.parent, at.child);
            CHECK(at.deliveries == (space.operands[at.operand].role == TensorRole::outputs
                                        ? done.reads
                                        : done.deliveries));
            CHECK(at.drains == done.drains);
            CHECK(at.updates == done.updates);
            // Instances whose parts of a window lie apart may have words in common by chance.
            CHECK(at.reads >= done.reads);
            strided += at.reads > done.reads ? 1 : 0;
            ++compared;
        }
    }
    CHECK(compared > 700);
    CHECK(strided * 20 < compared);
}

TEST_CASE("A DRAM's tile takes whole bursts for each of its runs of words") {
    // Items of [8, 8, 5], rows with their channels together, bytes, bursts of 8.
    NestMachine machine;
    machine.memories.resize(1);
    machine.memories[0].burst = 8;
    machine.runs = {{1, 3, 2}, {}};
    const std::array<double, 4> whole = {8, 8, 8, 5};
    const auto stretch = [&](std::size_t operand, const std::array<double, 4>& tile) {
        return machine.burst_stretch(
            operand, 1, 4, [&](std::size_t axis) { return tile.at(axis); },
            [&](std::size_t axis) { return whole.at(axis); });
    };
    CHECK(stretch(0, {8, 2, 1, 1}) == 4);  // two channels are a run
    CHECK(stretch(0, {8, 8, 1, 1}) == 1);  // all of them fill a burst
    CHECK(stretch(0, {1, 6, 8, 5}) == 8.0 / 6);
    CHECK(stretch(0, {1, 8, 2, 5}) == 1);          // two rows of 40 bytes are one run
    CHECK(stretch(1, {1, 3, 2, 3}) == 24.0 / 18);  // weights lie as they are
    machine.memories[0].burst = 0;
    CHECK(stretch(0, {8, 2, 1, 1}) == 1);
}

}  // namespace memwall
