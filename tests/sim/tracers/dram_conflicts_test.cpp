// SPDX-License-Identifier: Apache-2.0
// Tracer: two DMA streams share a DRAM, with and without row conflicts.
//
// One channel, four banks, rows of 1 KiB, bursts of 64 B. In nanoseconds, which are the DRAM's
// clocks: a burst 2, tRCD 14, tRP 12, CL 10, tRAS 32; one command a clock. The machine's clock
// ticks every 2 ns, so all ends below are edges. "Command" is the column command; data ends CL and
// a burst, 12, later.
#include <catch2/catch.hpp>

#include "sim/replay.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;

namespace {

/// Stream a reads 512 B at 0, stream b 512 B at `address`, both from the start, a layer each.
Outcome two_streams(std::int64_t address) {
    test::MachineScript machine(500'000'000);
    const ComponentId dram = machine.add("dram", ComponentKind::dram, test::plain_dram());
    const ComponentId dma = machine.dma(2);
    test::ProgramScript script;
    script.layers(2);
    const UnitId engine = script.unit(dma, 2);
    std::int32_t layer = 0;
    for (const std::int64_t at : {std::int64_t{0}, address}) {
        Move move;
        move.dram = {{DramId(0), at, Bytes(512), 1, 0, false}};
        StepBody* body = script.body(engine, move);
        body->actions = {{script.program().actions.row({LayerId(layer), dram, Action::read,
                                                        TensorRole::weights, Precision::int8}),
                          512}};
        script.step(script.agent(layer == 0 ? "a" : "b"), body).layer = LayerId(layer);
        ++layer;
    }
    return replay(script.build(), machine.build());
}

}  // namespace

TEST_CASE("tracer: two streams in one bank pay one row conflict, the older row's hits first") {
    // Both want bank 0: a row 0, b row 1 (address 4 KiB); 8 bursts each, a's came first.
    //   a  opens row 0 at 0;                                    commands at 14 16 ... 28
    //   b  tRAS holds row 0 until 32, tRP: opens row 1 at 44;   commands at 58 60 ... 72
    // a's data end at 28 + 12 = 40, b's at 72 + 12 = 84.
    const Outcome outcome = two_streams(4'096);
    CHECK(outcome.layers[0].end == Picoseconds(40'000));
    CHECK(outcome.layers[1].end == Picoseconds(84'000));
    CHECK(outcome.drams[0].bursts == 16);
    CHECK(outcome.drams[0].row_misses == 2);
    CHECK(outcome.drams[0].row_hits == 14);
    // Others' bursts held b up for 8 bursts of 2 ns.
    CHECK(outcome.layers[0].queued == Picoseconds(0));
    CHECK(outcome.layers[1].queued == Picoseconds(16'000));
    CHECK(outcome.layers[1].bound_by == Bound::dram);
    CHECK(outcome.components[0].busy_max == Picoseconds(32'000));
}

TEST_CASE("tracer: two streams in two banks keep the bus busy") {
    // b's row lies in bank 1 (address 1 KiB): a's opens at 0, b's at 1. The burst for which a row
    // was opened goes first, then the older ones.
    //   a 14   b 16   a 18 20 ... 30   b 32 34 ... 44
    const Outcome outcome = two_streams(1'024);
    CHECK(outcome.layers[0].end == Picoseconds(42'000));
    CHECK(outcome.layers[1].end == Picoseconds(56'000));
    CHECK(outcome.drams[0].row_misses == 2);
    CHECK(outcome.counts == std::vector<std::int64_t>{512, 512});
}
