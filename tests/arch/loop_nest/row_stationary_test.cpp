// SPDX-License-Identifier: Apache-2.0
// Row-stationary arrays: what a pass takes, what gated zeros leave out, what a code of runs saves.
#include "arch/loop_nest/row_stationary.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "arch/estimate.hpp"
#include "arch/executor.hpp"
#include "arch/loop_nest/given_nest.hpp"
#include "arch/loop_nest/nest_counts.hpp"
#include "arch/mapper.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;

/// Two passes of two filters each: three rows of elements for the kernel, three columns for the
/// rows of results.
constexpr const char* kTwoPasses =
    "mapping: two_passes\nlayers:\n  conv:\n    global_buffer: {loops: [{K: 2}]}\n"
    "    filter_buffer:\n      loops: [{Q: 3}]\n"
    "      spatial: [{R: {steps: 3, axis: rows}}, {P: {steps: 3, axis: columns}}]\n"
    "    sum_pad: {loops: [{C: 2}, {S: 3}, {K: 2}]}\n";

YamlValue yaml(const std::string& text) {
    Diagnostics faults;
    YamlValue root = read_yaml_text(text, "test.yaml", faults);
    faults.throw_if_any();
    return root;
}

Network small_conv(const std::string& input) {
    return test::network_of_text(
        "network: n\nprecision: w16a16o16\ninputs: {x: {shape: [2, 5, 5]" + input +
        "}}\nlayers: [{name: conv, op: conv, out_channels: 4, kernel: 3, bias: false}]\n");
}

/// What the program of the two passes counts, by component, action and tensor.
std::map<std::string, std::int64_t> counted(const Network& network, const Machine& machine) {
    MapperOptions options;
    options.given = yaml(kTwoPasses);
    options.rounds = 1;
    const Mapping mapping = map_network(network, machine, options);
    const Outcome outcome = estimate(mapping.program, machine, Window{0});
    std::map<std::string, std::int64_t> counts;
    for (std::size_t r = 0; r < mapping.program.actions.size(); ++r) {
        const ActionKey& key = mapping.program.actions.key(RowId(r));
        counts[machine.component(key.component).name + " " + name(key.action) + " " +
               name(key.tensor)] += outcome.counts[r];
    }
    return counts;
}

}  // namespace

TEST_CASE("A pass takes its weights and first inputs, then as long as its busiest network") {
    const Machine machine = test::shipped_machine("eyeriss");
    const Network network = small_conv("");
    const NestHierarchy hierarchy(machine);
    const LayerId conv = network.find_layer("conv");
    const LoopNest nest = read_given_nests(yaml(kTwoPasses), network, hierarchy).at(conv);
    const Layer& layer = network.layer(conv);
    const NestCounts counts = count_nest(layer.space, nest, hierarchy.machine_for(layer));
    CHECK(counts.folds == 2);
    CHECK(counts.steps == 2 * 3 * 2 * 3 * 2);
    // 72 weights at 4 a cycle; 5 rows x 3 columns x 2 channels at 1 a cycle, twice.
    CHECK(counts.ramp == 18 + 2 * 30);
    // Elements along a diagonal share a row of inputs, a window keeps two of its three columns; of
    // the second pass the first window's last column is still there.
    CHECK(counts.boundary(0, 1).reads == 50 + 40);
    CHECK(counts.boundary(0, 1).deliveries == 9 * (10 + 8));
    // These take longer than the 72 steps, and than 36 sums at 4 a cycle.
    CHECK(counts.array_cycles == 90 + 78);
    // A column's elements add on the way up: one sum leaves for each result and pass.
    CHECK(counts.boundary(2, 1).updates == 36);
    CHECK(counts.boundary(2, 1).drains == 3 * 36);
}

TEST_CASE("Axes are of the instances that lie below one of the memory above") {
    const Machine machine = test::shipped_machine(
        "timeloop_eyeriss_like",
        {{"components.ifmap_spad.axes", "{columns: {size: 14}, rows: {size: 12}}"}});
    CHECK_THROWS_WITH(NestHierarchy(machine),
                      Catch::Contains("axes of 'ifmap_spad' for the 1 that lie below each "
                                      "'weights_spad', not for 168"));
}

TEST_CASE("Resident activations lie whole, in one memory") {
    const Machine machine = test::shipped_machine("tpu_v1");
    const Network network = test::network_of_text(
        "network: n\ninputs: {x: [512]}\nlayers: [{name: fc, op: linear, out_features: 512}]\n");
    const auto cut = [&](const char* level) {
        const std::string text = std::string("mapping: m\nlayers: {fc: {") + level +
                                 ": {loops: [{K: 2}]}, accumulators: {loops: [{C: 2}], spatial: "
                                 "[{C: 256}, {K: 256}]}}}\n";
        return read_given_nests(yaml(text), network, NestHierarchy(machine));
    };
    CHECK_NOTHROW(cut("unified_buffer"));
    CHECK_THROWS_WITH(cut("dram"), Catch::Contains("layer 'fc' is cut above 'unified_buffer', "
                                                   "where its inputs and results stay whole"));
    const Machine several =
        test::shipped_machine("tiny_loop_nest", {{"components.core_buffer.resident", "true"}});
    CHECK_THROWS_WITH(NestHierarchy(several),
                      Catch::Contains("one instance of 'core_buffer', since activations are "
                                      "resident"));
}

