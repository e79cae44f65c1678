// SPDX-License-Identifier: Apache-2.0
// Tracer: a multicast and a reduction on a mesh of 3 x 3 routers.
//
// Links carry 32 B a cycle, a hop takes one cycle. Routers are (column, row), dimension order is X,
// then Y. A tree carries its payload once on each of its links.
#include <catch2/catch.hpp>

#include "sim/replay.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;
using Direction = Machine::Direction;

namespace {

constexpr std::int64_t kCycle = 2'500;

struct Parts {
    Parts() {
        MeshConfig config;
        config.columns = config.rows = 3;
        config.link_width = Bytes(32);
        config.hop = Cycles(1);
        mesh = script.add("mesh", ComponentKind::mesh, config);
        memory = script.add("cores", ComponentKind::sram,
                            MemoryConfig{Bytes(4'096), {Bytes(4'096)}, Bytes(0), Bytes(0)}, 9);
        dma = script.dma(4);
        machine = std::make_unique<Machine>(script.build());
    }
    [[nodiscard]] LinkId link(std::int64_t column, std::int64_t row, Direction to) const {
        return machine->mesh_link(mesh, column, row, to);
    }
    /// From (0, 0) to the eight others: east along row 0, then down each column.
    [[nodiscard]] std::vector<LinkUse> multicast(Bytes bytes) const {
        std::vector<LinkUse> uses = {{link(0, 0, Direction::inject), bytes},
                                     {link(0, 0, Direction::east), bytes},
                                     {link(1, 0, Direction::east), bytes}};
        for (std::int64_t column = 0; column < 3; ++column) {
            uses.push_back({link(column, 0, Direction::south), bytes});
            uses.push_back({link(column, 1, Direction::south), bytes});
            for (std::int64_t row = 0; row < 3; ++row) {
                if (column > 0 || row > 0) {
                    uses.push_back({link(column, row, Direction::eject), bytes});
                }
            }
        }
        return uses;
    }
    /// From all others to (1, 1): along the rows to column 1, then to row 1; summed on the way.
    [[nodiscard]] std::vector<LinkUse> reduction(Bytes bytes) const {
        std::vector<LinkUse> uses = {{link(1, 0, Direction::south), bytes},
                                     {link(1, 2, Direction::north), bytes},
                                     {link(1, 1, Direction::eject), bytes}};
        for (std::int64_t row = 0; row < 3; ++row) {
            uses.push_back({link(0, row, Direction::east), bytes});
            uses.push_back({link(2, row, Direction::west), bytes});
        }
        return uses;
    }

    test::MachineScript script;
    ComponentId mesh;
    ComponentId memory;
    ComponentId dma;
    std::unique_ptr<Machine> machine;
};

StepBody* move_to(test::ProgramScript& script, const Parts& parts, UnitId unit,
                  std::vector<LinkUse> links, std::int64_t hops, Bytes delivered,
                  std::int64_t mesh_bytes) {
    StepBody* body = script.move(unit, std::move(links), hops);
    Move& move = std::get<Move>(body->what);
    move.sources = move.destinations = {parts.memory};
    move.delivered = delivered;
    ActionTable& actions = script.program().actions;
    body->actions = {
        {actions.row(
             {LayerId(0), parts.memory, Action::write, TensorRole::inputs, Precision::int8}),
         delivered.count()},
        {actions.row({LayerId(0), parts.mesh, Action::hop, TensorRole::inputs, Precision::int8}),
         mesh_bytes}};
    return body;
}

/// A multicast of 320 B from (0, 0), and at the same time, as layer 1, a transfer over `links`.
Outcome beside_a_tree(const Parts& parts, const std::vector<LinkUse>& links, std::int64_t hops) {
    test::ProgramScript script;
    script.layers(2);
    const UnitId dma = script.unit(parts.dma, 4);
    script.step(script.agent("tree"),
                move_to(script, parts, dma, parts.multicast(Bytes(320)), 4, Bytes(2'560), 2'560));
    script.step(script.agent("other"), script.move(dma, links, hops)).layer = LayerId(1);
    return replay(script.build(), *parts.machine);
}

}  // namespace

TEST_CASE("tracer: a multicast, then a reduction of what it made") {
    // Multicast of 320 B: 10 cycles on every link of the tree at once, 4 hops to the far corner:
    // there at 14. 8 links between routers carry 320 B each: 2,560 B hop; 8 x 320 B are delivered.
    // Reduction of 64 B: 2 cycles and 2 hops from the corners: there at 14 + 2 + 2 = 18. Its tree
    // has 8 links between routers: 512 B hop; 64 B are delivered.
    const Parts parts;
    test::ProgramScript script;
    const UnitId dma = script.unit(parts.dma, 4);
    const TokenId there = script.token("there");
    const AgentId root = script.agent("root");
    const AgentId sum = script.agent("sum");
    script.step(root,
                move_to(script, parts, dma, parts.multicast(Bytes(320)), 4, Bytes(2'560), 2'560),
                {}, {{there}});
    StepBody* reduce = move_to(script, parts, dma, parts.reduction(Bytes(64)), 2, Bytes(64), 512);
    std::get<Move>(reduce->what).combine = Combine::sum;
    script.step(sum, reduce, {{there, 1}});
    const Outcome outcome = replay(script.build(), *parts.machine);
    CHECK(outcome.end == Picoseconds(18 * kCycle));
    CHECK(outcome.counts[0] == 2'560 + 64);
    CHECK(outcome.counts[1] == 2'560 + 512);
    // A link is in both trees where the two share a direction: (0,0) east carries 320 + 64 B.
    CHECK(outcome.components[parts.mesh.position()].busy_max == Picoseconds(12 * kCycle));
    // On the path: 10 + 2 cycles of links, 4 + 2 of hops.
    CHECK(outcome.layers[0].bound_by == Bound::interconnect);
    CHECK(outcome.layers[0].exposed == Picoseconds(18 * kCycle));
}

TEST_CASE("tracer: a transfer on two of its links slows a whole tree to its share") {
    // Beside the multicast, (0, 0) sends 320 B to (2, 0): both want inject and the two east links
    // of row 0. Each gets 16 B a cycle, the tree on all its links: both are sent at 20. The far
    // corner has it at 24, (2, 0) at 22.
    const Parts parts;
    const std::vector<LinkUse> path = {{parts.link(0, 0, Direction::inject), Bytes(320)},
                                       {parts.link(0, 0, Direction::east), Bytes(320)},
                                       {parts.link(1, 0, Direction::east), Bytes(320)}};
    const Outcome outcome = beside_a_tree(parts, path, 2);
    CHECK(outcome.layers[0].end == Picoseconds(24 * kCycle));
    CHECK(outcome.layers[1].end == Picoseconds(22 * kCycle));
    CHECK(outcome.layers[0].queued == Picoseconds(10 * kCycle));
    CHECK(outcome.layers[1].queued == Picoseconds(10 * kCycle));
}

TEST_CASE("tracer: transfers on other links of the mesh do not disturb a tree") {
    const Parts parts;
    const std::vector<LinkUse> back = {{parts.link(2, 2, Direction::inject), Bytes(640)},
                                       {parts.link(2, 2, Direction::west), Bytes(640)}};
    const Outcome outcome = beside_a_tree(parts, back, 1);
    CHECK(outcome.layers[0].end == Picoseconds(14 * kCycle));
    CHECK(outcome.layers[1].end == Picoseconds(21 * kCycle));
}
