// SPDX-License-Identifier: Apache-2.0
#include "sim/ledger.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "sim/replay_engine.hpp"
#include "tests/sim/result_example.hpp"
#include "tests/support/machines.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

/// "fc1 dram read 12" in the order of the ledger.
std::vector<std::string> lines(const ResultExample& example, bool cold = false) {
    std::vector<std::string> text;
    for (const LedgerRow& row :
         make_ledger(example.mapping.program.actions, example.machine, example.outcome, cold)) {
        const std::string layer = row.layer.valid() ? example.network.layer(row.layer).name
                                  : row.load        ? "(load)"
                                                    : "(idle)";
        const auto picoseconds = std::llround(row.seconds * 1e12);
        text.push_back(layer + " " + example.machine.component(row.component).name + " " +
                       row.action + " " + std::to_string(row.counted ? row.count : picoseconds));
    }
    return text;
}

}  // namespace

TEST_CASE("the ledger goes by layer, component and action, power by busy time after the counts") {
    const ResultExample example;
    CHECK(lines(example) ==
          std::vector<std::string>{"fc1 dram read 12", "fc1 dram standby 250",
                                   "fc1 buffer write 12", "fc1 array mac 12", "fc1 array clock 60",
                                   "relu array vector 3", "fc2 buffer read 3", "fc2 array mac 4",
                                   "fc2 array gated_mac 2", "fc2 array clock 30",
                                   "(idle) dram standby 750", "(idle) array clock 910"});
}

TEST_CASE("a cold start's loading stands before the idle time, with the power of all meanwhile") {
    ResultExample example;
    example.load("dram", Action::write, 18);
    std::vector<std::string> expected = lines(example);
    const auto idle = std::find(expected.begin(), expected.end(), "(idle) dram standby 750");
    expected.insert(idle,
                    {"(load) dram write 18", "(load) dram standby 50", "(load) array clock 50"});
    CHECK(lines(example, true) == expected);
}

TEST_CASE("the order in which counters were asked for changes nothing in the ledger") {
    ResultExample example;
    const std::vector<std::string> expected = lines(example);
    const ActionTable before = example.mapping.program.actions;
    const std::vector<std::int64_t> counts = example.outcome.counts;
    ActionTable reversed;
    std::vector<std::int64_t> moved;
    for (std::size_t r = before.size(); r-- > 0;) {
        reversed.row(before.key(RowId(r)));
        moved.push_back(counts[r]);
    }
    example.mapping.program.actions = reversed;
    example.outcome.counts = moved;
    CHECK(lines(example) == expected);
}

TEST_CASE("operations of one precision are one row, whatever tensor they were counted for") {
    ResultExample example;
    example.count("fc1", "array", Action::mac, TensorRole::inputs, 5);
    CHECK(lines(example)[3] == "fc1 array mac 17");
}

TEST_CASE("busy time beyond the window is scaled down to it, so that no power is counted twice") {
    ResultExample example;
    example.busy("fc2", "dram", 1750);  // 250 + 1,750 = twice the window
    const auto text = lines(example);
    CHECK(text[1] == "fc1 dram standby 125");
    CHECK(std::count(text.begin(), text.end(), "fc2 dram standby 875") == 1);
    CHECK(std::none_of(text.begin(), text.end(),
                       [](const std::string& line) { return line.rfind("(idle) dram", 0) == 0; }));
}

TEST_CASE("loading costs its counts and the power of everything meanwhile") {
    ResultExample example;
    example.outcome.load_counts.assign(example.mapping.program.actions.size(), 0);
    const RowId read =
        example.mapping.program.actions.row({LayerId(), example.machine.find("dram"), Action::read,
                                             TensorRole::weights, Precision::int8});
    example.outcome.load_counts.resize(example.mapping.program.actions.size());
    example.outcome.load_counts[read.position()] = 7;
    // 7 bytes of 10 J; 50 ps of 1 GW leakage and 2 GW clock.
    CHECK(load_energy(example.mapping.program.actions, example.machine, example.outcome).count() ==
          Approx(70 + 0.05 + 0.1));
}

