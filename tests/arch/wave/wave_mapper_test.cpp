// SPDX-License-Identifier: Apache-2.0
// Kernels on a GPU: their blocks worked out by hand, what the cache leaves for the DRAM, and what
// holds for every mapping.
#include "arch/wave_mapper.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "arch/estimate.hpp"
#include "arch/machine_base.hpp"
#include "arch/wave/block_plan.hpp"
#include "tests/support/machines.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

Network product(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
    return test::product_network("int8", rows, depth, columns);
}

struct Steady {
    Outcome outcome;
    std::map<std::pair<std::string, Action>, std::int64_t> counts;  ///< of a round, by component
    double round = 0;                                               ///< seconds
};

Steady steady(const Network& network, const Machine& machine) {
    MapperOptions options;
    options.rounds = 3;
    const Mapping mapping = map_network(network, machine, options);
    Steady steady;
    steady.outcome = estimate(mapping.program, machine, Window{1});
    for (std::size_t r = 0; r < steady.outcome.counts.size(); ++r) {
        const ActionKey& key = mapping.program.actions.key(RowId(r));
        steady.counts[{machine.component(key.component).name, key.action}] +=
            steady.outcome.counts[r] / 2;
    }
    steady.round = to_seconds(steady.outcome.window_end - steady.outcome.window_start).count() / 2;
    return steady;
}

}  // namespace

TEST_CASE("A layer is seen as the matrix products that it is") {
    const MatrixShape linear = matrix_shape(with_batch(product(10, 64, 32), 3).layers()[0]);
    CHECK(linear.groups == 1);
    CHECK(linear.rows == 30);
    CHECK(linear.columns == 32);
    CHECK(linear.depth == 64);
    const Network conv = test::network_of_text(
        "network: n\nsource: s\ninputs: {x: [16, 8, 8]}\nlayers:\n  - {name: y, op: conv, "
        "out_channels: 32, kernel: 3, padding: 1, groups: 2, bias: false}\n");
    const MatrixShape grouped = matrix_shape(with_batch(conv, 5).layers()[0]);
    CHECK(grouped.groups == 2);
    CHECK(grouped.rows == 5 * 64);
    CHECK(grouped.columns == 16);
    CHECK(grouped.depth == 8 * 9);
    const Network scores = test::network_of_text(
        "network: n\nsource: s\ninputs: {q: [4, 10, 16], k: [4, 12, 16]}\nlayers:\n  - {name: y, "
        "op: matmul, inputs: [q, k], transpose: true}\n");
    const MatrixShape heads = matrix_shape(with_batch(scores, 2).layers()[0]);
    CHECK(heads.groups == 8);
    CHECK(heads.rows == 10);
    CHECK(heads.columns == 12);
    CHECK(heads.depth == 16);
}

