// SPDX-License-Identifier: Apache-2.0
// The tiny cases that docs/model.md works out on paper, step by step.
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

/// A line of the paper's ledger.
struct Line {
    std::string component;
    Action action;
    TensorRole tensor;
    std::int64_t count;
    double picojoules;  ///< of one
};

struct Paper {
    std::string machine;
    std::string network;
    std::int64_t begin;  ///< cycles: first input byte
    std::int64_t end;    ///< cycles: last output byte
    std::vector<Line> lines;
    double total_picojoules;
};

using Key = std::tuple<std::string, Action, TensorRole>;

void check(const Paper& paper) {
    INFO(paper.network << " on " << paper.machine);
    const Machine machine = test::shipped_machine(paper.machine);
    const Network network = test::shipped_network(paper.network);
    MapperOptions options;
    options.rounds = 1;
    const Mapping mapping = map_network(network, machine, options);
    const Outcome outcome = estimate(mapping.program, machine, Window{0});
    const ClockDomain& clock = machine.clocks().front();
    CHECK(clock.edge_at_or_after(outcome.round_start.at(0)) == Cycles(paper.begin));
    CHECK(clock.edge_at_or_after(outcome.round_end.at(0)) == Cycles(paper.end));

    std::map<Key, std::int64_t> found;
    double joules = 0;
    std::map<Key, double> each;
    for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
        const ActionKey& key = mapping.program.actions.key(RowId(r));
        if (outcome.counts[r] == 0) {
            continue;
        }
        const Key at{machine.component(key.component).name, key.action, key.tensor};
        const double one = machine.energy_of(key.component, key.action, key.precision).value;
        found[at] += outcome.counts[r];
        each[at] = one;
        joules += one * static_cast<double>(outcome.counts[r]);
    }
    for (const Line& line : paper.lines) {
        INFO(line.component << " " << name(line.action) << " " << name(line.tensor));
        const Key key{line.component, line.action, line.tensor};
        CHECK(found[key] == line.count);
        CHECK(each[key] * 1e12 == Approx(line.picojoules).epsilon(1e-12));
    }
    CHECK(found.size() == paper.lines.size());
    CHECK(joules * 1e12 == Approx(paper.total_picojoules).epsilon(1e-12));
}

constexpr TensorRole kInputs = TensorRole::inputs;
constexpr TensorRole kWeights = TensorRole::weights;
constexpr TensorRole kOutputs = TensorRole::outputs;
constexpr TensorRole kSums = TensorRole::partial_sums;

}  // namespace

TEST_CASE("A convolution on the tiny Von Neumann machine is what the paper says") {
    check({"tiny_von_neumann",
           "tiny_conv",
           200,
           486,
           {{"host", Action::transfer, kInputs, 144, 10},
            {"host", Action::transfer, kOutputs, 64, 10},
            {"global_buffer", Action::write, kInputs, 144, 1.15},
            {"global_buffer", Action::read, kInputs, 192, 1.15},
            {"global_buffer", Action::read, kWeights, 144, 1.15},
            {"global_buffer", Action::write, kOutputs, 64, 1.15},
            {"global_buffer", Action::read, kOutputs, 64, 1.15},
            {"bus", Action::transfer, kInputs, 192, 0.4},
            {"bus", Action::hop, kInputs, 192, 0.2},
            {"bus", Action::transfer, kWeights, 144, 0.4},
            {"bus", Action::hop, kWeights, 432, 0.2},
            {"bus", Action::transfer, kOutputs, 64, 0.4},
            {"operand_buffer", Action::write, kInputs, 384, 1.075},
            {"operand_buffer", Action::write, kWeights, 576, 1.075},
            {"operand_buffer", Action::read, kInputs, 576, 1.075},
            {"operand_buffer", Action::read, kWeights, 1152, 1.075},
            {"array", Action::mac, kOutputs, 2304, 0.5},
            {"accumulators", Action::write, kSums, 2304, 0.1},
            {"accumulators", Action::read, kSums, 2304, 0.1}},
           7566.4});
}

TEST_CASE("A linear layer on the tiny Von Neumann machine is what the paper says") {
    check({"tiny_von_neumann",
           "tiny_linear",
           2580,
           2926,
           {{"host", Action::transfer, kInputs, 64, 10},
            {"host", Action::transfer, kOutputs, 32, 10},
            {"global_buffer", Action::write, kInputs, 64, 1.15},
            {"global_buffer", Action::read, kInputs, 64, 1.15},
            {"global_buffer", Action::read, kWeights, 2048, 1.15},
            {"global_buffer", Action::write, kOutputs, 32, 1.15},
            {"global_buffer", Action::read, kOutputs, 32, 1.15},
            {"bus", Action::transfer, kInputs, 64, 0.4},
            {"bus", Action::hop, kInputs, 192, 0.2},
            {"bus", Action::transfer, kWeights, 2048, 0.4},
            {"bus", Action::transfer, kOutputs, 32, 0.4},
            {"operand_buffer", Action::write, kInputs, 256, 1.075},
            {"operand_buffer", Action::write, kWeights, 2048, 1.075},
            {"operand_buffer", Action::read, kInputs, 512, 1.075},
            {"operand_buffer", Action::read, kWeights, 2048, 1.075},
            {"array", Action::mac, kOutputs, 2048, 0.5},
            {"accumulators", Action::write, kSums, 2048, 0.1},
            {"accumulators", Action::read, kSums, 2048, 0.1}},
           11094.4});
}

