// SPDX-License-Identifier: Apache-2.0
#include "arch/executor.hpp"
#include "arch/spatial/layer_plan.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/step_image.hpp"
#include "tests/support/generated_forms.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::Generated;
using test::Overrides;

/// What the mappings of many cases had in them.
struct Seen {
    std::int64_t mapped = 0;
    std::int64_t refused = 0;
    std::int64_t several_passes = 0;
    std::int64_t reductions = 0;
    std::int64_t stores = 0;
    std::int64_t streamed_weights = 0;
    std::int64_t multicasts = 0;
    std::int64_t epilogues = 0;
};

std::string bytes(std::int64_t count) {
    return std::to_string(count) + " B";
}

Machine tiling_machine(Draw& draw, bool roomy) {
    const std::int64_t cores = draw.one_of<std::int64_t>({1, 2, 3, 4, 6});
    Overrides overrides;
    for (const char* part : {"operand_buffer", "accumulators", "array", "vector"}) {
        overrides.emplace_back(std::string("components.") + part + ".instances",
                               std::to_string(cores));
    }
    const std::int64_t operands = roomy ? draw.one_of<std::int64_t>({600, 4096})
                                        : draw.one_of<std::int64_t>({48, 96, 200, 600, 4096});
    overrides.emplace_back("components.operand_buffer.capacity", bytes(operands));
    overrides.emplace_back("components.operand_buffer.bank", bytes(operands));
    overrides.emplace_back("components.accumulators.capacity",
                           bytes(roomy ? 256 : draw.one_of<std::int64_t>({16, 64, 256})));
    const std::int64_t buffer = draw.one_of<std::int64_t>({128, 300, 700, 2000, 16384});
    overrides.emplace_back("components.global_buffer.capacity", bytes(buffer));
    overrides.emplace_back("components.global_buffer.bank", bytes(buffer));
    overrides.emplace_back("components.array.packs_window", draw.chance(50) ? "true" : "false");
    return draw.chance(75) ? test::shipped_machine("tiny_von_neumann", overrides)
                           : test::machine_without_host("tiny_von_neumann", overrides);
}

Machine drawn_tiling_machine(Draw& draw) {
    return tiling_machine(draw, false);
}

/// With buffers of the cores that hold whole rows, which some functions need.
Machine roomy_tiling_machine(Draw& draw) {
    return tiling_machine(draw, true);
}

Machine drawn_spatial_machine(Draw& draw) {
    const std::int64_t columns = draw(1, 3);
    const std::int64_t rows = draw(1, 3);
    Overrides overrides;
    for (const char* part : {"core_memory", "weight_buffer", "accumulators", "array", "vector"}) {
        overrides.emplace_back(std::string("components.") + part + ".instances",
                               std::to_string(columns * rows));
    }
    for (const char* mesh :
         {"model_network", "activation_network", "partial_sum_network", "instruction_network"}) {
        const std::string part = std::string("components.") + mesh;
        overrides.emplace_back(part + ".columns", std::to_string(columns));
        overrides.emplace_back(part + ".rows", std::to_string(rows));
    }
    overrides.emplace_back("components.core_memory.capacity", "64 KiB");
    overrides.emplace_back("components.weight_buffer.capacity",
                           bytes(draw.one_of<std::int64_t>({8, 32, 256})));
    overrides.emplace_back("components.accumulators.capacity", "4 KiB");
    return test::shipped_machine("tiny_northpole", overrides);
}

/// What the mappers' rings let each buffer hold at once.
std::vector<BufferedMemory> buffered(const Machine& machine) {
    const bool spatial = machine.parts().mapper == "spatial";
    std::vector<BufferedMemory> found;
    if (spatial) {
        found.push_back({machine.find("weight_buffer"), kWeightSlots});
    } else {
        found.push_back({machine.find("operand_buffer"), 2});
    }
    found.push_back({machine.find("accumulators"), spatial ? kOutputChunks : 2});
    return found;
}

void note(const Program& program, const Machine& machine, Seen& seen) {
    const auto observe = [&](AgentId agent, const Step& step, const StepTimes&) {
        const std::string& name = program.agents[agent.position()].name;
        seen.reductions += name == "reduce" || name == "partial sums" ? 1 : 0;
        seen.stores += name == "store" ? 1 : 0;
        seen.streamed_weights += name == "fetch weights" && step.layer.valid() ? 1 : 0;
        seen.epilogues += name == "epilogue" ? 1 : 0;
        seen.several_passes += name == "compute" ? 1 : 0;
        if (step.body->image) {
            for (const MovePiece& piece : step.body->image->moves) {
                seen.multicasts += piece.to.size() > 1 ? 1 : 0;
            }
        }
    };
    estimate(program, machine, Window{0}, observe);
}

