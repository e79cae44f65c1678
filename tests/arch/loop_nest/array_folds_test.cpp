// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/array_folds.hpp"

#include <catch2/catch.hpp>
#include <optional>

#include "arch/loop_nest/nest_counts.hpp"
#include "arch/loop_nest/nest_hierarchy.hpp"
#include "arch/loop_nest/nest_search.hpp"
#include "arch/mapper.hpp"
#include "base/quantity.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/nests.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::level;
using test::steps;

using Tiles = std::vector<std::pair<Dim, std::int64_t>>;

constexpr std::size_t kInputs = 0;
constexpr std::size_t kWeights = 1;
constexpr std::size_t kOutputs = 2;

ArrayShape shape(std::int64_t rows, std::int64_t columns) {
    return {Precision::int8, rows, columns};
}

IterationSpace conv(const std::string& image, const std::string& keys) {
    const Network network =
        test::network_of_text("network: n\ninputs: {image: " + image +
                              "}\nlayers: [{name: conv, op: conv, " + keys + "}]\n");
    return network.layers().front().space;
}

/// One memory below a dram, with a systolic array.
NestMachine array_machine(const IterationSpace& space, Dataflow dataflow, const ArrayShape& of,
                          bool packs = true) {
    MacArrayConfig array;
    array.dataflow = dataflow;
    array.packs_window = packs;
    NestMachine machine = test::plain_machine(2);
    machine.memories.back().axes = array_axes(array, of, space);
    machine.lanes_keep = kept_operand(dataflow, space);
    machine.array = array_timing(dataflow, false, of);
    return machine;
}

/// Loops in time, then what lies on rows and on columns.
LoopNest array_nest(const Tiles& in_time, const std::vector<Dim>& rows,
                    const std::vector<Dim>& columns) {
    LoopNest nest;
    nest.levels.push_back(level({}, 3));
    nest.levels.push_back(level(steps(in_time), 3));
    for (const Dim dim : rows) {
        nest.levels[1].loops.push_back({dim, 1, true, 0});
    }
    for (const Dim dim : columns) {
        nest.levels[1].loops.push_back({dim, 1, true, 1});
    }
    return nest;
}

/// A weight-stationary array, register by register: inputs go right, sums go down, inputs of row r
/// come r cycles later. Returns the cycles until the last sum has left.
std::int64_t simulate_weights(std::int64_t rows, std::int64_t columns, std::int64_t inputs) {
    const auto at = [&](std::int64_t r, std::int64_t c) {
        return static_cast<std::size_t>(r * columns + c);
    };
    const auto lanes = static_cast<std::size_t>(rows * columns);
    std::vector<std::optional<std::int64_t>> input(lanes), sum(lanes);  // which input is there
    std::int64_t left = 0;
    std::int64_t cycle = rows;  // one row of weights is shifted in each cycle
    while (left < inputs * columns) {
        ++cycle;
        std::vector<std::optional<std::int64_t>> next_input(lanes), next_sum(lanes);
        for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t c = 0; c < columns; ++c) {
                const std::int64_t fed = cycle - rows - 1 - r;
                std::optional<std::int64_t>& here = next_input[at(r, c)];
                if (c > 0) {
                    here = input[at(r, c - 1)];
                } else if (fed >= 0 && fed < inputs) {
                    here = fed;
                }
                if (here) {
                    // The sum that comes from above is of the same input: that is the skew.
                    CHECK((r == 0 || sum[at(r - 1, c)] == here));
                    next_sum[at(r, c)] = here;
                    left += r + 1 == rows ? 1 : 0;
                }
            }
        }
        input = next_input;
        sum = next_sum;
    }
    return cycle;
}

