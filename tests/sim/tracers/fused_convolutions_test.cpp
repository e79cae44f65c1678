// SPDX-License-Identifier: Apache-2.0
// Tracer: two convolutions fused tile by tile, the halo between them computed again, the weights
// kept on the chip.
//
// Both are one channel, one row, kernel 3, no padding: 12 inputs, 10 in the middle, 8 outputs, a
// byte each. Output tiles of 4 need 6 of the middle and 8 inputs. Two tiles:
//   inputs read        2 x 8 = 16 B instead of 12
//   first convolution  2 x 6 x 3 = 36 MACs, of which (12 - 10) x 3 = 6 were done before
//   second             2 x 4 x 3 = 24
// One MAC a cycle; the link carries one byte a cycle each way. Weights, 6 B, are loaded once and
// stay. Inputs have two slots. In cycles:
//   load weights   0 ..  6
//   inputs 0       6 .. 14     first 0  14 .. 32   second 0  32 .. 44   outputs 0  44 .. 48
//   inputs 1      14 .. 22     first 1  44 .. 62   second 1  62 .. 74   outputs 1  74 .. 78
// The buffer holds most from 14 to 32: weights 6, two inputs 16, the middle 6: 28 B.
#include <catch2/catch.hpp>

#include "sim/replay.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;

namespace {

constexpr std::int64_t kCycle = 2'500;

}  // namespace

TEST_CASE("tracer: a fused pair of convolutions with a recomputed halo and resident weights") {
    test::MachineScript machine;
    LinkConfig host;
    host.bandwidth = BytesPerSecond(400e6);
    const ComponentId link = machine.add("host", ComponentKind::link, host);
    const ComponentId buffer = machine.buffer(28);
    const ComponentId array = machine.array();
    const Machine built = machine.build();

    test::ProgramScript script;
    script.layers(2);
    script.program().resident = {{buffer, 6, 0}};
    ActionTable& actions = script.program().actions;
    const RowId load_write =
        actions.row({LayerId(), buffer, Action::write, TensorRole::weights, Precision::int8});
    const RowId input_write =
        actions.row({LayerId(0), buffer, Action::write, TensorRole::inputs, Precision::int8});
    const RowId first_macs =
        actions.row({LayerId(0), array, Action::mac, TensorRole::outputs, Precision::int8});
    const RowId first_again = actions.row(
        {LayerId(0), array, Action::recomputed_mac, TensorRole::outputs, Precision::int8});
    const RowId second_macs =
        actions.row({LayerId(1), array, Action::mac, TensorRole::outputs, Precision::int8});

    const UnitId in = script.unit(link);
    const UnitId out = script.unit(link);
    const UnitId unit = script.unit(array);
    const TokenId slots = script.token("input slots");
    const TokenId inputs = script.token("inputs");
    const TokenId outputs = script.token("outputs");
    const AgentId reader = script.agent("reader");
    const AgentId worker = script.agent("worker");
    const AgentId writer = script.agent("writer");

    StepBody* load = script.move(in, {{built.inbound(link), Bytes(6)}});
    std::get<Move>(load->what).destinations = {buffer};
    std::get<Move>(load->what).delivered = Bytes(6);
    load->actions = {{load_write, 6}};
    script.step(reader, load).layer = LayerId();
    for (std::int64_t tile = 0; tile < 2; ++tile) {
        StepBody* fetch = script.move(in, {{built.inbound(link), Bytes(8)}});
        std::get<Move>(fetch->what).destinations = {buffer};
        std::get<Move>(fetch->what).delivered = Bytes(8);
        fetch->actions = {{input_write, 8}};
        fetch->occupancy = {{buffer, 8, 0}};
        fetch->edge = NetworkEdge::input;
        script.step(reader, fetch, {{slots, tile - 1}}, {{inputs}});

        StepBody* first = script.compute(unit, 18);
        first->actions = {{first_macs, 18}, {first_again, tile * 6}};
        first->occupancy = {{buffer, 6, 8}};
        script.step(worker, first, {{inputs, tile + 1}}, {{slots}});
        StepBody* second = script.compute(unit, 12);
        second->actions = {{second_macs, 12}};
        second->occupancy = {{buffer, 4, 6}};
        script.step(worker, second, {}, {{outputs}}).layer = LayerId(1);

        StepBody* store = script.move(out, {{built.outbound(link), Bytes(4)}});
        store->occupancy = {{buffer, 0, 4}};
        store->edge = NetworkEdge::output;
        script.step(writer, store, {{outputs, tile + 1}}).layer = LayerId(1);
    }
    const Outcome outcome = replay(script.build(), built);

    CHECK(outcome.end == Picoseconds(78 * kCycle));
    CHECK(outcome.load_end == Picoseconds(6 * kCycle));
    CHECK(outcome.window_start == Picoseconds(6 * kCycle));
    CHECK(outcome.round_start[0] == Picoseconds(6 * kCycle));
    CHECK(outcome.round_end[0] == Picoseconds(78 * kCycle));
    CHECK(outcome.load_counts[load_write.position()] == 6);
    CHECK(outcome.counts[load_write.position()] == 0);
    CHECK(outcome.counts[input_write.position()] == 16);
    CHECK(outcome.counts[first_macs.position()] == 36);
    CHECK(outcome.counts[first_again.position()] == 6);
    CHECK(outcome.counts[second_macs.position()] == 24);
    CHECK(outcome.components[buffer.position()].peak == Bytes(28));
    CHECK(outcome.components[array.position()].busy_max == Picoseconds(60 * kCycle));
    // The path: outputs 1 (4), second 1, first 1, second 0, first 0, inputs 0 (8), the load.
    CHECK(outcome.layers[0].bound_by == Bound::compute);
    CHECK(outcome.layers[0].exposed == Picoseconds(8 * kCycle));
    CHECK(outcome.layers[1].exposed == Picoseconds(4 * kCycle));
    CHECK(outcome.layers[0].start == Picoseconds(0));
    CHECK(outcome.layers[0].end == Picoseconds((62 - 6) * kCycle));
    CHECK(outcome.layers[1].start == Picoseconds((32 - 6) * kCycle));
}
