// SPDX-License-Identifier: Apache-2.0
#include "workloads/transforms.hpp"

#include <catch2/catch.hpp>

#include "tests/workloads/network_text.hpp"

namespace memwall {
namespace {

using test::shipped;

PrecisionPolicy policy(const std::string& text, std::vector<std::string> keep = {}) {
    PrecisionPolicy parsed = std::get<PrecisionPolicy>(parse_precision_policy(text));
    parsed.keep = std::move(keep);
    return parsed;
}

Precision stored(const Network& network, const std::string& tensor) {
    return network.tensor(network.find_tensor(tensor)).precision;
}

const std::string kThreeConvs =
    "layers:\n"
    "- {name: a, op: conv, out_channels: 4, kernel: 3}\n"
    "- {name: b, op: conv, out_channels: 4, kernel: 3, output_precision: int16}\n"
    "- {name: c, op: conv, out_channels: 4, kernel: 1}\n";

}  // namespace

TEST_CASE("A batch multiplies activations and work, and leaves weights alone") {
    const Network one = shipped("lenet");
    const Network eight = with_batch(one, 8);
    CHECK(eight.batch() == 8);
    CHECK(eight.macs() == 8 * one.macs());
    CHECK(eight.vector_operations() == 8 * one.vector_operations());
    CHECK(eight.weights() == one.weights());
    CHECK(eight.weight_bytes() == one.weight_bytes());
    CHECK(eight.peak_activation_bytes() == 8 * one.peak_activation_bytes());
    const TensorId image = eight.find_tensor("image");
    CHECK(eight.tensor_words(image) == 8 * 784);
    CHECK(eight.tensor(image).item_words() == 784);
    const IterationSpace& conv = eight.layers()[0].space;
    CHECK(conv.extent(Dim::N) == 8);
    CHECK(touched_words(conv.outputs().projection, conv.box()) == 8 * 6 * 784);
    CHECK(one.batch() == 1);
    CHECK(with_batch(eight, 1).macs() == one.macs());
}

TEST_CASE("A batch that is none, or too large to count, is the user's mistake") {
    const Network network = shipped("resnet50");
    CHECK_THROWS_WITH(with_batch(network, 0), "error: expected a batch of at least 1, found 0");
    CHECK_THROWS_WITH(with_batch(network, 1'000'000'000),
                      "error: a batch of 1000000000 is too large to be counted");
}

TEST_CASE("A policy reaches every layer and every tensor") {
    const Network network = with_precision(shipped("resnet50"), policy("int4"));
    for (const Layer& layer : network.layers()) {
        CHECK(text(layer.precision) == "w4a4o32");
    }
    CHECK(network.weight_bytes() == Bytes(25'502'912 / 2));
    CHECK(stored(network, "image") == Precision::int4);
    CHECK(stored(network, "fc") == Precision::int4);
    CHECK(network.macs() == 4'089'184'256);
}

TEST_CASE("A kept layer keeps its weights and what it reads") {
    const Network before = test::network_of("network: n\ninputs: {x: [4, 8, 8]}\n" + kThreeConvs);
    const Network after = with_precision(before, policy("int4", {"b"}));
    CHECK(text(after.layers()[0].precision) == "w4a4o32");
    CHECK(text(after.layers()[1].precision) == "w8a8o32");
    CHECK(stored(after, "x") == Precision::int4);
    CHECK(stored(after, "a") == Precision::int8);
    CHECK(stored(after, "a.weights") == Precision::int4);
    CHECK(stored(after, "b.weights") == Precision::int8);
    CHECK(stored(after, "c") == Precision::int4);
}

TEST_CASE("The network's own list is kept unless the policy has one") {
    const Network network =
        test::network_of("network: n\nkeep_precision: [a]\ninputs: {x: [4, 8, 8]}\n" + kThreeConvs);
    CHECK(kept_layers(network, policy("int4")) == std::vector<std::string>{"a"});
    CHECK(kept_layers(network, policy("int4", {"c"})) == std::vector<std::string>{"c"});
    const Network after = with_precision(network, policy("int4"));
    CHECK(text(after.layers()[0].precision) == "w8a8o32");
    CHECK(stored(after, "x") == Precision::int8);
    CHECK_THROWS_WITH(
        with_precision(network, policy("int4", {"conv"})),
        Catch::StartsWith("error: unknown layer 'conv' in the layers that keep their precision"));
}

TEST_CASE("A tensor's stated precision yields to a policy for all of its readers only") {
    const std::string file = "network: n\ninputs: {x: {shape: [4, 8, 8], precision: int8}}\n";
    const Network before = test::network_of(file + kThreeConvs);
    CHECK(stored(before, "b") == Precision::int16);
    CHECK(stored(with_precision(before, policy("int4")), "b") == Precision::int4);
    CHECK(stored(with_precision(before, policy("w4")), "b") == Precision::int16);
    CHECK(stored(with_precision(before, policy("int4", {"c"})), "b") == Precision::int16);
    CHECK(stored(with_precision(before, policy("int4")), "x") == Precision::int8);
}

}  // namespace memwall
