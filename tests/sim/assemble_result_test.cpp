// SPDX-License-Identifier: Apache-2.0
#include "sim/assemble_result.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "tests/sim/result_example.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

double joules_of(const RunResult& run, EnergyKind kind) {
    return run.totals.by_kind[static_cast<std::size_t>(kind)].count();
}

double joules_of(const RunResult& run, Status status) {
    return run.totals.by_status[static_cast<std::size_t>(status)].count();
}

}  // namespace

TEST_CASE("energies are counts times coefficients, kind by kind") {
    const RunResult run = ResultExample().run();
    // arithmetic: 12 + 4 MACs of 1 J, 2 gated of 0.5 J, 3 operations of 4 J
    CHECK(joules_of(run, EnergyKind::arithmetic) == Approx(16 + 1 + 12).epsilon(1e-12));
    // movement: 12 bytes of 10 J read from dram, 12 of 3 J written and 3 of 2 J read at the buffer
    CHECK(joules_of(run, EnergyKind::data_movement) == Approx(120 + 36 + 6).epsilon(1e-12));
    // 1,000 ps of 2 GW clock and of 1 GW leakage
    CHECK(joules_of(run, EnergyKind::control) == Approx(2).epsilon(1e-12));
    CHECK(joules_of(run, EnergyKind::static_energy) == Approx(1).epsilon(1e-12));
    CHECK(run.totals.energy.count() == Approx(29 + 162 + 3).epsilon(1e-12));
    CHECK(run.totals.energy_per_item.count() == Approx(194).epsilon(1e-12));
}

TEST_CASE("the interval of the energy is that of its coefficients, and each joule has a status") {
    const RunResult run = ResultExample().run();
    // low: dram 5 J a byte, gated MACs nothing; high: dram 20 J, gated 1 J, leakage twice
    CHECK(run.totals.energy_low.count() == Approx(194 - 60 - 1).epsilon(1e-12));
    CHECK(run.totals.energy_high.count() == Approx(194 + 120 + 1 + 1).epsilon(1e-12));
    CHECK(joules_of(run, Status::published) == Approx(120));
    CHECK(joules_of(run, Status::derived) == Approx(12 + 36 + 6));
    CHECK(joules_of(run, Status::assumed) == Approx(1 + 3));
    CHECK(joules_of(run, Status::calibrated) == Approx(16));
}

TEST_CASE("time is that of the window, latency that of the counted items") {
    const RunResult run = ResultExample().run();
    CHECK(run.totals.seconds.count() == Approx(2005e-12));
    CHECK(run.totals.cycles.count() == 201);  // the edge at or after 2,005 ps
    CHECK(run.totals.clock == "core");
    CHECK(run.totals.window.count() == Approx(1000e-12));
    CHECK(run.totals.items == 1);
    CHECK(run.totals.throughput == Approx(1e9));
    CHECK(run.totals.latency.mean.count() == Approx(1000e-12));
    CHECK_FALSE(run.totals.latency.p50);
    CHECK(run.totals.power.count() == Approx(194 / 1000e-12));
    CHECK(run.totals.load_seconds.count() == Approx(50e-12));
}

TEST_CASE("percentiles of the latency come where items differ") {
    ResultExample example;
    example.scenario.warmup_items = 0;
    example.outcome.window_start = Picoseconds(0);
    example.outcome.round_end[0] = Picoseconds(600);
    example.count("fc1", "array", Action::mac, TensorRole::outputs, 12);
    example.count("fc2", "array", Action::mac, TensorRole::outputs, 6);
    const Latency latency = example.run().totals.latency;
    CHECK(latency.mean.count() == Approx(800e-12));
    REQUIRE(latency.p50);
    CHECK(latency.p50->count() == Approx(600e-12));
    CHECK(latency.p99->count() == Approx(1000e-12));
    CHECK(latency.most->count() == Approx(1000e-12));
}

TEST_CASE("a stream has the first one's time, the steady one between two and the last one's") {
    ResultExample example;
    example.outcome.round_end[0] = Picoseconds(1100);  // of one that began at 0
    example.outcome.round_start[1] = Picoseconds(800);
    example.outcome.window_start = Picoseconds(1100);
    const auto stream = example.run().totals.stream;
    REQUIRE(stream);
    CHECK(stream->fill.count() == Approx(1100e-12));
    CHECK(stream->interval.count() == Approx(900e-12));
    CHECK(stream->drain.count() == Approx(1200e-12));
    example.scenario.phase = Phase::offline;
    CHECK_FALSE(example.run().totals.stream);
}

