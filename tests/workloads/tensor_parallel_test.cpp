// SPDX-License-Identifier: Apache-2.0
#include "workloads/tensor_parallel.hpp"

#include <catch2/catch.hpp>

#include "workloads/collective.hpp"
#include "workloads/network_yaml.hpp"
#include "workloads/shared_section.hpp"
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

TEST_CASE("More cards than key-value heads have one head each, and divide its queries") {
    const Network whole = with_batch(decoder(8, 2), 5);
    const TensorParallelPart part = tensor_parallel_part(whole, 4);
    CHECK(part.undivided.empty());
    CHECK(part.copied == std::vector<std::string>{"k", "v"});
    CHECK(collectives(part.network) == std::vector<std::string>{"table.all_gather", "o.all_reduce",
                                                                "down.all_reduce",
                                                                "out.all_gather"});
    // Of 2 heads of keys and values one, on two cards; of 8 heads of queries two, in one position.
    CHECK(part.network.state_bytes() * 2 == whole.state_bytes());
    CHECK(part.network.tensor(layer_of(part.network, "k").outputs.front()).shape == Shape{1, 1, 4});
    CHECK(layer_of(part.network, "k").macs() == 5 * 24 * 4);
    CHECK(part.network.tensor(layer_of(part.network, "attention.scores").outputs.front()).shape ==
          Shape{1, 2, 6});
    for (const char* layer : {"q", "attention.scores", "attention.context", "o", "up"}) {
        INFO(layer);
        CHECK(layer_of(part.network, layer).macs() * 4 == layer_of(whole, layer).macs());
    }
    CHECK(layer_of(part.network, "attention.softmax").vector_operations() * 4 ==
          layer_of(whole, "attention.softmax").vector_operations());
    // Eight cards have a head of queries each; sixteen divide no attention.
    CHECK(tensor_parallel_part(whole, 8).network.state_bytes() * 2 == whole.state_bytes());
    const TensorParallelPart sixteen = tensor_parallel_part(whole, 16);
    CHECK(sixteen.network.state_bytes() == whole.state_bytes());
    CHECK(sixteen.copied.empty());
    CHECK(layer_of(sixteen.network, "up").macs() * 16 == layer_of(whole, "up").macs());
}

TEST_CASE("Cards that divide the queries of a causal prompt count the same pairs") {
    for (const std::string window : {"", ", window: 3"}) {
        const Network whole = network_of(
            "network: small\ninputs: {x: [6, 16]}\nlayers:\n"
            "- {name: q, op: linear, out_features: 32, heads: 8}\n"
            "- {name: k, op: linear, inputs: x, out_features: 8, heads: 2}\n"
            "- {name: v, op: linear, inputs: x, out_features: 8, heads: 2}\n"
            "- {name: attention, op: attention, inputs: [q, k, v], causal: true" +
            window +
            "}\n"
            "- {name: o, op: linear, out_features: 16, merge_heads: true}\n");
        for (const std::int64_t cards : {2, 4, 8}) {
            const Network part = tensor_parallel_part(whole, cards).network;
            for (const char* layer : {"attention.scores", "attention.context"}) {
                CHECK(layer_of(part, layer).macs() * cards == layer_of(whole, layer).macs());
            }
        }
    }
}

TEST_CASE("A single head of keys and values is on all cards, which divide the queries") {
    const Network whole = decoder(8, 1);
    const TensorParallelPart part = tensor_parallel_part(whole, 4);
    CHECK(part.undivided == std::vector<std::string>{"k", "v"});
    CHECK(part.network.state_bytes() == whole.state_bytes());
    CHECK(layer_of(part.network, "attention.scores").macs() * 4 ==
          layer_of(whole, "attention.scores").macs());
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

TEST_CASE("Cards that only a host joins send their sums once and add those of all") {
    const Network whole = with_batch(feed_forward(), 3);
    for (const std::int64_t cards : {2, 4}) {
        const auto share = share_section(whole, cards);
        REQUIRE(share);
        const Network& part = share->network;
        CHECK(part.macs() * cards == whole.macs());
        CHECK(part.weight_bytes() * cards == whole.weight_bytes());
        const std::int64_t sums = 3 * 4 * 8;  // items, positions, features; 4 bytes each
        CHECK(share->all_reduces == 1);
        CHECK(share->sums == Precision::int32);
        CHECK(share->sent == Bytes(sums * 4));
        CHECK(share->received == Bytes(sums * 4 * (cards - 1)));
        CHECK(part.inputs().size() == static_cast<std::size_t>(cards));  // x, and of each other
        const TensorId sent = part.find_tensor("down.sent");
        CHECK(part.outputs().size() == 2);
        CHECK(part.tensor_bytes(sent) == Bytes(sums * 4));
        CHECK(part.storage(sent) == part.find_tensor("down"));
        CHECK(layer_of(part, "down.all_reduce").vector_operations() == (cards - 1) * sums);
    }
    CHECK(!share_section(whole, 5));  // divides no dimension
}

TEST_CASE("Cards that share a mixture have a part of every expert, and all of the router") {
    const Network whole = network_of(
        "network: small\ninputs: {x: [1, 8]}\nlayers:\n"
        "- {name: norm, op: rms_norm}\n"
        "- {name: moe, op: moe, experts: 6, top_k: 2, features: 12}\n"
        "- {name: sum, op: add, inputs: [moe, x]}\n");
    const auto share = share_section(whole, 3);
    REQUIRE(share);
    const Network& part = share->network;
    CHECK(part.tensor(layer_of(part, "moe.gate").weights).shape == Shape{6, 4, 8});
    CHECK(part.tensor(layer_of(part, "moe.down").weights).shape == Shape{6, 8, 4});
    CHECK(layer_of(part, "moe.router").macs() == 8 * 6);
    CHECK(share->sent == Bytes(2 * 8 * 4));  // of two experts
}

TEST_CASE("What would have to be gathered inside of a block is done by each card that shares it") {
    // Two heads of keys and values are no multiple of three cards: only the second half is divided.
    const Network whole = decoder(6, 2);
    const auto share = share_section(whole, 3);
    REQUIRE(share);
    const Network& part = share->network;
    CHECK(layer_of(part, "q").macs() == layer_of(whole, "q").macs());
    CHECK(layer_of(part, "o").macs() == layer_of(whole, "o").macs());
    CHECK(part.state_bytes() == whole.state_bytes());
    CHECK(layer_of(part, "up").macs() * 3 == layer_of(whole, "up").macs());
    CHECK(share->all_reduces == 1);
    // At the end each card keeps its part of the outputs.
    CHECK(part.tensor(part.find_tensor("out.all_gather")).shape == Shape{1, 4});
}
