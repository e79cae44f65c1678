// SPDX-License-Identifier: Apache-2.0
// The mappers of loop nests and of tiles choose by the replay on a DRAM with rows, where little is
// to run or effort is thorough.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/objective_value.hpp"
#include "arch/outcome_figures.hpp"
#include "sim/replay_engine.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

using test::Draw;

Machine drawn_machine(Draw& draw) {
    const std::string type = draw.one_of<std::string>({"round", "ddr4", "lpddr4", "hbm2"});
    return test::shipped_machine(
        "tiny_loop_nest",
        {{"components.dram.type", type},
         {"components.buffer.capacity", fmt::format("{} KiB", std::int64_t{8} << draw(0, 3))},
         {"components.core_buffer.capacity", fmt::format("{} KiB", std::int64_t{1} << draw(0, 2))},
         {"components.bus.width", fmt::format("{} B", std::int64_t{4} << draw(0, 3))}});
}

/// A convolution whose words lie row by row, mostly of each channel alone.
Network drawn_network(Draw& draw) {
    const std::int64_t channels = 8 * draw(1, 4);
    const std::int64_t side = draw(7, 20);
    const std::int64_t groups = draw.chance(60) ? channels : 1;
    return test::network_of_text(
        fmt::format("network: n\ninputs: {{x: [{0}, {1}, {1}]}}\nlayers: [{{name: l, op: conv, "
                    "out_channels: {0}, groups: {2}, kernel: 3, padding: 1, bias: false}}]\n",
                    channels, side, groups));
}

struct Run {
    OutcomeFigures replayed;
    double estimated = 0;  ///< s, by the analytic engine
};

Run run(const Network& network, const Machine& machine, MappingObjective objective,
        const Replayer& replay, Effort effort = Effort::normal) {
    MapperOptions options;
    options.effort = effort;
    options.objective = objective;
    options.rounds = 1;
    options.replay = replay;
    const Mapping mapping = map_network(network, machine, options);
    const auto figures = [&](const Outcome& outcome) {
        return figures_of(mapping.program, machine, outcome, mapping.outermost);
    };
    return {figures(replay_for_mapper(mapping.program, machine, Window{0})),
            figures(estimate(mapping.program, machine, Window{0})).seconds};
}

}  // namespace

TEST_CASE(
    "Where a DRAM has rows, what is asked for is hardly ever found better by asking otherwise") {
    std::vector<double> factors;
    std::vector<double> engines;
    for (std::uint32_t seed = 1; seed <= 25; ++seed) {
        Draw draw(seed);
        const Machine machine = drawn_machine(draw);
        const Network network = drawn_network(draw);
        std::array<Run, kMappingObjectives.size()> runs;
        std::transform(kMappingObjectives.begin(), kMappingObjectives.end(), runs.begin(),
                       [&](MappingObjective objective) {
                           return run(network, machine, objective, replay_for_mapper);
                       });
        for (std::size_t o = 0; o < runs.size(); ++o) {
            for (const Run& other : runs) {
                const MappingObjective by = kMappingObjectives[o];
                factors.push_back(runs[o].replayed.of(by) / other.replayed.of(by));
            }
        }
        const Run& fastest = runs[static_cast<std::size_t>(MappingObjective::latency)];
        engines.push_back(fastest.replayed.seconds / fastest.estimated);
    }
    const auto above = [](const std::vector<double>& of, double most) {
        return std::count_if(of.begin(), of.end(), [&](double one) { return one > most; });
    };
    CAPTURE(factors, engines);
    CHECK(above(factors, 1.01) <= 4);
    CHECK(above(factors, 1.1) == 0);
    CHECK(above(engines, 1.1) <= 3);
    CHECK(above(engines, 1.25) == 0);
}

TEST_CASE("A depthwise layer is a third faster on a DRAM with rows where the replay is asked") {
    const Network network = test::network_of_text(
        "network: d\ninputs: {image: [32, 20, 20]}\nlayers: [{name: d, op: conv, out_channels: 32, "
        "groups: 32, kernel: 3, padding: 1, bias: false}]\n");
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    const Run asked = run(network, machine, MappingObjective::latency, replay_for_mapper);
    const Run not_asked = run(network, machine, MappingObjective::latency, {});
    CHECK(asked.replayed.seconds * 1.33 < not_asked.replayed.seconds);
    CHECK(asked.replayed.seconds < asked.estimated * 1.15);
}

TEST_CASE("Tiles are never slower on a DRAM with rows where the replay is asked") {
    for (std::uint32_t seed = 1; seed <= 15; ++seed) {
        Draw draw(seed);
        const Machine machine = test::shipped_machine(
            "tiny_von_neumann",
            {{"components.dram.type", draw.one_of<std::string>({"ddr4", "lpddr4", "hbm2"})},
             {"components.global_buffer.capacity",
              fmt::format("{} KiB", std::int64_t{8} << draw(0, 3))}});
        const Network network = drawn_network(draw);
        const Effort effort = draw.chance(50) ? Effort::normal : Effort::thorough;
        const auto seconds = [&](const Replayer& replay) {
            return run(network, machine, MappingObjective::latency, replay, effort)
                .replayed.seconds;
        };
        CAPTURE(seed);
        CHECK(seconds(replay_for_mapper) <= 1.005 * seconds({}));
    }
}

TEST_CASE("A network of many layers is faster with thorough effort where the replay is asked") {
    const Network network = test::shipped_network("vgg16");
    const Machine machine =
        test::shipped_machine("von_neumann", {{"components.dram.type", "lpddr5"},
                                              {"components.dram.stacks", "1"},
                                              {"components.global_buffer.capacity", "2 MiB"}});
    const auto seconds = [&](const Replayer& replay) {
        MapperOptions options;
        options.effort = Effort::thorough;
        options.replay = replay;
        const Mapping mapping = map_network(network, machine, options);
        const Outcome outcome = replay_for_mapper(mapping.program, machine, Window{1});
        return figures_of(mapping.program, machine, outcome, mapping.outermost).seconds;
    };
    CHECK(seconds(replay_for_mapper) * 1.03 < seconds({}));
}

}  // namespace memwall