/// Maps and executes; a network that does not fit is counted and left out.
void prove(const Generated& generated, const Network& network, const Machine& machine,
           std::uint32_t seed, Seen& seen) {
    MapperOptions options;
    options.effort = Effort::quick;
    options.rounds = 3;
    options.images = true;
    Mapping mapping;
    try {
        mapping = map_network(network, machine, options);
    } catch (const InputError&) {
        ++seen.refused;
        return;
    }
    ++seen.mapped;
    INFO("seed " << seed << ", machine " << machine.name() << ", batch " << network.batch() << "\n"
                 << generated.yaml);
    CAPTURE(machine.component(machine.find("array")).instances);
    const Network round = with_batch(network, mapping.sub_batch);
    ExecutionOptions execution;
    execution.seed = seed;
    execution.buffered = buffered(machine);
    try {
        const ExecutionReport report = execute(round, machine, mapping.program, execution);
        CHECK(report.outputs > 0);
        note(mapping.program, machine, seen);
    } catch (const InternalError& error) {
        FAIL_CHECK(error.what());
    }
}

/// Proves what `generate` makes of each seed, at a drawn batch on a drawn machine.
Seen prove_all(std::uint32_t first, std::uint32_t last,
               const std::function<Generated(Draw&)>& generate,
               const std::function<Machine(Draw&)>& draw_machine) {
    Seen seen;
    for (std::uint32_t seed = first; seed <= last; ++seed) {
        Draw draw(seed);
        const Generated generated = generate(draw);
        const Machine machine = draw_machine(draw);
        prove(generated, with_batch(generated.network, draw(1, 3)), machine, seed, seen);
    }
    return seen;
}

/// A chain of up to four blocks.
Generated some_network(Draw& draw) {
    return test::generated_network(draw, static_cast<int>(draw(1, 4)));
}

}  // namespace

TEST_CASE("Every generated layer that the tiling mapper maps computes what the layer is") {
    const Seen seen = prove_all(1, 150, test::generated_layer, drawn_tiling_machine);
    CHECK(seen.mapped >= 60);
    CHECK(seen.reductions > 20);
    CHECK(seen.stores > 20);
    CHECK(seen.streamed_weights > 20);
}

TEST_CASE("Every generated network that the tiling mapper maps computes what its layers are") {
    const Seen seen = prove_all(1001, 1080, some_network, drawn_tiling_machine);
    CHECK(seen.mapped >= 30);
    CHECK(seen.epilogues > 20);
    CHECK(seen.stores > 20);
}

TEST_CASE("Attention, its cache and mixtures compute what they are on a tiled machine") {
    const Seen seen = prove_all(
        5001, 5120,
        [](Draw& draw) {
            const std::int64_t kind = draw(1, 3);
            return kind == 3 ? test::generated_mixture(draw)
                             : test::generated_attention(draw, kind == 2);
        },
        roomy_tiling_machine);
    CHECK(seen.mapped >= 40);
    CHECK(seen.stores > 20);
    CHECK(seen.streamed_weights > 20);
}

TEST_CASE("Attention with and without a cache computes what it is on a mesh of cores") {
    const Seen seen = prove_all(
        6001, 6120, [](Draw& draw) { return test::generated_attention(draw, draw.chance(70)); },
        drawn_spatial_machine);
    CHECK(seen.mapped >= 110);
    CHECK(seen.reductions > 100);
}

TEST_CASE("Rows of a table are drawn from core to core on a mesh") {
    const Seen seen = prove_all(8001, 8060, test::generated_embedding, drawn_spatial_machine);
    CHECK(seen.mapped >= 55);
    CHECK(seen.reductions > 10);
}

TEST_CASE("Mixtures compute what they are on a mesh of cores that divide tokens by expert") {
    const Seen seen = prove_all(8201, 8260, test::generated_mixture, drawn_spatial_machine);
    CHECK(seen.mapped >= 55);
    CHECK(seen.reductions > 10);
}

