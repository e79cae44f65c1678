// SPDX-License-Identifier: Apache-2.0
// Turns of a layer that are written down once are those that would have been written down.
#include "arch/tiling/equal_turns.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "arch/mapper.hpp"
#include "arch/step_loops.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

Program mapped(const Network& network, const Machine& machine, bool repetition,
               std::int64_t rounds) {
    MapperOptions options;
    options.rounds = rounds;
    options.repetition = repetition;
    options.effort = Effort::quick;
    return map_network(network, machine, options).program;
}

/// Everything of a step that the analytic engine can tell, but for what a mask counts.
std::string text(const Program& program, const Step& step) {
    std::string line = std::to_string(step.layer.value) + " item " + std::to_string(step.item) +
                       " unit " + std::to_string(step.body->unit.value) + " edge " +
                       std::to_string(static_cast<int>(step.body->edge));
    for (const TokenWait& wait : step.waits) {
        line +=
            " waits " + program.tokens[wait.token.position()] + " " + std::to_string(wait.count);
    }
    for (const TokenPost& post : step.posts) {
        line += " posts " + program.tokens[post.token.position()];
    }
    for (const OccupancyChange& change : step.body->occupancy) {
        line += " holds " + std::to_string(change.reserved - change.released);
    }
    if (const auto* move = std::get_if<Move>(&step.body->what)) {
        line += " moves " + std::to_string(move->delivered.count());
        for (const LinkUse& use : move->links) {
            line +=
                " over " + std::to_string(use.link.value) + " " + std::to_string(use.bytes.count());
        }
        for (const DramAccess& access : move->dram) {
            line += " dram " + std::to_string(access.pieces) + " x " +
                    std::to_string(access.piece.count()) + " every " +
                    std::to_string(access.stride);
        }
    } else {
        const auto& compute = std::get<Compute>(step.body->what);
        line += " computes " + std::to_string(compute.occupies.count()) + " of " +
                std::to_string(compute.lanes_occupied.count());
    }
    return line;
}

struct Walk {
    std::vector<std::string> steps;
    std::map<ActionKey, std::int64_t> counts;
};

/// All that an agent is handed, and all that is counted.
Walk walk(const Program& program) {
    Walk all;
    const auto source = program.make_source();
    for (std::size_t agent = 0; agent < program.agents.size(); ++agent) {
        Next next;
        for (source->next(AgentId(agent), Picoseconds(0), next); next.kind == Next::Kind::step;
             source->next(AgentId(agent), Picoseconds(0), next)) {
            all.steps.push_back(text(program, next.step));
            for (const ActionCount& action : next.step.body->actions) {
                all.counts[program.actions.key(action.row)] += action.count;
            }
            next.kind = Next::Kind::done;
        }
    }
    return all;
}

std::size_t loops(const Program& program) {
    const auto source = program.make_source();
    return source->loops()->has_loops() ? 1 : 0;
}

std::string image(int rows, int columns, int channels, const std::string& layers) {
    return "network: drawn\nprecision: int8\ninputs: {x: [" + std::to_string(channels) + ", " +
           std::to_string(rows) + ", " + std::to_string(columns) + "]}\nlayers:\n" + layers;
}

}  // namespace

TEST_CASE("A layer's turns that are written down once are those that it has", "[slow]") {
    const std::vector<std::string> networks = {
        image(96, 40, 16,
              "  - {name: a, op: conv, out_channels: 24, kernel: 5, padding: 2}\n"
              "  - {name: b, op: relu}\n"
              "  - {name: c, op: conv, out_channels: 16, kernel: 3, stride: 2, padding: 1}\n"
              "  - {name: d, op: max_pool, kernel: 3, stride: 2, padding: 1}\n"),
        image(150, 30, 8,
              "  - {name: a, op: conv, out_channels: 8, kernel: 7, stride: 1, padding: 3}\n"
              "  - {name: b, op: conv, out_channels: 8, groups: 8, kernel: 3, padding: 1}\n"
              "  - {name: c, op: add, inputs: [a, b]}\n"),
        "network: rows\nprecision: int8\ninputs: {x: [300, 32]}\nlayers:\n"
        "  - {name: n, op: rms_norm}\n"
        "  - {name: q, op: linear, out_features: 32, heads: 4}\n"
        "  - {name: k, op: linear, inputs: n, out_features: 32, heads: 4}\n"
        "  - {name: v, op: linear, inputs: n, out_features: 32, heads: 4}\n"
        "  - {name: a, op: attention, inputs: [q, k, v], causal: true}\n"
        "  - {name: o, op: linear, out_features: 96, merge_heads: true}\n"
        "  - {name: g, op: gelu}\n"};
    int folded = 0;
    for (const std::string& text_of_network : networks) {
        INFO(text_of_network);
        const Network network = test::network_of_text(text_of_network);
        for (const char* buffer : {"6 KiB", "16 KiB", "48 KiB", "256 KiB"}) {
            INFO(buffer);
            const Machine machine = test::shipped_machine(
                "tiny_von_neumann", {{"components.global_buffer.capacity", buffer}});
            for (const std::int64_t rounds : {1, 3}) {
                const Program all = mapped(network, machine, false, rounds);
                const Program some = mapped(network, machine, true, rounds);
                REQUIRE_FALSE(some.repetition.has_value());
                folded += loops(some) > 0 ? 1 : 0;
                CHECK(loops(all) == 0);
                const Walk of_all = walk(all);
                const Walk of_some = walk(some);
                REQUIRE(of_some.steps.size() == of_all.steps.size());
                const auto [some_step, step] =
                    std::mismatch(of_some.steps.begin(), of_some.steps.end(), of_all.steps.begin());
                if (step != of_all.steps.end()) {  // the first alone says enough
                    CHECK(*some_step == *step);
                }
                CHECK((of_some.counts == of_all.counts));
            }
        }
    }
    CHECK(folded >= 8);
}

}  // namespace memwall
