// SPDX-License-Identifier: Apache-2.0
// Blocks of queries and keys of a fused attention, counted by hand; blocks by objective and by
// hand; what kernels take out of the cores' memory.
#include "arch/wave/attention_kernel.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/outcome_figures.hpp"
#include "arch/wave/kernel_plan.hpp"
#include "base/yaml.hpp"
#include "tests/support/machines.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// Self-attention of a head of `features`, with keys by themselves.
Network attention(std::int64_t positions, std::int64_t features, const std::string& more = "") {
    const std::string shape =
        "[1, " + std::to_string(positions) + ", " + std::to_string(features) + "]";
    return test::network_of_text("network: n\nsource: s\nprecision: fp16\ninputs: {q: " + shape +
                                 ", k: " + shape + ", v: " + shape +
                                 "}\nlayers:\n  - {name: y, op: attention, inputs: [q, k, v]" +
                                 more + "}\n");
}

Hierarchy gpu_of(const Machine& machine) {
    return Hierarchy(machine, ComponentKind::cache, "wave");
}

AttentionBlocks blocks_of(const Network& network, const std::string& machine = "a100_sxm_80gb") {
    const Machine of = test::shipped_machine(machine);
    const Hierarchy gpu = gpu_of(of);
    const auto blocks = attention_blocks(network.layer(LayerId(0)), network.layer(LayerId(2)), gpu);
    REQUIRE(blocks.has_value());
    return *blocks;
}

std::int64_t sum(const std::vector<KernelFlow>& flows) {
    std::int64_t bytes = 0;
    for (const KernelFlow& flow : flows) {
        bytes += flow.bytes;
    }
    return bytes;
}

/// Bytes of a tensor at a memory, for a layer.
struct Moved {
    std::int64_t read = 0;
    std::int64_t write = 0;

    bool operator==(const Moved&) const = default;
};

using Traffic = std::map<std::tuple<std::string, std::string, TensorRole>, Moved>;

/// Of a round.
Traffic traffic_of(const Network& network, const Machine& machine) {
    MapperOptions options;
    options.rounds = 2;
    const Program program = map_network(network, machine, options).program;
    const Outcome outcome = estimate(program, machine, Window{1});
    Traffic traffic;
    for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
        const ActionKey& key = program.actions.key(RowId(r));
        if (key.action == Action::read || key.action == Action::write) {
            Moved& moved = traffic[{network.layer(key.layer).name,
                                    machine.component(key.component).name, key.tensor}];
            (key.action == Action::read ? moved.read : moved.write) += outcome.counts[r];
        }
    }
    return traffic;
}

}  // namespace

TEST_CASE("Scores that fit the registers of a core are normalised there at once") {
    // 64 rows of 1,024 sums of 4 B are the 256 KiB of an A100's registers.
    CHECK(blocks_of(attention(1024, 64)).keys == 0);
    CHECK(blocks_of(attention(1025, 64)).keys == 128);
}

TEST_CASE("Every block of queries meets all keys, and rescales after the first block of them") {
    // 128 rows of 128 scores and 128 results of 4 B are 128 KiB, half of the registers.
    const AttentionBlocks blocks = blocks_of(attention(2048, 128));
    CHECK(blocks.rows == 128);
    CHECK(blocks.keys == 128);
    CHECK(blocks.row_blocks == 16);
    CHECK(blocks.met_keys == 2048);
    CHECK(blocks.key_passes == 16);
    CHECK(blocks.dram_passes == 1);
    CHECK(blocks.rescaling == 2048 * 15 * (3 + 128));
    // Twice the features leave room for half of the rows.
    CHECK(blocks_of(attention(2048, 256)).rows == 64);
    // (128 + 2 x 64) x 128 halves are the 64 KiB of a T4's shared memory.
    CHECK(blocks_of(attention(2048, 128), "t4").keys == 64);
}

TEST_CASE("Blocks of keys that a mask hides from all queries of a block are passed over") {
    const AttentionBlocks causal = blocks_of(attention(2048, 64, ", causal: true"));
    CHECK(causal.row_blocks == 16);
    CHECK(causal.met_keys == 136 * 128 / 16);  // 1 + 2 + ... + 16 blocks
    CHECK(causal.key_passes == 8.5);
    CHECK(causal.rescaling == 128 * 120 * (3 + 64));
    // With a window of 256: 1, 2, and then 3 blocks each.
    const AttentionBlocks window = blocks_of(attention(2048, 64, ", causal: true, window: 256"));
    CHECK(window.met_keys == 45 * 128 / 16);
    CHECK(window.rescaling == 128 * (45 - 16) * (3 + 64));
}