TEST_CASE("A pooling on the tiny Von Neumann machine is what the paper says") {
    check({"tiny_von_neumann",
           "tiny_pool",
           0,
           233,
           {{"host", Action::transfer, kInputs, 144, 10},
            {"host", Action::transfer, kOutputs, 36, 10},
            {"global_buffer", Action::write, kInputs, 144, 1.15},
            {"global_buffer", Action::read, kInputs, 144, 1.15},
            {"global_buffer", Action::write, kOutputs, 36, 1.15},
            {"global_buffer", Action::read, kOutputs, 36, 1.15},
            {"bus", Action::transfer, kInputs, 144, 0.4},
            {"bus", Action::transfer, kOutputs, 36, 0.4},
            {"operand_buffer", Action::write, kInputs, 144, 1.075},
            {"operand_buffer", Action::read, kInputs, 144, 1.075},
            {"vector", Action::vector, kOutputs, 144, 0.2},
            {"accumulators", Action::write, kSums, 144, 0.1},
            {"accumulators", Action::read, kSums, 144, 0.1}},
           2653.2});
}

TEST_CASE("A convolution on the tiny NorthPole is what the paper says") {
    check({"tiny_northpole",
           "tiny_conv",
           144,
           437,
           {{"host", Action::transfer, kInputs, 144, 10},
            {"host", Action::transfer, kOutputs, 64, 10},
            {"frame_buffer", Action::write, kInputs, 144, 1.15},
            {"frame_buffer", Action::read, kInputs, 256, 1.15},
            {"frame_buffer", Action::write, kOutputs, 64, 1.15},
            {"frame_buffer", Action::read, kOutputs, 64, 1.15},
            {"activation_network", Action::hop, kInputs, 192, 0.2},
            {"activation_network", Action::hop, kOutputs, 32, 0.2},
            {"core_memory", Action::write, kInputs, 256, 1.075},
            {"core_memory", Action::read, kInputs, 576, 1.075},
            {"core_memory", Action::read, kWeights, 144, 1.075},
            {"core_memory", Action::write, kOutputs, 64, 1.075},
            {"core_memory", Action::read, kOutputs, 64, 1.075},
            {"model_network", Action::hop, kWeights, 432, 0.2},
            {"weight_buffer", Action::write, kWeights, 576, 0.1},
            {"weight_buffer", Action::read, kWeights, 576, 0.1},
            {"array", Action::mac, kOutputs, 2304, 0.5},
            {"accumulators", Action::write, kSums, 2304, 0.1},
            {"accumulators", Action::read, kSums, 2304, 0.1}},
           5733.2});
}

TEST_CASE("A linear layer on the tiny NorthPole is what the paper says") {
    check({"tiny_northpole",
           "tiny_linear",
           2048,
           2246,
           {{"host", Action::transfer, kInputs, 64, 10},
            {"host", Action::transfer, kOutputs, 32, 10},
            {"frame_buffer", Action::write, kInputs, 64, 1.15},
            {"frame_buffer", Action::read, kInputs, 64, 1.15},
            {"frame_buffer", Action::write, kOutputs, 32, 1.15},
            {"frame_buffer", Action::read, kOutputs, 32, 1.15},
            {"activation_network", Action::hop, kInputs, 128, 0.2},
            {"activation_network", Action::hop, kOutputs, 16, 0.2},
            {"core_memory", Action::write, kInputs, 128, 1.075},
            {"core_memory", Action::read, kInputs, 512, 1.075},
            {"core_memory", Action::read, kWeights, 2048, 1.075},
            {"core_memory", Action::write, kOutputs, 32, 1.075},
            {"core_memory", Action::read, kOutputs, 32, 1.075},
            {"weight_buffer", Action::write, kWeights, 2048, 0.1},
            {"weight_buffer", Action::read, kWeights, 2048, 0.1},
            {"array", Action::mac, kOutputs, 2048, 0.5},
            {"array", Action::accumulate, kSums, 32, 0.05},
            {"partial_sum_network", Action::hop, kSums, 128, 0.2},
            {"accumulators", Action::write, kSums, 2176, 0.1},
            {"accumulators", Action::read, kSums, 2176, 0.1}},
           6064});
}

TEST_CASE("A pooling on the tiny NorthPole is what the paper says") {
    check({"tiny_northpole",
           "tiny_pool",
           0,
           230,
           {{"host", Action::transfer, kInputs, 144, 10},
            {"host", Action::transfer, kOutputs, 36, 10},
            {"frame_buffer", Action::write, kInputs, 144, 1.15},
            {"frame_buffer", Action::read, kInputs, 144, 1.15},
            {"frame_buffer", Action::write, kOutputs, 36, 1.15},
            {"frame_buffer", Action::read, kOutputs, 36, 1.15},
            {"activation_network", Action::hop, kInputs, 144, 0.2},
            {"activation_network", Action::hop, kOutputs, 18, 0.2},
            {"core_memory", Action::write, kInputs, 144, 1.075},
            {"core_memory", Action::read, kInputs, 144, 1.075},
            {"core_memory", Action::write, kOutputs, 36, 1.075},
            {"core_memory", Action::read, kOutputs, 36, 1.075},
            {"vector", Action::vector, kOutputs, 144, 0.2},
            {"accumulators", Action::write, kSums, 144, 0.1},
            {"accumulators", Action::read, kSums, 144, 0.1}},
           2691});
}

}  // namespace memwall