/// Folds one after another: each is loaded when the one before is in its lanes, and then streams.
std::int64_t simulate_second_register(std::int64_t rows, std::int64_t columns, std::int64_t inputs,
                                      std::int64_t folds) {
    std::int64_t loaded = rows;  // the first fold
    std::int64_t streamed = 0;   // the first row is free again
    for (std::int64_t f = 0; f < folds; ++f) {
        const std::int64_t begins = std::max(loaded, streamed);
        streamed = begins + inputs;
        loaded = begins + rows;  // the second register was emptied when this fold began
    }
    return streamed + rows + columns - 2;
}

}  // namespace

TEST_CASE("A 4 x 4 output-stationary array finishes sums of four products in the tenth cycle") {
    // SCALE-Sim's figure, as its issue 125 (scalesim-project/scale-sim-v2) counts it.
    CHECK(
        array_timing(Dataflow::output_stationary, false, shape(4, 4)).cycles(std::int64_t{4}, 1) ==
        10);
}

TEST_CASE("A fold of a weight-stationary array takes as long as its registers show") {
    for (const std::int64_t rows : {1, 2, 5}) {
        for (const std::int64_t columns : {1, 3, 4}) {
            for (const std::int64_t inputs : {1, 2, 7, 20}) {
                CAPTURE(rows, columns, inputs);
                const ArrayTiming timing =
                    array_timing(Dataflow::weight_stationary, false, shape(rows, columns));
                CHECK(timing.cycles(inputs, 1) == simulate_weights(rows, columns, inputs));
                CHECK(timing.cycles(3 * inputs, 3) == 3 * timing.cycles(inputs, 1));
                CHECK(timing.cycles(static_cast<double>(inputs), 1.0) ==
                      static_cast<double>(timing.cycles(inputs, 1)));
            }
        }
    }
}

TEST_CASE("With a second register a fold is loaded while the one before streams") {
    for (const std::int64_t rows : {1, 4, 6}) {
        for (const std::int64_t columns : {1, 5}) {
            for (const std::int64_t inputs : {1, 3, 4, 9}) {
                for (const std::int64_t folds : {1, 2, 7}) {
                    CAPTURE(rows, columns, inputs, folds);
                    const ArrayTiming timing =
                        array_timing(Dataflow::weight_stationary, true, shape(rows, columns));
                    CHECK(timing.cycles(inputs * folds, folds) ==
                          simulate_second_register(rows, columns, inputs, folds));
                }
            }
        }
    }
}