TEST_CASE("Keys of a head that the cache cannot hold come once for each wave of queries") {
    // 131,072 keys and values of 128 halves are 64 MiB of a cache of 40; a core has room for one
    // block in its shared memory, so 108 of the 1,024 run at a time.
    CHECK(blocks_of(attention(131072, 128)).dram_passes == 10);
    CHECK(blocks_of(attention(32768, 128)).dram_passes == 1);
}

TEST_CASE("A long attention reads queries, keys and values and writes results, and no scores") {
    const Machine machine = test::shipped_machine("a100_sxm_80gb");
    const Hierarchy gpu = gpu_of(machine);
    const std::int64_t words = 4096 * 64 * 2;
    const WavePlan plan = plan_waves(with_batch(attention(4096, 64), 4), gpu, {500});
    REQUIRE(plan.kernels.size() == 1);
    CHECK(sum(plan.kernels[0].feeds) == 4 * (words + 2 * 32 * words));
    CHECK(sum(plan.kernels[0].fetches) == 4 * 3 * words);
    CHECK(sum(plan.kernels[0].drains) == 4 * words);
    CHECK(sum(plan.kernels[0].stores) == 4 * words);
    const MapperOptions options;
    const Mapping mapping = map_network(with_batch(attention(4096, 64), 4), machine, options);
    CHECK(mapping.layers[0].bound.bytes().count() == 4 * 2 * words);
    CHECK(mapping.layers[1].bound.bytes().count() == 0);
    CHECK(mapping.layers[2].bound.bytes().count() == 4 * 2 * words);
}

TEST_CASE("Where the layers of an attention stand alone, they are three kernels") {
    const Machine machine = test::shipped_machine("a100_sxm_80gb");
    const Hierarchy gpu = gpu_of(machine);
    Network apart = test::network_of_text(
        "network: n\nsource: s\nprecision: fp16\ninputs: {q: [1, 512, 64], k: [1, 512, 64], v: "
        "[1, 512, 64]}\nlayers:\n  - {name: y, op: attention, inputs: [q, k, v]}\ntransforms: "
        "[{fuse: false}]\n");
    CHECK(plan_waves(apart, gpu, {500}).kernels.size() == 3);
    CHECK(plan_waves(attention(512, 64), gpu, {500}).kernels.size() == 1);
}

TEST_CASE("Every weight that a vector is multiplied with is read once, the vector by each tile") {
    const Network network = test::network_of_text(
        "network: n\nsource: s\nprecision: int8\ninputs: {x: [1, 512]}\nlayers:\n  - {name: y, op: "
        "linear, out_features: 100, bias: false}\n");
    const Traffic bytes = traffic_of(network, test::shipped_machine("a100_sxm_80gb"));
    // Two tiles, of 64 results and of 36.
    CHECK(bytes.at({"y", "shared_memory", TensorRole::weights}) == Moved{51'200, 51'200});
    CHECK(bytes.at({"y", "shared_memory", TensorRole::inputs}) == Moved{2 * 512, 512});
}

TEST_CASE("Weights that stream from the DRAM are multiplied on the lanes with vectors alone") {
    const Machine machine = test::shipped_machine("a100_sxm_80gb");
    const auto summary = [&](std::int64_t rows, std::int64_t features) {
        const Network network = test::network_of_text(
            "network: n\nsource: s\nprecision: int8\ninputs: {x: [" + std::to_string(rows) + ", " +
            std::to_string(features) + "]}\nlayers:\n  - {name: y, op: linear, out_features: " +
            std::to_string(features) + ", bias: false}\n");
        return map_network(network, machine, {}).layers[0].summary;
    };
    CHECK(summary(2, 2048) == "products on the elementwise lanes");  // 4 MiB, in the cache
    CHECK(summary(1, 8192) == "products on the elementwise lanes");  // 64 MiB of weights
    CHECK(summary(2, 8192).find(" a core at a time") != std::string::npos);
}