TEST_CASE("A gated zero is read, but neither multiplied nor are its weight and sum touched") {
    const Machine machine = test::shipped_machine("eyeriss");
    auto dense = counted(small_conv(""), machine);
    auto sparse = counted(small_conv(", density: 0.25"), machine);
    CHECK(dense["array mac outputs"] == 648);
    CHECK(dense["array gated_mac outputs"] == 0);
    CHECK(sparse["array mac outputs"] == 162);
    CHECK(sparse["array gated_mac outputs"] == 486);
    CHECK(sparse["input_pad read inputs"] == dense["input_pad read inputs"]);
    CHECK(sparse["filter_pad read weights"] == 162 * 2);
    CHECK(dense["filter_pad read weights"] == 648 * 2);
    CHECK(sparse["sum_pad read partial_sums"] < dense["sum_pad read partial_sums"]);
    const Machine plain =
        test::shipped_machine("eyeriss", {{"components.array.zero_gating", "false"}});
    CHECK(counted(small_conv(", density: 0.25"), plain)["array mac outputs"] == 648);
}

TEST_CASE("Activations are coded off the chip where their zeros are stated, weights are not") {
    const Machine machine = test::shipped_machine("eyeriss");
    auto dense = counted(small_conv(""), machine);
    auto sparse = counted(small_conv(", density: 0.25"), machine);
    CHECK(dense["dram read inputs"] == 100);
    // A pair of 64 / 3 bits for (1 - 0.75^32) / 0.25 words of 16 bits: a third.
    CHECK(sparse["dram read inputs"] == 34);
    CHECK(sparse["dram read weights"] == dense["dram read weights"]);
    CHECK(sparse["global_buffer write inputs"] == 100);
}

TEST_CASE("The share that a run-length code leaves is what coding drawn words gives") {
    const RunLengthCode code{5, 64.0 / 3};
    CHECK(code.share(0, Precision::int16) == 1);
    CHECK(code.share(0.1, Precision::int16) == 1);  // would be longer than the words
    CHECK(code.share(1, Precision::int16) == Approx(64.0 / 3 / 32 / 16));
    Draw draw(7);
    for (const std::int64_t zeros : {40, 60, 75, 90, 99}) {
        constexpr std::int64_t kWords = 200'000;
        std::int64_t pairs = 0;
        std::int64_t run = 0;
        for (std::int64_t word = 0; word < kWords; ++word) {
            const bool zero = draw.chance(zeros);
            const bool ends = !zero || run == 31;  // the value that ends a full run may be zero
            pairs += ends ? 1 : 0;
            run = ends ? 0 : run + 1;
        }
        const double bits = static_cast<double>(pairs) * code.pair_bits;
        INFO(zeros << " % zeros");
        CHECK(code.share(static_cast<double>(zeros) / 100, Precision::int16) ==
              Approx(bits / (kWords * 16.0)).epsilon(0.01));
    }
}

TEST_CASE("Every generated layer computes what it is on a row-stationary array") {
    std::int64_t proved = 0;
    for (std::uint32_t seed = 3001; seed <= 3080; ++seed) {
        Draw draw(seed);
        const test::Generated generated = test::generated_layer(draw);
        const Network network = with_batch(generated.network, draw(1, 3));
        const std::string pad = std::to_string(draw.one_of<std::int64_t>({8, 16, 48})) + " B";
        const std::string buffer = std::to_string(draw.one_of<std::int64_t>({256, 1024, 8192}));
        const Machine machine =
            test::shipped_machine("eyeriss", {{"components.input_pad.capacity", pad},
                                              {"components.sum_pad.capacity", pad},
                                              {"components.global_buffer.capacity", buffer + " B"},
                                              {"components.global_buffer.bank", buffer + " B"}});
        MapperOptions options;
        options.effort = Effort::quick;
        options.rounds = 2;
        options.images = true;
        INFO("seed " << seed << "\n" << generated.yaml);
        try {
            const Mapping mapping = map_network(network, machine, options);
            ExecutionOptions execution;
            execution.seed = seed;
            CHECK(execute(network, machine, mapping.program, execution).outputs > 0);
            ++proved;
        } catch (const InputError&) {
            // Some layer does not fit the drawn memories, or has no place in a loop nest.
        }
    }
    CHECK(proved >= 40);
}

}  // namespace memwall