TEST_CASE("ResNet-50's layers take the cycles that SCALE-Sim gives a 32 x 32 array") {
    struct Row {
        const char* image;
        const char* keys;
        std::int64_t last_cycle;  // SCALE-Sim v3, scale.cfg, mlperf/Resnet50.csv; counted from 0
    };
    for (const Row& row : {Row{"[3, 225, 225]", "out_channels: 64, kernel: 7, stride: 2", 121'939},
                           Row{"[64, 56, 56]", "out_channels: 64, kernel: 1", 12'919},
                           Row{"[64, 56, 56]", "out_channels: 64, kernel: 3", 108'359},
                           Row{"[256, 57, 57]", "out_channels: 512, kernel: 1, stride: 2", 119'679},
                           Row{"[512, 7, 7]", "out_channels: 512, kernel: 3", 274'175},
                           Row{"[2048, 1, 1]", "out_channels: 1000, kernel: 1", 194'559}}) {
        CAPTURE(row.image, row.keys);
        const IterationSpace space = conv(row.image, row.keys);
        const LoopNest nest =
            array_nest({{Dim::P, 1}, {Dim::Q, 1}}, {Dim::C, Dim::R, Dim::S}, {Dim::K});
        const NestCounts counts = count_nest(
            space, nest, array_machine(space, Dataflow::weight_stationary, shape(32, 32)));
        CHECK(counts.array_cycles == row.last_cycle + 1);
        CHECK(counts.cycles == static_cast<double>(counts.array_cycles));
    }
}

TEST_CASE("Each dataflow streams what SCALE-Sim's table says, packed or not") {
    // 6 x 6 positions, 18 words a window, 8 channels on 8 rows and 4 columns.
    const IterationSpace space = conv("[2, 8, 8]", "out_channels: 8, kernel: 3");
    const ArrayShape of = shape(8, 4);
    struct Row {
        Dataflow dataflow;
        Tiles in_time;
        std::vector<Dim> rows, columns;
        std::int64_t folds, cycles_a_fold;
        std::int64_t inputs, weights, sums;
    };
    const std::vector<Dim> window = {Dim::C, Dim::R, Dim::S};
    const std::vector<Dim> positions = {Dim::P, Dim::Q};
    for (const Row& row :
         {// 3 x 2 folds of 36 steps; inputs once for 2 folds of columns, sums for 3 of rows.
          Row{Dataflow::weight_stationary,
              {{Dim::P, 1}, {Dim::Q, 1}},
              window,
              {Dim::K},
              6,
              16 + 4 + 36 - 2,
              36 * 18 * 2,
              8 * 18,
              36 * 8 * 3},
          // 3 x 9 folds of 8 steps: weights once for each fold of columns.
          Row{Dataflow::input_stationary,
              {{Dim::K, 1}},
              window,
              positions,
              27,
              16 + 4 + 8 - 2,
              36 * 18,
              8 * 18 * 9,
              36 * 8 * 3},
          // 5 x 2 folds of 18 steps: inputs for each fold of columns, weights for each of rows.
          Row{Dataflow::output_stationary,
              {{Dim::C, 1}, {Dim::R, 1}, {Dim::S, 1}},
              positions,
              {Dim::K},
              10,
              8 + 4 + 18 - 2,
              36 * 18 * 2,
              8 * 18 * 5,
              36 * 8}}) {
        CAPTURE(name(row.dataflow));
        const NestMachine machine = array_machine(space, row.dataflow, of);
        const NestCounts counts =
            count_nest(space, array_nest(row.in_time, row.rows, row.columns), machine);
        CHECK(counts.folds == row.folds);
        CHECK(counts.array_cycles == row.folds * row.cycles_a_fold);
        CHECK(counts.boundary(kInputs, 1).reads == row.inputs);
        CHECK(counts.boundary(kWeights, 1).reads == row.weights);
        CHECK(counts.boundary(kOutputs, 1).updates == row.sums);
        CHECK(counts.boundary(kOutputs, 1).reads == row.sums - 36 * 8);
        CHECK(counts.boundary(kOutputs, 1).additions() == 0);
        const bool held = row.dataflow == Dataflow::input_stationary;
        CHECK(counts.boundary(kInputs, 1).deliveries == 36 * 18 * (held ? 1 : 8));
    }
}

TEST_CASE("Lanes that take a block in turns do what loops over its parts would do") {
    std::int64_t compared = 0;
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        Draw draw(seed);
        const std::int64_t rows = draw(1, 3);
        const std::int64_t columns = draw(1, 3);
        const std::int64_t c = rows * draw(1, 3);
        const std::int64_t k = columns * draw(1, 3);
        const IterationSpace space =
            conv("[" + std::to_string(c) + ", 4, 3]",
                 "out_channels: " + std::to_string(k) + ", kernel: [1, 2]");
        const NestMachine machine =
            array_machine(space, Dataflow::weight_stationary, shape(rows, columns));
        const Tiles inner = {{Dim::S, 1}, {Dim::P, 1}, {Dim::Q, 1}};
        const Tiles outer = draw.chance(50) ? Tiles{{Dim::P, draw(1, 4)}, {Dim::C, draw(1, c)}}
                                            : Tiles{{Dim::Q, 1}};
        const auto count = [&](const Tiles& in_memory) {
            LoopNest nest = array_nest(in_memory, {Dim::C}, {Dim::K});
            nest.levels[0].loops = steps(outer);
            return count_nest(space, nest, machine);
        };
        const NestCounts block = count(inner);
        Tiles cut = {{Dim::K, columns}, {Dim::C, rows}};
        cut.insert(cut.end(), inner.begin(), inner.end());
        const NestCounts loops = count(cut);
        INFO("seed " << seed);
        CHECK(block.steps == loops.steps);
        CHECK(block.folds == loops.folds);
        CHECK(block.cycles == loops.cycles);
        for (const std::size_t operand : {kInputs, kWeights, kOutputs}) {
            CAPTURE(operand);
            CHECK(block.boundary(operand, 1).reads == loops.boundary(operand, 1).reads);
            CHECK(block.boundary(operand, 1).updates == loops.boundary(operand, 1).updates);
            CHECK(block.boundary(operand, 1).deliveries == loops.boundary(operand, 1).deliveries);
        }
        ++compared;
    }
    CHECK(compared == 60);
}

TEST_CASE("A block that takes several turns is loaded again for each tile of the last memory") {
    // 6 words of depth on 2 rows, 4 channels on 2 columns: 3 x 2 folds; 8 positions in two tiles.
    const IterationSpace space = conv("[6, 8, 1]", "out_channels: 4, kernel: 1, bias: false");
    const NestMachine machine = array_machine(space, Dataflow::weight_stationary, shape(2, 2));
    LoopNest folded = array_nest({{Dim::P, 1}}, {Dim::C}, {Dim::K});
    folded.levels[0].loops = steps({{Dim::P, 4}});
    const NestCounts counts = count_nest(space, folded, machine);
    CHECK(counts.boundary(kWeights, 1).reads == 2 * 6 * 4);
    CHECK(counts.folds == 2 * 3 * 2);
    CHECK(counts.array_cycles == 12 * (2 * 2 + 2 + 4 - 2));
    // The sums of a tile wait in the memory between the folds: four positions, twice.
    CHECK(counts.held[1][kOutputs].words == 4 * 4);
    CHECK(counts.held[1][kOutputs].partial);
    // A block that the lanes take at once stays while both tiles go by.
    const IterationSpace small = conv("[2, 8, 1]", "out_channels: 2, kernel: 1, bias: false");
    const NestCounts at_once = count_nest(small, folded, machine);
    CHECK(at_once.boundary(kWeights, 1).reads == 2 * 2);
    CHECK(at_once.folds == 1);
}

TEST_CASE("Groups lie side by side along both axes, as many as fit") {
    MacArrayConfig array;
    array.dataflow = Dataflow::weight_stationary;
    const IterationSpace space = conv("[64, 6, 6]", "out_channels: 64, kernel: 3, groups: 64");
    const auto turns = [&](std::int64_t window_rows, std::int64_t channels, std::int64_t groups) {
        LaneLayout layout;
        layout.blocks[index(Dim::R)] = {{window_rows, 1}};
        layout.blocks[index(Dim::K)] = {{channels, 1}};
        layout.axis[index(Dim::K)] = 1;
        layout.blocks[index(Dim::G)] = {{groups, 1}};
        layout.axis[index(Dim::G)] = 1;
        return lane_turns(array_axes(array, shape(32, 32), space), layout).in_time;
    };
    CHECK(turns(9, 1, 64) == 22);  // three at a time, of one column each
    CHECK(turns(9, 1, 3) == 1);
    CHECK(turns(4, 16, 6) == 3);    // two at a time: columns
    CHECK(turns(40, 16, 6) == 12);  // two turns each
    CHECK(turns(40, 40, 1) == 4);
    // 64 channels of 3 x 3 windows: 22 folds of 16 positions.
    const LoopNest nest = array_nest({{Dim::P, 1}, {Dim::Q, 1}}, {Dim::R, Dim::S}, {Dim::G});
    const NestCounts counts =
        count_nest(space, nest, array_machine(space, Dataflow::weight_stationary, shape(32, 32)));
    CHECK(counts.array_cycles == 22 * (2 * 32 + 32 + 16 - 2));
    CHECK(counts.boundary(kInputs, 1).reads == 64 * 16 * 9);
}

TEST_CASE("A last, smaller block takes fewer turns") {
    // 5 x 6 positions in blocks of two rows: 12, 12 and 6 of them on 8 rows are 2 + 2 + 1 turns.
    const IterationSpace space = conv("[2, 5, 6]", "out_channels: 3, kernel: 1");
    const NestMachine machine = array_machine(space, Dataflow::output_stationary, shape(8, 2));
    const LoopNest nest = array_nest({{Dim::P, 2}, {Dim::C, 1}}, {Dim::P, Dim::Q}, {Dim::K});
    const NestCounts counts = count_nest(space, nest, machine);
    CHECK(counts.folds == 5 * 2);
    CHECK(counts.steps == 10 * 2);
    CHECK(counts.array_cycles == 10 * (8 + 2 + 2 - 2));
    CHECK(counts.boundary(kInputs, 1).reads == 30 * 2 * 2);  // once for each turn of columns
    CHECK(counts.boundary(kWeights, 1).reads == 2 * 3 * 5);  // once for each turn of rows
    CHECK(counts.boundary(kOutputs, 1).updates == 30 * 3);
}

TEST_CASE("A memory that finished results alone reach holds them at their own width") {
    // Sums stay in the lanes while the loop over C runs: 16 results of one byte, twice.
    const IterationSpace space = conv("[3, 4, 4]", "out_channels: 2, kernel: 1");
    const LoopNest nest = array_nest({{Dim::K, 1}, {Dim::C, 1}}, {Dim::P, Dim::Q}, {});
    const auto held = [&](Dataflow dataflow) {
        return count_nest(space, nest, array_machine(space, dataflow, shape(16, 1)))
            .held[1][kOutputs];
    };
    CHECK_FALSE(held(Dataflow::output_stationary).partial);
    CHECK(held(Dataflow::weight_stationary).partial);
}

TEST_CASE("The mapper gives systolic arrays the folds of the published formula") {
    // Which knows of no sums that a scratchpad has no room for between two folds.
    std::int64_t compared = 0;
    for (const char* dataflow : {"weight_stationary", "output_stationary", "input_stationary"}) {
        const Machine machine = test::shipped_machine(
            "scalesim_32x32", {{"components.array.dataflow", dataflow},
                               {"components.inputs_sram.capacity", "2 MiB"},
                               {"components.weights_sram.capacity", "2 MiB"},
                               {"components.outputs_sram.capacity", "2 MiB"}});
        const NestHierarchy hierarchy(machine);
        for (std::uint32_t seed = 1; seed <= 12; ++seed) {
            Draw draw(seed);
            const std::int64_t side = draw(7, 50);
            const std::int64_t kernel = draw(1, 5);
            const Network network = test::network_of_text(
                "network: n\ninputs: {image: [" + std::to_string(draw(1, 64)) + ", " +
                std::to_string(side) + ", " + std::to_string(side) +
                "]}\nlayers: [{name: conv, op: conv, out_channels: " +
                std::to_string(draw(1, 100)) + ", kernel: " + std::to_string(kernel) +
                ", stride: " + std::to_string(draw(1, 2)) + ", bias: false}]\n");
            const Layer& layer = network.layers().front();
            const IterationSpace& space = layer.space;
            const std::int64_t positions = space.extent(Dim::P) * space.extent(Dim::Q);
            const std::int64_t window = space.extent(Dim::C) * kernel * kernel;
            const std::int64_t channels = space.extent(Dim::K);
            const std::string flow = dataflow;
            const std::int64_t rows = flow == "output_stationary" ? positions : window;
            const std::int64_t columns = flow == "input_stationary" ? positions : channels;
            const SearchedNest found = search_nest(layer, hierarchy.machine_for(layer),
                                                   nest_prices(machine, hierarchy, layer), {},
                                                   search_stages(Effort::normal, layer.space));
            INFO(flow << ", seed " << seed);
            CHECK(found.counts.folds == ceil_divide(rows, 32) * ceil_divide(columns, 32));
            ++compared;
        }
    }
    CHECK(compared == 36);
}

}  // namespace memwall