TEST_CASE("A word goes from a core's memory into registers once for each tile that it meets") {
    // 32 x 2 blocks of 128 x 256: of an input four tiles of 64 columns, twice; of a weight 64 of
    // rows.
    const Network network = test::network_of_text(
        "network: n\nsource: s\nprecision: int8\ninputs: {x: [4096, 256]}\nlayers:\n  - {name: y, "
        "op: linear, out_features: 512, bias: false}\n");
    const Machine machine = test::shipped_machine("a100_sxm_80gb");
    const Traffic bytes = traffic_of(network, machine);
    CHECK(bytes.at({"y", "shared_memory", TensorRole::inputs}).read == 4096LL * 256 * 512 / 64);
    CHECK(bytes.at({"y", "shared_memory", TensorRole::weights}).read == 512LL * 256 * 4096 / 64);
    // Instructions take 32 bytes of the depth at a time: of int4 twice as many words as of int8.
    const auto sums = [&](const char* precision) {
        const Network at =
            with_precision(network, std::get<PrecisionPolicy>(parse_precision_policy(precision)));
        return traffic_of(at, machine).at({"y", "registers", TensorRole::partial_sums}).read;
    };
    CHECK(sums("int8") == 4096LL * 512 * (256 / 32) * 4);
    CHECK(sums("int4") == 4096LL * 512 * (256 / 64) * 4);
}

TEST_CASE("What comes into a core's memory is taken out of it at least once, under its name") {
    const std::string head = "network: n\nsource: s\nprecision: fp16\n";
    const std::vector<Network> networks = {
        test::network_of_text(head + "inputs: {q: [4, 1, 64], k: [4, 3000, 64], v: [4, 3000, 64]}\n"
                                     "layers:\n  - {name: y, op: attention, inputs: [q, k, v]}\n"),
        test::network_of_text(head + "inputs: {q: [2, 900, 64], k: [2, 900, 64], v: [2, 900, 64]}\n"
                                     "layers:\n  - {name: y, op: attention, causal: true, inputs: "
                                     "[q, k, v]}\n"),
        with_batch(test::shipped_network("lenet"), 64),
        with_batch(test::shipped_network("mobilenet_v2"), 2),
        test::shipped_network("resnet18"),
    };
    for (const Network& network : networks) {
        const Traffic bytes = traffic_of(network, test::shipped_machine("l4"));
        std::int64_t operands = 0;
        for (const auto& [key, moved] : bytes) {
            const auto& [layer, memory, role] = key;
            if (memory != "shared_memory") {
                continue;
            }
            INFO(network.name() << ", " << layer << ", " << name(role));
            ++operands;
            CHECK(moved.write > 0);
            CHECK(moved.read >= moved.write);
        }
        CHECK(operands > 0);
    }
}

TEST_CASE("What the DRAM is said to hold of a kernel is what goes through it") {
    for (const char* name : {"resnet18", "mobilenet_v2", "bert_large"}) {
        const Network network = with_batch(test::shipped_network(name), 4);
        const Machine machine = test::shipped_machine("t4", {{"components.l2.capacity", "2 MiB"}});
        const Traffic bytes = traffic_of(network, machine);
        MapperOptions options;
        options.loops = true;
        std::vector<LayerMapping> layers = map_network(network, machine, options).layers;
        for (const LayerMapping& mapped : layers) {
            if (mapped.loops.empty()) {
                continue;
            }
            const std::string text = mapped.loops.substr(0, mapped.loops.find('\n'));
            for (const TensorRole role : {TensorRole::weights, TensorRole::inputs,
                                          TensorRole::outputs, TensorRole::state}) {
                const bool moves =
                    std::any_of(layers.begin(), layers.end(), [&](const LayerMapping& of) {
                        const bool here = of.layer == mapped.layer || of.within == mapped.layer;
                        return here &&
                               bytes.count({network.layer(of.layer).name, "dram", role}) > 0;
                    });
                INFO(name << ": " << network.layer(mapped.layer).name << ": " << text);
                CHECK((text.find(memwall::name(role)) != std::string::npos) == moves);
            }
        }
    }
}

TEST_CASE("Kernels are never worse in what was asked for than when something else was") {
    // Products whose operands a small cache does not hold, so that blocks decide what comes again.
    const Machine machine = test::shipped_machine(
        "a100_sxm_80gb", {{"components.l2.capacity", "256 KiB"}, {"components.l2.bank", "1 KiB"}});
    const std::vector<MappingObjective> all = {MappingObjective::latency, MappingObjective::energy,
                                               MappingObjective::energy_delay,
                                               MappingObjective::traffic};
    int less = 0;
    for (const std::int64_t rows : {48, 700, 3000}) {
        const Network network = test::network_of_text(
            "network: n\nprecision: fp16\ninputs: {x: [" + std::to_string(rows) +
            ", 512]}\nlayers:\n- {name: a, op: linear, out_features: 1536}\n- {name: r, op: relu}\n"
            "- {name: b, op: linear, out_features: 320}\n");
        std::vector<OutcomeFigures> found;
        for (const MappingObjective objective : all) {
            MapperOptions options;
            options.rounds = 2;
            options.objective = objective;
            options.effort = Effort::thorough;
            const Mapping mapping = map_network(network, machine, options);
            found.push_back(figures_of(mapping.program, machine,
                                       estimate(mapping.program, machine, Window{1}),
                                       mapping.outermost));
        }
        for (std::size_t o = 0; o < all.size(); ++o) {
            for (const OutcomeFigures& other : found) {
                INFO(rows << " rows, " << name(all[o]));
                CHECK(found[o].of(all[o]) <= other.of(all[o]) * (1 + 1e-9));
            }
        }
        less += found[3].bytes < found[0].bytes ? 1 : 0;
    }
    CHECK(less > 0);
}

