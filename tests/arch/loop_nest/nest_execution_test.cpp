// SPDX-License-Identifier: Apache-2.0
// Programs of loop nests, executed on integers: every output word is what its layer defines.
#include <catch2/catch.hpp>

#include "arch/estimate.hpp"
#include "arch/executor.hpp"
#include "arch/mapper.hpp"
#include "tests/support/generated_forms.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::Generated;
using test::Overrides;

std::string bytes(std::int64_t count) {
    return std::to_string(count) + " B";
}

Machine drawn_machine(Draw& draw, Overrides overrides = {}) {
    const std::int64_t cores = draw.one_of<std::int64_t>({1, 2, 3, 4, 6});
    for (const char* part : {"core_buffer", "array", "vector"}) {
        overrides.emplace_back(std::string("components.") + part + ".instances",
                               std::to_string(cores));
    }
    const std::int64_t core = draw.one_of<std::int64_t>({96, 200, 600, 4096});
    const std::int64_t buffer = draw.one_of<std::int64_t>({300, 700, 2000, 16384});
    for (const auto& [part, size] : {std::pair{"core_buffer", core}, {"buffer", buffer}}) {
        overrides.emplace_back(std::string("components.") + part + ".capacity", bytes(size));
        overrides.emplace_back(std::string("components.") + part + ".bank", bytes(size));
    }
    overrides.emplace_back("components.core_buffer.spatial_sums",
                           draw.chance(60) ? "true" : "false");
    overrides.emplace_back("components.core_buffer.multicast", draw.chance(70) ? "true" : "false");
    return test::shipped_machine("tiny_loop_nest", overrides);
}

/// The same with a systolic array, which packs what is laid out on it or does not.
Overrides systolic_array(Draw& draw) {
    const auto side = [&] { return std::to_string(draw.one_of<std::int64_t>({1, 2, 4, 5})); };
    const std::string dataflow =
        draw.one_of<std::string>({"weight_stationary", "input_stationary", "output_stationary"});
    std::string array = "{rows: " + side() + ", columns: " + side() + "}";
    Overrides overrides = {{"components.array.dataflow", dataflow},
                           {"components.array.lanes.int8", array},
                           {"components.array.packs_window", draw.chance(70) ? "true" : "false"}};
    if (dataflow != "output_stationary") {
        overrides.emplace_back("components.array.loads_ahead", draw.chance(30) ? "true" : "false");
    }
    return overrides;
}

struct Proved {
    std::int64_t mapped = 0;
    std::int64_t refused = 0;
    std::int64_t sums_back = 0;
    std::int64_t epilogues = 0;
};

void prove(const Generated& generated, const Network& network, const Machine& machine,
           std::uint32_t seed, MappingObjective objective, Proved& proved) {
    MapperOptions options;
    options.effort = Effort::quick;
    options.objective = objective;
    options.rounds = 3;
    options.loops = true;
    options.images = true;
    Mapping mapping;
    try {
        mapping = map_network(network, machine, options);
    } catch (const InputError&) {
        ++proved.refused;
        return;
    }
    ++proved.mapped;
    INFO("seed " << seed << "\n" << generated.yaml);
    for (const LayerMapping& layer : mapping.layers) {
        UNSCOPED_INFO(layer.loops);
    }
    ExecutionOptions execution;
    execution.seed = seed;
    execution.buffered = {{machine.find("core_buffer"), 2}};
    try {
        CHECK(execute(network, machine, mapping.program, execution).outputs > 0);
    } catch (const InternalError& error) {
        FAIL_CHECK(error.what());
    }
    estimate(mapping.program, machine, Window{0},
             [&](AgentId agent, const Step&, const StepTimes&) {
                 const std::string& who = mapping.program.agents[agent.position()].name;
                 proved.sums_back += who.rfind("sums back", 0) == 0 ? 1 : 0;
                 proved.epilogues += who == "epilogue" ? 1 : 0;
             });
}

MappingObjective drawn_objective(Draw& draw) {
    return draw.one_of<MappingObjective>(
        {MappingObjective::latency, MappingObjective::energy, MappingObjective::traffic});
}

}  // namespace

TEST_CASE("Every generated layer that is mapped as a loop nest computes what the layer is") {
    Proved proved;
    for (std::uint32_t seed = 1; seed <= 150; ++seed) {
        Draw draw(seed);
        const Generated generated = test::generated_layer(draw);
        const MappingObjective objective = drawn_objective(draw);
        prove(generated, with_batch(generated.network, draw(1, 3)), drawn_machine(draw), seed,
              objective, proved);
    }
    CHECK(proved.mapped >= 100);
    CHECK(proved.sums_back > 20);
}

TEST_CASE("Every generated layer computes what it is on systolic arrays, packed or not") {
    Proved proved;
    for (std::uint32_t seed = 2001; seed <= 2150; ++seed) {
        Draw draw(seed);
        const Generated generated = test::generated_layer(draw);
        const MappingObjective objective = drawn_objective(draw);
        const Overrides array = systolic_array(draw);
        prove(generated, with_batch(generated.network, draw(1, 3)), drawn_machine(draw, array),
              seed, objective, proved);
    }
    CHECK(proved.mapped >= 100);
    CHECK(proved.sums_back > 20);
}

TEST_CASE("Resident activations never go to the dram, and every layer computes what it is") {
    Proved proved;
    for (std::uint32_t seed = 4001; seed <= 4060; ++seed) {
        Draw draw(seed);
        const Generated generated = test::generated_network(draw, static_cast<int>(draw(1, 4)));
        const Network network = with_batch(generated.network, draw(1, 3));
        const Machine machine = drawn_machine(draw, {{"components.buffer.resident", "true"}});
        prove(generated, network, machine, seed, drawn_objective(draw), proved);
        MapperOptions options;
        options.effort = Effort::quick;
        try {
            const Mapping mapping = map_network(network, machine, options);
            for (std::size_t r = 0; r < mapping.program.actions.size(); ++r) {
                const ActionKey& key = mapping.program.actions.key(RowId(r));
                const bool weights =
                    key.tensor == TensorRole::weights || key.tensor == TensorRole::state;
                CHECK((key.component != mapping.outermost || weights));
            }
        } catch (const InputError&) {
            // Its activations do not fit.
        }
    }
    CHECK(proved.mapped >= 20);
}

TEST_CASE("Every generated network that is mapped as loop nests computes what its layers are") {
    Proved proved;
    for (std::uint32_t seed = 1001; seed <= 1060; ++seed) {
        Draw draw(seed);
        const Generated generated = test::generated_network(draw, static_cast<int>(draw(1, 4)));
        prove(generated, with_batch(generated.network, draw(1, 3)), drawn_machine(draw), seed,
              MappingObjective::energy, proved);
    }
    CHECK(proved.mapped >= 40);
    CHECK(proved.epilogues > 20);
}

}  // namespace memwall