TEST_CASE("a gather opens a row a burst and moves whole bursts, however many rounds are counted") {
    // 16 rows of 40 B, each from another place of 40 MB: a burst of 64 B each.
    const Machine machine = test::shipped_machine(
        "tiny_von_neumann",
        {{"components.dram.type", "ddr4"}, {"components.dram.capacity", "1 GiB"}});
    const Network network = test::network_of_text(
        "network: n\nprecision: int8\ninputs: {n: {shape: [16], precision: int32}}\nlayers:\n- "
        "{name: t, op: embedding, rows: 1000000, features: 40}\n");
    MapperOptions options;
    options.rounds = 9;
    const Mapping mapping = map_network(network, machine, options);
    for (const std::int64_t warmup : {0, 1, 6, 8}) {
        INFO("rounds counted: " << options.rounds - warmup);
        const std::int64_t draws = 16 * (options.rounds - warmup);
        ReplayOptions replayed;
        replayed.window = Window{warmup};
        for (const Outcome& outcome : {replay_without_kernel(mapping.program, machine, replayed),
                                       estimate(mapping.program, machine, replayed.window)}) {
            CHECK(outcome.activations == std::vector<std::int64_t>{draws});
            CHECK(outcome.load_activations[0] >= 40'000'000 / 8'192);  // rows of the table
            std::int64_t read = 0;
            std::int64_t opened = 0;
            for (const LedgerRow& row :
                 make_ledger(mapping.program.actions, machine, outcome, false)) {
                const bool dram = row.component == machine.drams()[0];
                read += dram && row.counted == Action::read ? row.count : 0;
                opened += row.counted == Action::activate ? row.count : 0;
            }
            CHECK(read == draws * 64);
            CHECK(opened == draws);
        }
    }
}

TEST_CASE("weights that stream open each of their rows once a round") {
    // 1 MiB of weights through a buffer of 64 KiB: 128 rows of 8 KiB, which no refresh closes.
    const Machine machine = test::shipped_machine(
        "tiny_von_neumann", {{"components.dram.type", "ddr4"},
                             {"components.dram.tREFI", "0 cycles"},
                             {"components.dram.capacity", "1 GiB"},
                             {"components.global_buffer.capacity", "64 KiB"}});
    const Network network = test::network_of_text(
        "network: n\nprecision: int8\ninputs: {x: [1024]}\nlayers:\n- {name: a, op: linear, "
        "out_features: 1024}\n");
    MapperOptions options;
    options.rounds = 4;
    const Mapping mapping = map_network(network, machine, options);
    ReplayOptions replayed;
    replayed.window = Window{2};
    const std::vector<std::int64_t> expected = {2 * 128};
    CHECK(replay_without_kernel(mapping.program, machine, replayed).activations == expected);
    CHECK(estimate(mapping.program, machine, replayed.window).activations == expected);
}

TEST_CASE("a layer pays for the rows that a DRAM opens for it, where its file has their energy") {
    const Machine machine = test::shipped_machine(
        "tiny_von_neumann",
        {{"components.dram.type", "ddr4"}, {"components.global_buffer.capacity", "2 KiB"}});
    const Network network = test::shipped_network("tiny_linear");
    const Mapping mapping = map_network(network, machine, MapperOptions{});
    const Outcome outcome = estimate(mapping.program, machine, Window{});
    const std::vector<LedgerRow> rows =
        make_ledger(mapping.program.actions, machine, outcome, false);
    std::int64_t activations = 0;
    for (const LedgerRow& row : rows) {
        if (row.counted == Action::activate && row.unit == std::string("operation")) {
            activations += row.count;
            CHECK(row.energy.count() == Approx(static_cast<double>(row.count) * 3.444e-9));
            CHECK(row.kind == EnergyKind::data_movement);
        }
    }
    CHECK(activations > 0);
}