TEST_CASE("Blocks by hand are taken, and what is wrong with them is told in its place") {
    const Machine machine = test::shipped_machine("a100_sxm_80gb");
    const Network network = test::network_of_text(
        "network: n\nprecision: fp16\ninputs: {x: [1000, 512]}\nlayers:\n- {name: a, op: linear, "
        "out_features: 1536}\n- {name: s, op: softmax}\n");
    const auto by_hand = [&](const std::string& layers) {
        Diagnostics faults;
        MapperOptions options;
        options.loops = true;
        options.given =
            read_yaml_text("mapping: m\nlayers: {" + layers + "}\n", "hand.yaml", faults);
        faults.throw_if_any();
        return map_network(network, machine, options).layers[0];
    };
    // 8 x 24 blocks, three of which share a core's memory: (128 + 64) x 64 B x 3 stages each.
    const LayerMapping mapped =
        by_hand("a: {shared_memory: {block: {rows: 128, columns: 64}, stages: 3, resident: 3}}");
    CHECK(mapped.search == "given by hand");
    CHECK(mapped.summary == "192 blocks of 128 x 64, 2 a core at a time, 1 wave");  // 108 cores
    CHECK(mapped.loops.find("shared_memory holds 3 stages of 128 x 32 and 32 x 64 words") !=
          std::string::npos);
    CHECK(
        mapped.loops.find("registers holds 128 x 64 sums, and words and addresses of 128 threads, "
                          "64.0 KiB a block") != std::string::npos);  // 32 KiB each
    CHECK(by_hand("a: {shared_memory: {block: {rows: 48, columns: 24}, resident: 1}}").summary ==
          "1344 blocks of 48 x 24, 1 a core at a time, 13 waves");
    const auto told = [&](const std::string& layers, const std::string& message) {
        CHECK_THROWS_WITH(by_hand(layers), Catch::StartsWith("hand.yaml:") &&
                                               Catch::Contains(message) && !Catch::Contains("\n"));
    };
    told("s: {shared_memory: {}}", "2:10: error: layer 's' is no product");
    told("a: {}", "2:10: error: nothing is said of layer 'a'");
    told("a: {shared_memory: {}}", "2:14: error: expected 'block' with the rows and columns");
    told("a: {shared: {}}", "2:14: error: unknown level 'shared'");
    told("a: {shared_memory: {stages: 3}}", "2:38: error: expected 'block' beside");
    told("a: {shared_memory: {block: {rows: 64, columns: 64}, stages: 1}}",
         "2:70: error: expected at least two stages");
    // 2,048 threads: 1,024 KiB of sums, 512 KiB of what threads hold; the shared memory has no room
    // either, and less is missing there.
    told("a: {shared_memory: {block: {rows: 512, columns: 4096}}}",
         "2:37: error: 'registers' has 256 KiB a core, a block of 512 x 4096 results of layer 'a' "
         "needs 12.0 MiB");
    told("a: {shared_memory: {block: {rows: 64, columns: 64}, stages: 30}}",
         "2:70: error: 'shared_memory' has 164 KiB a core, 30 stages of a block of 64 x 64 results "
         "of layer 'a' need 240 KiB");
    told("a: {shared_memory: {block: {rows: 64, columns: 64}, resident: 9}}",
         "2:72: error: 'registers' has 256 KiB a core, 9 blocks of 64 x 64 results of layer 'a' "
         "need 432 KiB");
    told("a: {shared_memory: {block: {rows: 70000, columns: 64}, stages: 1}}",
         "2:44: error: 'rows' in 'block' in level 'shared_memory': expected at most 65,536, found "
         "'70000'");
    told("a: {shared_memory: {loops: [{K: 2}]}}", "a kernel has no loops to give");
    told("a: {shared_memory: {keeps: [weights]}}",
         "'keeps' is for machines with the mapper 'tiling'");
}

}  // namespace memwall
