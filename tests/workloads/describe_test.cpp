// SPDX-License-Identifier: Apache-2.0
#include "workloads/describe.hpp"

#include <catch2/catch.hpp>

#include "tests/workloads/network_text.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::shipped;

const LayerRow& row(const NetworkSummary& summary, const std::string& name) {
    for (const LayerRow& each : summary.layers) {
        if (each.name == name) {
            return each;
        }
    }
    throw std::out_of_range(name);
}

}  // namespace

TEST_CASE("A row has the counts of its layer, worked out by hand") {
    const NetworkSummary summary = describe(shipped("tiny_conv"));
    REQUIRE(summary.layers.size() == 1);
    const LayerRow& conv = summary.layers[0];
    CHECK(conv.op == "conv");
    CHECK(conv.output_shape == Shape{4, 4, 4});
    CHECK(conv.precision == "w8a8o32");
    CHECK(conv.note.empty());
    CHECK(conv.macs == 2304);
    CHECK(conv.input_bytes == Bytes(144));
    CHECK(conv.weight_bytes == Bytes(144));
    CHECK(conv.output_bytes == Bytes(64));
    CHECK(conv.bytes() == Bytes(352));
    CHECK(conv.intensity == Approx(2304.0 / 352).epsilon(1e-15));
    CHECK(summary.intensity == conv.intensity);
}

TEST_CASE("Of tables and experts only what is drawn is read") {
    // 3 rows of 8 words; 3 tokens of which each goes to 2 of 4 experts: 4 (1 - (1 - 1/2)^3) = 3.5.
    const NetworkSummary summary = describe(test::network_of(
        "network: n\nprecision: int8\ninputs: {words: {shape: [3], precision: int32}}\nlayers:\n"
        "- {name: e, op: embedding, rows: 1000, features: 8}\n"
        "- {name: m, op: moe, experts: 4, top_k: 2, features: 16, gated: false}\n"));
    CHECK(row(summary, "e").weight_bytes == Bytes(3 * 8));
    CHECK(row(summary, "e").weights == 1000 * 8);
    CHECK(row(summary, "m.up").weight_bytes == Bytes(4 * 16 * 8));  // 3.5 experts, rounded
    CHECK(summary.weight_bytes.count() > 1000 * 8);
    CHECK(summary.intensity > 0.1);
}

TEST_CASE("The rows of ResNet-50 add up to its totals") {
    const NetworkSummary summary = describe(with_batch(shipped("resnet50"), 2));
    std::int64_t macs = 0;
    std::int64_t operations = 0;
    std::int64_t weights = 0;
    std::int64_t parameters = 0;
    Bytes weight_bytes;
    for (const LayerRow& each : summary.layers) {
        macs += each.macs;
        operations += each.vector_operations;
        weights += each.weights;
        parameters += each.parameters;
        weight_bytes += each.weight_bytes;
    }
    CHECK(macs == 2 * 4'089'184'256);
    CHECK(summary.macs == macs);
    CHECK(summary.vector_operations == operations);
    CHECK(summary.weights == weights);
    CHECK(summary.parameters == parameters);
    CHECK(summary.weight_bytes == weight_bytes);
    CHECK(summary.input_bytes == Bytes(2 * 3 * 224 * 224));
    CHECK(summary.output_bytes == Bytes(2000));
    CHECK(summary.intensity ==
          Approx(2 * 4'089'184'256.0 / (25'502'912 + 301'056 + 2000)).epsilon(1e-15));
}

TEST_CASE("Notes say what a layer costs nothing for") {
    const NetworkSummary summary = describe(shipped("resnet50"));
    CHECK(row(summary, "conv1_bn").note == "folded into conv1 at no cost");
    CHECK(row(summary, "conv1_bn").parameters == 128);
    CHECK(row(summary, "conv1_bn").bytes() == Bytes(0));
    CHECK(row(summary, "conv1_relu").note == "may end conv1");
    CHECK(row(summary, "stage2_2_add").note == "may end stage2_2_conv3");
    CHECK(row(summary, "flatten").note == "same words as pool");
    CHECK(row(summary, "conv1").macs == 118'013'952);
    CHECK(row(summary, "stage3_1_conv2").macs == 128 * 128 * 9 * 28 * 28);
    CHECK(row(summary, "fc").parameters == 2'049'000);
}

TEST_CASE("A tensor that is read twice by one layer counts once") {
    const NetworkSummary summary =
        describe(test::network_of_layers("[4]", "- {name: a, op: add, inputs: [x, x]}\n"));
    CHECK(summary.layers[0].input_bytes == Bytes(4));
}

TEST_CASE("An update reads and writes what it brings up to date, of a table the drawn rows") {
    const auto bytes = [](const std::string& layers, const std::string& part) {
        const Network network =
            with_precision(test::network_of_layers("[5]", layers),
                           std::get<PrecisionPolicy>(parse_precision_policy("bf16")));
        return row(describe(training_step(network, Optimizer::adam)), part).bytes();
    };
    const auto update = [&](const std::string& layers) { return bytes(layers, "n.update"); };
    // A parameter: the gradient, the fp32 copy and two words of state read, all but the first
    // written, and the parameter: 2 + 3 x 4 + 3 x 4 + 2.
    CHECK(update("- {name: n, op: linear, out_features: 4, bias: false}\n") == Bytes(28 * 20));
    CHECK(update("- {name: n, op: embedding, rows: 1000, features: 8}\n") == Bytes(28 * 5 * 8));
    // Five draws of two rows: five gradients are added up to two, for the whole table.
    const std::string small = "- {name: n, op: embedding, rows: 2, features: 8}\n";
    CHECK(bytes(small, "n.weight_gradient") == Bytes(2 * 5 * 8 + 2 * 2 * 8));
    CHECK(update(small) == Bytes(28 * 2 * 8));
}

TEST_CASE("Of an input that a layer reads a part of, the part is counted") {
    const NetworkSummary summary = describe(
        test::network_of_layers("[6, 3]", "- {name: n, op: linear, out_features: 5, last: 1}\n"));
    CHECK(summary.layers[0].input_bytes == Bytes(3));
}

}  // namespace memwall
