// SPDX-License-Identifier: Apache-2.0
#include "workloads/tensor_parallel.hpp"

#include <catch2/catch.hpp>

#include "workloads/collective.hpp"
#include "workloads/network_yaml.hpp"
#include "workloads/transforms.hpp"

using namespace memwall;

namespace {

Network network_of(const std::string& yaml) {
    Diagnostics faults;
    Network network = load_network(read_yaml_text(yaml, "small.yaml", faults), faults);
    faults.throw_if_any();
    return network;
}

/// A feed-forward block over 4 positions of 8 features, 32 inside.
Network feed_forward() {
    return network_of(
        "network: small\ninputs: {x: [4, 8]}\nlayers:\n"
        "- {name: up, op: linear, out_features: 32}\n"
        "- {name: act, op: relu}\n"
        "- {name: down, op: linear, out_features: 8}\n"
        "- {name: sum, op: add, inputs: [down, x]}\n");
}

/// A block with grouped queries and a cache, between a table and an output layer.
Network decoder(int heads, int kv_heads) {
    const std::string q = std::to_string(heads);
    const std::string kv = std::to_string(kv_heads);
    const std::string kv_features = std::to_string(kv_heads * 4);
    return network_of(
        "network: small\ninputs: {tokens: {shape: [1], precision: int32}}\nlayers:\n"
        "- {name: table, op: embedding, rows: 20, features: 24}\n"
        "- {name: norm1, op: rms_norm}\n"
        "- {name: q, op: linear, out_features: " +
        std::to_string(heads * 4) + ", heads: " + q +
        "}\n"
        "- {name: k, op: linear, inputs: norm1, out_features: " +
        kv_features + ", heads: " + kv +
        "}\n"
        "- {name: v, op: linear, inputs: norm1, out_features: " +
        kv_features + ", heads: " + kv +
        "}\n"
        "- {name: attention, op: attention, inputs: [q, k, v], causal: true, cache: true, context: "
        "5}\n"
        "- {name: o, op: linear, out_features: 24, merge_heads: true}\n"
        "- {name: add, op: add, inputs: [o, table]}\n"
        "- {name: norm2, op: rms_norm}\n"
        "- {name: gate, op: linear, out_features: 48}\n"
        "- {name: silu, op: silu}\n"
        "- {name: up, op: linear, inputs: norm2, out_features: 48}\n"
        "- {name: gated, op: mul, inputs: [up, silu]}\n"
        "- {name: down, op: linear, out_features: 24}\n"
        "- {name: add2, op: add, inputs: [down, add]}\n"
        "- {name: out, op: linear, out_features: 12}\n");
}

std::vector<std::string> collectives(const Network& network) {
    std::vector<std::string> names;
    for (const Layer& layer : network.layers()) {
        if (collective_of(layer.op)) {
            names.push_back(layer.name);
        }
    }
    return names;
}

const Layer& layer_of(const Network& network, const char* name) {
    return network.layer(network.find_layer(name));
}

}  // namespace

TEST_CASE("Two cards divide a feed-forward block by its columns, then its rows, and add up once") {
    const Network whole = with_batch(feed_forward(), 3);
    const TensorParallelPart part = tensor_parallel_part(whole, 2);
    CHECK(part.undivided.empty());
    CHECK(collectives(part.network) == std::vector<std::string>{"down.all_reduce"});
    // 3 items of 4 positions: 8 x 16 on the way up, 16 x 8 on the way down.
    CHECK(layer_of(part.network, "up").macs() == 12 * 8 * 16);
    CHECK(layer_of(part.network, "down").macs() == 12 * 16 * 8);
    CHECK(part.network.macs() * 2 == whole.macs());
    CHECK(part.network.weight_bytes() * 2 == whole.weight_bytes());
    // Biases: 16 of 32; the 8 of the way down on each.
    CHECK(layer_of(part.network, "up").other_parameters == 16);
    CHECK(layer_of(part.network, "act").vector_operations() * 2 ==
          layer_of(whole, "act").vector_operations());
    CHECK(layer_of(part.network, "sum").vector_operations() ==
          layer_of(whole, "sum").vector_operations());
    const Layer& sums = layer_of(part.network, "down.all_reduce");
    CHECK(part.network.tensor(sums.outputs.front()).shape == Shape{4, 8});
    CHECK(part.network.tensor(sums.outputs.front()).precision == Precision::int8);
    CHECK(part.network.tensor(sums.inputs.front()).precision == Precision::int32);
    CHECK(part.network.tensor_bytes(sums.inputs.front()) == Bytes(3 * 4 * 8 * 4));
    CHECK(layer_of(part.network, "sum").inputs.front() == sums.outputs.front());
}