TEST_CASE("late steps are told by layer and unit, with whose step they waited for") {
    ResultExample example;
    example.mapping.program.units = {{"adders", ComponentId(2), -1, 1},
                                     {"bus", ComponentId(0), -1, 1}};
    example.outcome.layers[2].stalls = 3;
    example.outcome.late = {{LayerId(2), UnitId(0), LateCause::data, LayerId(0), UnitId(1), 2,
                             Picoseconds(30), Picoseconds(50)},
                            {LayerId(2), UnitId(0), LateCause::room, LayerId(), UnitId(1), 1,
                             Picoseconds(10), Picoseconds(10)}};
    const RunResult run = example.run();
    CHECK(run.layers[0].late.empty());
    REQUIRE(run.layers[2].late.size() == 2);
    const LateResult& late = run.layers[2].late.front();
    CHECK(late.unit == "adders");
    CHECK(late.steps == 2);
    CHECK(late.most.count() == Approx(30e-12));
    CHECK(late.sum.count() == Approx(50e-12));
    CHECK(late.cause == LateCause::data);
    CHECK(late.of_layer == 0U);
    CHECK(late.of_unit == "bus");
    CHECK_FALSE(run.layers[2].late.back().of_layer);
    example.outcome.late.pop_back();
    CHECK_THROWS_AS(example.run(), InternalError);  // a late step without a reason
}

TEST_CASE("utilization is the time at the dense peak of each precision over the time") {
    ResultExample example;
    // int8: 2 MACs a cycle of 10 ps, 18 MACs: 90 ps of 1,000
    CHECK(example.run().totals.utilization == Approx(0.09));
    CHECK(peak_macs_per_second(example.machine, Precision::int8) == Approx(2e11));
    CHECK(peak_macs_per_second(example.machine, Precision::int4) == Approx(4e11));
    CHECK(peak_macs_per_second(example.machine, Precision::int2) == Approx(4e11));
    CHECK(peak_macs_per_second(example.machine, Precision::fp16) == 0);
}

TEST_CASE("recomputed multiply-accumulates cost energy and are no useful work") {
    ResultExample example;
    example.count("fc1", "array", Action::mac, TensorRole::outputs, 4);
    example.count("fc1", "array", Action::recomputed_mac, TensorRole::outputs, 4);
    const RunResult run = example.run();
    CHECK(run.totals.macs == 18);
    CHECK(run.totals.operations == OperationCounts{20, 2, 0, 4, 0, 3});
    CHECK(run.totals.utilization == Approx(0.09));
    CHECK(joules_of(run, EnergyKind::arithmetic) == Approx(33));
}

TEST_CASE("a layer has its own times, a fused one those of its host, and (idle) the rest") {
    const RunResult run = ResultExample().run();
    REQUIRE(run.layers.size() == 4);
    CHECK(run.layers[0].start.count() == Approx(100e-12));
    CHECK(run.layers[0].end.count() == Approx(500e-12));
    CHECK(run.layers[0].bound_by == Bound::dram);
    CHECK(run.layers[0].exposed->count() == Approx(300e-12));
    CHECK(run.layers[0].utilization == Approx(60.0 / 400));
    CHECK(run.layers[1].fused_with == 0U);
    CHECK(run.layers[1].end.count() == Approx(500e-12));
    CHECK_FALSE(run.layers[2].exposed);  // its path is not known
    CHECK(run.layers[3].name == "(idle)");
    CHECK(run.layers[3].op == "none");
    CHECK_FALSE(run.layers[3].bound_by);
    CHECK(run.layers[3].energy.count() == Approx(0.75 + 1.82));
}

TEST_CASE("what layers add sums to the time from round to round, with fused ones at their host") {
    ResultExample example;
    const RunResult run = example.run();
    CHECK(run.layers[0].adds.count() == Approx(500e-12));
    CHECK(run.layers[1].adds == Seconds(0));
    CHECK(run.layers[2].adds.count() == Approx(300e-12));
    // The last round's first byte came 200 ps before the end of the round before.
    example.outcome.round_start[1] = Picoseconds(800);
    CHECK(example.run().layers[0].adds.count() == Approx(300e-12));
    CHECK(example.run().layers[2].adds.count() == Approx(300e-12));
}

