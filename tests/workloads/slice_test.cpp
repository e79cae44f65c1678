// SPDX-License-Identifier: Apache-2.0
#include "workloads/slice.hpp"

#include <catch2/catch.hpp>

#include "workloads/network_yaml.hpp"
#include "workloads/transforms.hpp"

using namespace memwall;

namespace {

/// Two blocks with a cache each, between a table and an output layer.
Network decoder() {
    std::string yaml =
        "network: small\ninputs: {tokens: {shape: [1], precision: int32}}\nlayers:\n"
        "- {name: table, op: embedding, rows: 20, features: 8}\n";
    std::string before = "table";
    for (const char* block : {"a", "b"}) {
        const std::string b = block;
        yaml += "- {name: " + b + "_norm, op: rms_norm, inputs: " + before + "}\n";
        for (const char* part : {"q", "k", "v"}) {
            yaml += "- {name: " + b + "_" + part + ", op: linear, inputs: " + b +
                    "_norm, out_features: 8, heads: 2}\n";
        }
        yaml += "- {name: " + b + "_attention, op: attention, inputs: [" + b + "_q, " + b + "_k, " +
                b + "_v], causal: true, cache: true, context: 5}\n";
        yaml += "- {name: " + b + "_o, op: linear, out_features: 8, merge_heads: true}\n";
        yaml += "- {name: " + b + "_add, op: add, inputs: [" + b + "_o, " + before + "]}\n";
        before = b + "_add";
    }
    yaml += "- {name: norm, op: rms_norm}\n- {name: out, op: linear, out_features: 21}\n";
    Diagnostics faults;
    Network network = load_network(read_yaml_text(yaml, "small.yaml", faults), faults);
    faults.throw_if_any();
    return network;
}

std::vector<std::string> places(const Network& network, const std::vector<bool>& layers,
                                Crossing most = Crossing::single) {
    std::vector<std::string> names;
    for (const std::size_t place : cut_places(network, layers, most)) {
        names.push_back(network.layers()[place].name);
    }
    return names;
}

}  // namespace

TEST_CASE("A network is cut where a single tensor goes on, and never through a cache") {
    const Network network = decoder();
    std::vector<bool> all(network.layers().size(), true);
    CHECK(places(network, all) == std::vector<std::string>{"a_norm", "b_norm", "norm", "out"});
    const std::vector<std::string> with_several = places(network, all, Crossing::several);
    CHECK(with_several == std::vector<std::string>{"a_norm", "a_q", "a_k", "a_v", "a_o", "b_norm",
                                                   "b_q", "b_k", "b_v", "b_o", "norm", "out"});
    all[0] = false;  // the table is elsewhere
    CHECK(places(network, all) == std::vector<std::string>{"b_norm", "norm", "out"});
}

TEST_CASE("The parts of a network have its layers, weights and caches between them") {
    const Network network =
        with_precision(with_batch(decoder(), 3), std::get<0>(parse_precision_policy("int4")));
    const std::vector<bool> all(network.layers().size(), true);
    std::vector<std::size_t> ends = cut_places(network, all);
    ends.push_back(all.size());
    std::int64_t macs = 0;
    std::int64_t vectors = 0;
    Bytes weights, state;
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
        std::vector<bool> keep(all.size());
        std::fill(keep.begin() + static_cast<std::ptrdiff_t>(begin),
                  keep.begin() + static_cast<std::ptrdiff_t>(end), true);
        const Network part = slice_network(network, keep, "part");
        CHECK(part.batch() == 3);
        REQUIRE(part.layers().size() == end - begin);
        for (std::size_t l = begin; l < end; ++l) {
            CHECK(part.layers()[l - begin].name == network.layers()[l].name);
            CHECK(part.layers()[l - begin].space.extents == network.layers()[l].space.extents);
        }
        REQUIRE(part.inputs().size() == 1);
        REQUIRE(part.outputs().size() == 1);
        const TensorId whole = network.find_tensor(part.tensor(part.inputs().front()).name);
        CHECK(part.tensor_bytes(part.inputs().front()) == network.tensor_bytes(whole));
        macs += part.macs();
        vectors += part.vector_operations();
        weights += part.weight_bytes();
        state += part.state_bytes();
        begin = end;
    }
    CHECK(macs == network.macs());
    CHECK(vectors == network.vector_operations());
    CHECK(weights == network.weight_bytes());
    CHECK(state == network.state_bytes());
}

TEST_CASE("The outputs of a last linear layer are divided over cards, and of no other") {
    const Network network = decoder();
    CHECK(!divisible_layer(network).valid());
    std::vector<bool> keep(network.layers().size());
    keep[keep.size() - 1] = keep[keep.size() - 2] = true;
    const Network last = slice_network(network, keep, "last");
    REQUIRE(divisible_layer(last).valid());
    std::int64_t macs = 0;
    Bytes outputs, weights;
    for (std::int64_t part = 0; part < 4; ++part) {
        const Network own = with_part_of_outputs(last, part, 4);
        macs += own.macs();
        weights += own.weight_bytes();
        outputs += own.tensor_bytes(own.outputs().front());
        CHECK(own.tensor_bytes(own.inputs().front()) == last.tensor_bytes(last.inputs().front()));
    }
    CHECK(macs == last.macs());
    CHECK(weights == last.weight_bytes());
    CHECK(outputs == last.tensor_bytes(last.outputs().front()));
}