TEST_CASE("Blocks and waves of a product, worked out by hand") {
    // 40 cores of 1,024 multiply-accumulates a cycle, all of them of use; 64 elementwise lanes.
    const Machine machine =
        test::shipped_machine("t4", {{"components.tensor_cores.issue_efficiency", "1"},
                                     {"components.l2.read_width", "1 MiB"},
                                     {"components.crossbar.width", "1 MiB"}});
    const Hierarchy gpu(machine, ComponentKind::cache, "wave");
    ProductDemand demand;
    demand.shape = {1, 80 * 128, 128, 4096};
    demand.macs_per_cycle = 1024;
    // 256 x 128: 40 blocks, one a core: 32,768 x 4,096 / 1,024 = 131,072 cycles and the latency of
    // 500. 128 x 128: 80 blocks, two a core at a time: 2 x 65,536 = 131,072, the latency hidden.
    const BlockPlan plan = plan_blocks(demand, gpu, {500});
    CHECK(plan.rows == 128);
    CHECK(plan.columns == 128);
    CHECK(plan.blocks == 80);
    CHECK(plan.resident == 2);
    CHECK(plan.waves == 1);
    CHECK(plan.core_cycles == Approx(131'072));
    // One block more is a wave more, however little it has to do: the latency and 65,536 cycles.
    demand.shape.rows += 1;
    const BlockPlan more = plan_blocks(demand, gpu, {500});
    CHECK(more.core_cycles > plan.core_cycles + 8'000);
    CHECK(more.core_cycles <= Approx(131'072 + 66'036));
}

TEST_CASE(
    "A core's blocks share its memory with those that are there, not with those it could hold") {
    // Results come out faster than slabs come in: what counts is how many of these are under way.
    const Machine machine =
        test::shipped_machine("a100_sxm_80gb", {{"components.l2.read_width", "1 MiB"},
                                                {"components.shared_memory.write_width", "1 KiB"},
                                                {"components.crossbar.width", "1 MiB"}});
    const Hierarchy gpu(machine, ComponentKind::cache, "wave");
    ProductDemand demand;
    demand.shape = {1, 64, 512, 4608};
    demand.macs_per_cycle = 1e9;
    demand.left_bytes = 64 * 4608;
    demand.right_bytes = 512 * 4608;
    // 8 to 16 blocks on 108 cores, one each, with four stages: 4,608 / 64 = 72 slabs of 262 cycles,
    // three under way: 6,288, behind the latency of 500.
    const BlockPlan plan = plan_blocks(demand, gpu, {500});
    CHECK(plan.resident == 1);
    CHECK(plan.core_cycles == Approx(500 + 72 * 262 / 3.0).epsilon(0.001));
}

TEST_CASE("No network is slower with more registers, shared memory or cache") {
    using Changes = std::vector<std::pair<std::string, std::string>>;
    const std::vector<Changes> steps = {
        {{"components.registers.capacity", "512 KiB"}},
        {{"components.shared_memory.capacity", "328 KiB"}},
        {{"components.l2.capacity", "80 MiB"}},
    };
    const auto layers = [](const char* name, std::int64_t batch) {
        return with_batch(test::shipped_network(name), batch);
    };
    const std::vector<Network> networks = {layers("resnet18", 1),     layers("resnet18", 8),
                                           layers("mobilenet_v2", 8), product(64, 4096, 512),
                                           product(1000, 1024, 2000), product(4096, 2048, 4096)};
    for (std::size_t n = 0; n < networks.size(); ++n) {
        const double shipped = steady(networks[n], test::shipped_machine("a100_sxm_80gb")).round;
        for (const Changes& more : steps) {
            INFO("network " << n << ", " << more.front().first);
            const Machine larger = test::shipped_machine("a100_sxm_80gb", more);
            CHECK(steady(networks[n], larger).round <= 1.01 * shipped);
        }
    }
}

TEST_CASE("A wave's epilogue is hidden behind another block's products, or else it shows") {
    const Machine machine = test::shipped_machine("t4");
    const Hierarchy gpu(machine, ComponentKind::cache, "wave");
    ProductDemand demand;
    demand.shape = {1, 40 * 256 * 10, 128, 4096};
    demand.macs_per_cycle = 1024;
    const double plain = plan_blocks(demand, gpu, {500}).core_cycles;
    demand.operations_per_result = 8;
    CHECK(plan_blocks(demand, gpu, {500}).core_cycles < plain * 1.05);
    demand.shape.depth = 64;  // nothing to hide behind
    const double shallow = plan_blocks(demand, gpu, {500}).core_cycles;
    demand.operations_per_result = 16;
    CHECK(plan_blocks(demand, gpu, {500}).core_cycles > 1.5 * shallow);
}

TEST_CASE(
    "What fits the cache is read from the DRAM once, and weights not at all once they are there") {
    const Machine machine = test::shipped_machine("t4");  // 4 MiB of cache
    const Steady small = steady(product(256, 1024, 1024), machine);
    CHECK(small.counts.at({"dram", Action::read}) == 256 * 1024);
    CHECK(small.counts.at({"dram", Action::write}) == 256 * 1024);
    CHECK(small.counts.at({"tensor_cores", Action::mac}) == 256 * 1024 * 1024);
    CHECK(small.counts.at({"tensor_cores", Action::issue}) == 256 * 1024 * 1024);
    // 16 MiB of weights do not stay: each round reads all of them at least once.
    const Steady large = steady(product(256, 4096, 4096), machine);
    CHECK(large.counts.at({"dram", Action::read}) >= 4096 * 4096 + 256 * 4096);
}

TEST_CASE("A larger cache never makes a network read or write more of the DRAM") {
    const Network network = with_batch(test::shipped_network("resnet18"), 8);
    std::int64_t before = 0;
    for (const char* capacity : {"64 MiB", "16 MiB", "4 MiB", "1 MiB"}) {
        Steady run =
            steady(network, test::shipped_machine("t4", {{"components.l2.capacity", capacity}}));
        const std::int64_t bytes =
            run.counts.at({"dram", Action::read}) + run.counts.at({"dram", Action::write});
        INFO(capacity);
        CHECK(bytes >= before);
        CHECK(run.counts[{"tensor_cores", Action::mac}] + run.counts[{"lanes", Action::mac}] ==
              network.macs());
        before = bytes;
    }
}

TEST_CASE("What a layer hands on is found in the cache, or not at all where it is larger") {
    // Rows of 64 bytes through two products; 4 MiB of cache. Inputs come and results go each round.
    const auto dram = [](std::int64_t rows) {
        const Network network = test::network_of_text(
            "network: n\nsource: s\nprecision: int8\ninputs: {x: [" + std::to_string(rows) +
            ", 64]}\nlayers:\n"
            "  - {name: a, op: linear, out_features: 64, bias: false}\n"
            "  - {name: b, op: linear, out_features: 64, bias: false}\n");
        const Steady run = steady(network, test::shipped_machine("t4"));
        return std::pair{run.counts.at({"dram", Action::read}),
                         run.counts.at({"dram", Action::write})};
    };
    constexpr std::int64_t kMebibyte = 1 << 20;
    CHECK(dram(16 * 1024) == std::pair{kMebibyte, kMebibyte});  // 1 MiB each
    // 8 MiB each: of what the first product has left the second one meets none before it is gone,
    // and the weights of both are gone when their turn comes again.
    const auto [read, written] = dram(128 * 1024);
    CHECK(read == 2 * 8 * kMebibyte + 2 * 64 * 64);
    CHECK(written == 2 * 8 * kMebibyte);
}

TEST_CASE("Inside of a product the cache decides what comes from the DRAM") {
    const Network network = product(2048, 4096, 4096);
    const std::int64_t once = 2048 * 4096 + 4096 * 4096;
    std::int64_t before = 0;
    double faster = 0;
    for (const char* capacity : {"64 MiB", "8 MiB", "1 MiB", "64 KiB", "1 KiB"}) {
        const Steady run = steady(
            network, test::shipped_machine("a100_sxm_80gb", {{"components.l2.capacity", capacity},
                                                             {"components.l2.bank", "1 KiB"}}));
        INFO(capacity);
        CHECK(run.counts.at({"dram", Action::read}) >= before * 99 / 100);
        CHECK(run.round >= 0.99 * faster);
        before = run.counts.at({"dram", Action::read});
        faster = run.round;
        if (capacity == std::string("1 KiB")) {  // what the crossbar carries, but for a wave's own
            CHECK(before == run.counts.at({"l2", Action::read}) - 2048 * 4096);
            CHECK(before > 10 * once);
        }
        if (capacity == std::string("64 MiB")) {  // weights stay from round to round
            CHECK(before == 2048 * 4096);
        }
    }
}

TEST_CASE("No network is faster than its arrays' peak or its DRAM") {
    const Machine machine = test::shipped_machine("t4");
    const double peak = 40.0 * 1024 * 1.59e9;
    for (const char* name : {"resnet18", "mobilenet_v2", "kws_lstm"}) {
        const Network network = with_batch(test::shipped_network(name), 4);
        const Steady run = steady(network, machine);
        INFO(name);
        CHECK(run.round > static_cast<double>(network.macs()) / peak);
        CHECK(run.round > static_cast<double>(run.counts.at({"dram", Action::read})) / 245e9);
    }
}

TEST_CASE("An attention writes no scores, whether they fit the cores or not") {
    const auto attention = [](int positions) {
        const std::string shape = "[4, " + std::to_string(positions) + ", 64]";
        return test::network_of_text(
            "network: n\nsource: s\ninputs: {q: " + shape + ", k: " + shape + ", v: " + shape +
            "}\nlayers:\n  - {name: y, op: attention, inputs: [q, k, v]}\n");
    };
    const Machine machine = test::shipped_machine("t4");
    // 64 rows of 512 sums of 4 B are 128 KiB of 256; of 2,048 sums they are 512 KiB.
    const Steady fused = steady(with_batch(attention(512), 32), machine);
    CHECK(fused.counts.at({"dram", Action::write}) == 32 * 4 * 512 * 64);
    const Steady streamed = steady(with_batch(attention(2048), 8), machine);
    CHECK(streamed.counts.at({"dram", Action::write}) == 8 * 4 * 2048 * 64);
    // 16 blocks of queries read all keys and values. Results are read once, on their way out.
    CHECK(streamed.counts.at({"l2", Action::read}) == 8 * 4 * 2048 * 64 * (1 + 2 * 16 + 1));
}

TEST_CASE(
    "Weights pruned 2:4 take half of the time and of the products where the lanes pass over "
    "zeros") {
    const std::string text =
        "network: n\nsource: s\nprecision: int8\ninputs: {x: [16384, 4096]}\nlayers:\n  - {name: "
        "y, op: "
        "linear, out_features: 4096, bias: false}\n";
    const Network dense = test::network_of_text(text);
    const Network pruned = test::network_of_text(text + "transforms: [{prune: \"2:4\"}]\n");
    const Machine machine = test::shipped_machine("a100_sxm_80gb");
    const Steady full = steady(dense, machine);
    const Steady half = steady(pruned, machine);
    CHECK(half.counts.at({"tensor_cores", Action::mac}) * 2 == dense.macs());
    CHECK(half.counts.at({"tensor_cores", Action::skipped_mac}) * 2 == dense.macs());
    CHECK(half.round < 0.65 * full.round);
    MapperOptions options;
    CHECK(map_network(pruned, machine, options).layers[0].skips_zeros);
    const Machine without = test::shipped_machine("t4");
    CHECK_FALSE(map_network(pruned, without, options).layers[0].skips_zeros);
    CHECK(steady(pruned, without).counts.at({"tensor_cores", Action::mac}) == dense.macs());
}

TEST_CASE("The parts of a concatenation are each written and read once") {
    const Network network = with_batch(
        test::network_of_text(
            "network: n\nsource: s\nprecision: int8\ninputs: {x: [64, 64, 64]}\nlayers:\n"
            "  - {name: a, op: conv, inputs: x, out_channels: 64, kernel: 1, bias: false}\n"
            "  - {name: b, op: conv, inputs: x, out_channels: 192, kernel: 1, bias: false}\n"
            "  - {name: both, op: concat, inputs: [a, b]}\n"
            "  - {name: y, op: conv, out_channels: 64, kernel: 1, bias: false}\n"),
        64);
    const std::int64_t map = 64LL * 64 * 64 * 64;  // of 64 channels, the whole batch: 16 MiB
    const Steady run = steady(network, test::shipped_machine("t4"));
    CHECK(run.counts.at({"dram", Action::write}) > 4 * map + map - (4 << 20));
    CHECK(run.counts.at({"dram", Action::write}) <= 4 * map + map);
    CHECK(run.counts.at({"dram", Action::read}) > 2 * map + 4 * map - (8 << 20));
    CHECK(run.counts.at({"dram", Action::read}) <= 2 * map + 4 * map + 4 * 64 * 64 * 8);
}

TEST_CASE(
    "A decode step reads the weights and the whole of its cache, and writes the new positions") {
    const Network step = test::network_of_text(
        "network: n\nsource: s\nprecision: fp16\ninputs: {x: [1, 2048]}\nlayers:\n"
        "  - {name: q, op: linear, inputs: x, out_features: 2048, heads: 16, bias: false}\n"
        "  - {name: k, op: linear, inputs: x, out_features: 2048, heads: 16, bias: false}\n"
        "  - {name: v, op: linear, inputs: x, out_features: 2048, heads: 16, bias: false}\n"
        "  - {name: y, op: attention, inputs: [q, k, v], causal: true, cache: true, context: "
        "4095}\n");
    const Steady run = steady(with_batch(step, 8), test::shipped_machine("t4"));
    const std::int64_t weights = 3LL * 2048 * 2048 * 2;
    const std::int64_t cache = 2LL * 8 * 4095 * 2048 * 2;  // what was there before this step
    CHECK(run.counts.at({"dram", Action::read}) >= weights + cache);
    CHECK(run.counts.at({"dram", Action::read}) < (weights + cache) * 21 / 20);
    CHECK(run.counts.at({"dram", Action::write}) >= 2LL * 8 * 2048 * 2);
    CHECK(run.counts.at({"dram", Action::write}) < 5LL * 8 * 2048 * 2);
}

TEST_CASE("A depthwise convolution runs on the elementwise lanes where blocks would be empty") {
    const Network network = with_batch(
        test::network_of_text("network: n\nsource: s\nprecision: int8\ninputs: {x: [256, 56, 56]}\n"
                              "layers:\n  - {name: y, op: conv, out_channels: 256, kernel: 3, "
                              "padding: 1, groups: 256, bias: false}\n"),
        16);
    const Machine machine = test::shipped_machine("t4");
    const Mapping mapping = map_network(network, machine, {});
    CHECK(mapping.layers[0].summary == "products on the elementwise lanes");
    const Steady run = steady(network, machine);
    CHECK(run.counts.at({"lanes", Action::mac}) == network.macs());
    CHECK(run.counts.count({"tensor_cores", Action::mac}) == 0);
    CHECK(run.round >= static_cast<double>(network.macs()) / (40 * 64 * 1.59e9));
}

TEST_CASE("A vector by a matrix is multiplied, counted and paid on the elementwise lanes") {
    const Network network = product(1, 512, 100);
    const Machine machine = test::shipped_machine("a100_sxm_80gb");
    const Steady run = steady(network, machine);
    CHECK(run.counts.at({"lanes", Action::mac}) == 51'200);
    // Three operands of 32 bits for each, and for four operations that make a result an int8.
    CHECK(run.counts.at({"lanes", Action::issue}) == (51'200 + 4 * 100) * 12);
    CHECK(run.counts.count({"tensor_cores", Action::issue}) == 0);
    const ComponentId lanes = machine.find("lanes");  // of int32, at 7 nm
    CHECK(machine.energy_of(lanes, Action::mac, Precision::int8).value == Approx(1.51e-12));
}

TEST_CASE("A product that fills more than half of a block stays on the tensor cores") {
    const Machine machine = test::shipped_machine("l40s");
    const auto on_lanes = [&](const Network& network, MappingObjective objective) {
        MapperOptions options;
        options.objective = objective;
        return map_network(network, machine, options).layers[0].summary ==
               "products on the elementwise lanes";
    };
    CHECK_FALSE(on_lanes(product(256, 256, 256), MappingObjective::latency));
    CHECK_FALSE(on_lanes(product(17, 256, 256), MappingObjective::latency));
    CHECK(on_lanes(product(1, 8192, 8192), MappingObjective::latency));
    CHECK_FALSE(on_lanes(product(1, 8192, 8192), MappingObjective::energy));
}

TEST_CASE("A machine that the wave mapper lacks parts of is refused with all of them") {
    try {
        WaveMapper().check(test::shipped_machine("von_neumann"));
        FAIL("it has no cache");
    } catch (const InputError& error) {
        CHECK(
            std::string(error.what()).find("the wave mapper needs a cache connected to the dram") !=
            std::string::npos);
    }
}

TEST_CASE("A core without room for the smallest block of a product is refused with what it needs") {
    // 64 x 32 sums of 4 B and 128 threads of 256 B beside them; two stages of 96 rows of 64 B.
    const Machine machine =
        test::shipped_machine("t4", {{"components.registers.capacity", "16 KiB"},
                                     {"components.shared_memory.capacity", "4 KiB"}});
    try {
        map_network(product(64, 64, 64), machine, {});
        FAIL("neither memory holds a block");
    } catch (const DoesNotFit& error) {
        REQUIRE(error.faults().size() == 2);
        const std::string text = error.what();
        CHECK(text.find("the smallest thread block of layer 'y' needs 40.0 KiB of component "
                        "'registers', which has 16.0 KiB") != std::string::npos);
        CHECK(text.find("needs 12.0 KiB of component 'shared_memory', which has 4.00 KiB") !=
              std::string::npos);
    }
    const Machine enough =
        test::shipped_machine("t4", {{"components.registers.capacity", "40 KiB"},
                                     {"components.shared_memory.capacity", "12 KiB"}});
    CHECK_NOTHROW(map_network(product(64, 64, 64), enough, {}));
}

TEST_CASE("A file that extends another has its keys but for its own") {
    Diagnostics faults;
    const YamlValue base = read_yaml_text(
        "machine: base\nclock: 1 GHz\ncomponents: {a: {kind: dma, setup: 3 cycles}}\n", "base.yaml",
        faults);
    const YamlValue own = read_yaml_text(
        "machine: mine\nextends: base\ncomponents: {a: {setup: 4 cycles}, b: {kind: dma}}\n",
        "mine.yaml", faults);
    const YamlValue whole = with_base(
        own, [&](const std::string&, const SourceMark&) { return YamlValue(base); }, faults);
    CHECK(faults.empty());
    CHECK(whole.find("machine")->text() == "mine");
    CHECK(whole.find("clock")->text() == "1 GHz");
    CHECK(whole.find("extends") == nullptr);
    CHECK(whole.find("components")->find("a")->find("kind")->text() == "dma");
    CHECK(whole.find("components")->find("a")->find("setup")->text() == "4 cycles");
    CHECK(whole.find("components")->find("a")->find("setup")->mark().file == "mine.yaml");
    CHECK(whole.find("components")->find("b") != nullptr);
    const YamlValue circle = read_yaml_text("machine: m\nextends: m\n", "m.yaml", faults);
    with_base(
        circle, [&](const std::string&, const SourceMark&) { return YamlValue(circle); }, faults);
    REQUIRE(faults.faults().size() == 1);
    CHECK(faults.faults()[0].text() ==
          "m.yaml:2:10: error: more than eight machines extend each other");
}

TEST_CASE("At a lower clock the voltage falls by the cap's rule, and energy with its square") {
    const Machine machine = test::shipped_machine("t4");
    const Machine half = machine.at_clock(Hertz(795'000'000));
    // 1 - 0.75 x (1 - 0.5) = 0.625, and no less than 0.65.
    const ComponentId cores = machine.find("tensor_cores");
    const double square = 0.65 * 0.65;
    CHECK(half.energy_of(cores, Action::mac, Precision::int8).value ==
          Approx(square * machine.energy_of(cores, Action::mac, Precision::int8).value));
    CHECK(half.component(cores).clock_power.value ==
          Approx(square * 0.5 * machine.component(cores).clock_power.value));
    const ComponentId dram = machine.find("dram");
    CHECK(half.energy_of(dram, Action::read, Precision::int8).value ==
          machine.energy_of(dram, Action::read, Precision::int8).value);
    CHECK(half.clocks().front().frequency() == Hertz(795'000'000));
}

}  // namespace memwall