TEST_CASE("a cold start counts loading: its time, its bytes, and the power meanwhile") {
    ResultExample example;
    example.scenario.warmup_items = 0;
    example.scenario.cold = true;
    example.outcome.window_start = Picoseconds(50);
    example.outcome.window_end = Picoseconds(1050);
    example.load("dram", Action::read, 18);
    for (const char* layer : {"fc1", "fc2"}) {  // two rounds are counted
        example.count(layer, "array", Action::mac, TensorRole::outputs, layer[2] == '1' ? 12 : 6);
    }
    const RunResult run = example.run();
    CHECK(run.totals.window.count() == Approx(1050e-12));
    const LayerResult& load = run.layers[run.layers.size() - 2];
    CHECK(load.name == "(load)");
    CHECK(load.op == "none");
    // 18 bytes of 10 J; 50 ps of 1 GW leakage and of 2 GW clock
    CHECK(load.energy.count() == Approx(180 + 0.05 + 0.1));
    CHECK(load.energy == run.totals.load_energy);
    CHECK(load.traffic[0].tensors[0].read == Bytes(18));
    CHECK(run.layers.back().name == "(idle)");
}

TEST_CASE("traffic is told by memory and tensor, beside the lower bound of the outermost one") {
    ResultExample example;
    example.mapping.layers[0].bound = {Bytes(5), Bytes(9)};
    example.mapping.layers[0].bound_applies = true;
    const RunResult run = example.run();
    REQUIRE(run.layers[0].traffic.size() == 2);
    CHECK(run.layers[0].traffic[0].memory == "dram");
    CHECK(run.layers[0].traffic[0].tensors[0].read == Bytes(12));
    CHECK(run.layers[0].traffic[1].tensors[0].write == Bytes(12));
    REQUIRE(run.layers[0].lower_bound);
    CHECK(run.layers[0].lower_bound->first == "dram");
    CHECK(run.layers[0].lower_bound->second == Bytes(9));
    CHECK(run.totals.arithmetic_intensity == Approx(18.0 / 12));
}

TEST_CASE("at the lower bound only the least bytes are moved, and power is paid for less time") {
    const AtLowerBound bound = ResultExample().run().totals.at_lower_bound;
    // 6 bytes at a byte a picosecond are less than the array's 90 ps
    CHECK(bound.bytes == Bytes(6));
    CHECK(bound.seconds.count() == Approx(90e-12));
    // arithmetic and buffer as they were, 6 bytes of 10 J, 3 J of power over 9 % of the time
    CHECK(bound.energy.count() == Approx(29 + 42 + 60 + 0.27));
}

TEST_CASE("the traffic of the bound at peak bandwidth can be what takes longest") {
    ResultExample example;
    example.mapping.network_bound = Bytes(12);
    example.outcome.components[2].busy_max = Picoseconds(3);
    CHECK(example.run().totals.at_lower_bound.seconds.count() == Approx(12e-12));
}

TEST_CASE("a machine with all its memory on the chip is at its lower bound") {
    ResultExample example;
    example.mapping.outermost = example.machine.find("buffer");
    const RunResult run = example.run();
    CHECK(run.totals.at_lower_bound.energy == run.totals.energy);
    CHECK(run.totals.at_lower_bound.seconds == run.totals.window);
}

TEST_CASE("a lost or invented multiply-accumulate is an internal error that names the layer") {
    ResultExample example;
    example.count("fc2", "array", Action::mac, TensorRole::outputs, 1);
    CHECK_THROWS_WITH(example.run(), Catch::Contains("layer 'fc2' has 6 multiply-accumulates, but "
                                                     "7 were counted on machine 'hand'"));
    example.count("fc2", "array", Action::recomputed_mac, TensorRole::outputs, 1);
    CHECK_NOTHROW(example.run());
    example.count("fc1", "array", Action::skipped_mac, TensorRole::outputs, 1);
    CHECK_THROWS_AS(example.run(), InternalError);
}

TEST_CASE("less traffic than any schedule must have is an internal error") {
    ResultExample example;
    example.mapping.network_bound = Bytes(13);
    CHECK_THROWS_WITH(example.run(), Catch::Contains("the network moved 12 bytes at 'dram', less "
                                                     "than its lower bound of 13"));
    example.mapping.network_bound = Bytes(12);
    CHECK_NOTHROW(example.run());
    example.mapping.layers[0].bound = {Bytes(13), Bytes(0)};
    CHECK_NOTHROW(example.run());
    example.mapping.layers[0].bound_applies = true;
    CHECK_THROWS_WITH(example.run(), Catch::Contains("layer 'fc1' moved 12 bytes at 'dram', less "
                                                     "than its lower bound of 13"));
}

TEST_CASE("sums that do not add up are an internal error") {
    RunResult run = ResultExample().run();
    run.layers[0].energy += Joules(1e-3);
    CHECK_THROWS_AS(check_sums(run), InternalError);
    run = ResultExample().run();
    run.totals.by_kind[0] += Joules(1e-3);
    CHECK_THROWS_AS(check_sums(run), InternalError);
    run = ResultExample().run();
    run.components[0].energy += Joules(1e-3);
    CHECK_THROWS_AS(check_sums(run), InternalError);
}