TEST_CASE("A row that is normalised over in several cores is whole in each of their answers") {
    Seen seen;
    for (std::uint32_t seed = 8101; seed <= 8140; ++seed) {
        Draw draw(seed);
        Generated generated;
        generated.yaml = "network: row\ninputs: {x: [" + std::to_string(draw(1, 2)) + ", " +
                         std::to_string(draw(40, 90)) + "]}\nlayers:\n- {name: n, op: " +
                         draw.one_of<std::string>({"softmax", "rms_norm", "layer_norm"}) + "}\n";
        generated.network = test::network_of_text(generated.yaml);
        prove(generated, generated.network, drawn_spatial_machine(draw), seed, seen);
    }
    CHECK(seen.mapped == 40);
    CHECK(seen.reductions > 40);
}

TEST_CASE("Every generated layer that the spatial mapper maps computes what the layer is") {
    const Seen seen = prove_all(2001, 2100, test::generated_layer, drawn_spatial_machine);
    CHECK(seen.mapped >= 90);
    CHECK(seen.reductions > 20);
    CHECK(seen.multicasts > 20);
}

TEST_CASE("Every generated network that the spatial mapper maps computes what its layers are") {
    const Seen seen = prove_all(3001, 3050, some_network, drawn_spatial_machine);
    CHECK(seen.mapped >= 40);
    CHECK(seen.epilogues > 20);
}

TEST_CASE("Every form of layer that the tiling mapper maps computes what the layer is") {
    const Seen seen = prove_all(5001, 5200, test::generated_form, drawn_tiling_machine);
    CHECK(seen.mapped >= 80);
    CHECK(seen.reductions > 10);
    CHECK(seen.epilogues > 20);
}

TEST_CASE("Every form of layer that the spatial mapper maps computes what the layer is") {
    const Seen seen = prove_all(6001, 6150, test::generated_form, drawn_spatial_machine);
    CHECK(seen.mapped >= 120);
    CHECK(seen.reductions > 10);
    CHECK(seen.epilogues > 20);
}

TEST_CASE("What is normalised over whole rows or images finds them in one core") {
    Seen seen;
    const Machine tiling =
        test::shipped_machine("tiny_von_neumann", {{"components.operand_buffer.capacity", "4 KiB"},
                                                   {"components.accumulators.capacity", "4 KiB"}});
    for (std::uint32_t seed = 7001; seed <= 7060; ++seed) {
        Draw draw(seed);
        const Generated generated = test::generated_normalisation(draw);
        const Network network = with_batch(generated.network, draw(1, 3));
        prove(generated, network, tiling, seed, seen);
        prove(generated, network, drawn_spatial_machine(draw), seed, seen);
    }
    CHECK(seen.mapped >= 110);
}

TEST_CASE("Layers of three and four operands are fed and joined on both machines") {
    Seen seen;
    Generated generated;
    generated.yaml =
        "network: joins\ninputs: {a: [2, 4, 4], b: [2, 4, 4], c: [2, 4, 4], d: [2, 4, 4]}\n"
        "layers:\n"
        "- {name: sum, op: add, inputs: [a, b, c]}\n"
        "- {name: all, op: concat, inputs: [a, b, sum, a]}\n"
        "- {name: conv, op: conv, inputs: [all], out_channels: 2, kernel: 3, padding: 1}\n"
        "- {name: more, op: add, inputs: [conv, a, b, d]}\n"
        "- {name: other, op: relu, inputs: [sum]}\n"
        "- {name: product, op: mul, inputs: [more, other]}\n";
    generated.network = test::network_of_text(generated.yaml);
    for (std::uint32_t seed = 4001; seed <= 4012; ++seed) {
        Draw draw(seed);
        prove(generated, generated.network, drawn_tiling_machine(draw), seed, seen);
        prove(generated, generated.network, drawn_spatial_machine(draw), seed, seen);
    }
    CHECK(seen.mapped >= 16);
}

TEST_CASE("What layers read of an output leaves the machine with it") {
    Seen seen;
    Generated generated;
    generated.yaml =
        "network: both\ninputs: {x: [2, 4, 4]}\nlayers:\n"
        "- {name: first, op: conv, out_channels: 3, kernel: 1}\n"
        "- {name: second, op: conv, out_channels: 2, kernel: 3, padding: 1}\n"
        "- {name: all, op: concat, inputs: [first, second]}\n";
    generated.network = test::network_of_text(generated.yaml);
    for (std::uint32_t seed = 4101; seed <= 4112; ++seed) {
        Draw draw(seed);
        const Network network = with_batch(generated.network, draw(1, 3));
        prove(generated, network, drawn_tiling_machine(draw), seed, seen);
        prove(generated, network, drawn_spatial_machine(draw), seed, seen);
    }
    CHECK(seen.mapped >= 16);
}

}  // namespace memwall