TEST_CASE("A transformer block has two all-reduces, the table and the output one all-gather each") {
    const Network whole = with_batch(decoder(6, 2), 5);
    const TensorParallelPart part = tensor_parallel_part(whole, 2);
    CHECK(part.undivided.empty());
    CHECK(collectives(part.network) == std::vector<std::string>{"table.all_gather", "o.all_reduce",
                                                                "down.all_reduce",
                                                                "out.all_gather"});
    CHECK(part.network.macs() * 2 == whole.macs());
    CHECK(part.network.weight_bytes() * 2 == whole.weight_bytes());
    CHECK(part.network.state_bytes() * 2 == whole.state_bytes());
    // Heads are divided, norms are done by all.
    CHECK(part.network.tensor(layer_of(part.network, "q").outputs.front()).shape == Shape{3, 1, 4});
    CHECK(part.network.tensor(layer_of(part.network, "attention").outputs.front()).shape ==
          Shape{3, 1, 4});
    CHECK(layer_of(part.network, "norm2").vector_operations() ==
          layer_of(whole, "norm2").vector_operations());
    const Layer& gather = layer_of(part.network, "out.all_gather");
    CHECK(part.network.tensor_words(gather.inputs.front()) == 5 * 6);
    CHECK(part.network.tensor_words(gather.outputs.front()) == 5 * 12);
    CHECK(touched_words(gather.space.operands.front().projection, gather.space.box()) == 5 * 6);
    CHECK(part.network.outputs() == gather.outputs);
}

TEST_CASE("What is no multiple of the cards is done by each of them, and named") {
    const Network whole = decoder(6, 2);
    const TensorParallelPart part = tensor_parallel_part(whole, 3);
    // Two heads of keys and values for three cards: queries are gathered before the scores.
    CHECK(part.undivided ==
          std::vector<std::string>{"k", "v", "attention.scores", "attention.context"});
    CHECK(part.network.state_bytes() == whole.state_bytes());
    std::int64_t macs = 0;
    for (const Layer& layer : part.network.layers()) {
        const bool undivided = std::find(part.undivided.begin(), part.undivided.end(),
                                         layer.name) != part.undivided.end();
        macs += layer.macs() * (undivided ? 1 : 3);
    }
    CHECK(macs == whole.macs());
    CHECK(tensor_parallel_part(whole, 1).network.macs() == whole.macs());
}

TEST_CASE("Convolutions are divided by channels like products by columns and rows") {
    const Network whole = network_of(
        "network: small\ninputs: {image: [3, 8, 8]}\nlayers:\n"
        "- {name: a, op: conv, out_channels: 8, kernel: 3, padding: 1}\n"
        "- {name: relu, op: relu}\n"
        "- {name: pool, op: max_pool, kernel: 2, stride: 2}\n"
        "- {name: b, op: conv, out_channels: 6, kernel: 3, padding: 1}\n");
    const TensorParallelPart part = tensor_parallel_part(whole, 2);
    CHECK(part.undivided.empty());
    CHECK(collectives(part.network) == std::vector<std::string>{"b.all_reduce"});
    CHECK(part.network.macs() * 2 == whole.macs());
    CHECK(part.network.weight_bytes() * 2 == whole.weight_bytes());
}

TEST_CASE("Floating-point partial sums travel in sixteen bits") {
    const Network whole =
        with_precision(feed_forward(), std::get<0>(parse_precision_policy("fp8")));
    const TensorParallelPart part = tensor_parallel_part(whole, 2);
    const Layer& sums = layer_of(part.network, "down.all_reduce");
    CHECK(part.network.tensor(sums.inputs.front()).precision == Precision::bf16);
    CHECK(part.network.tensor(sums.outputs.front()).precision == Precision::fp8);
}
