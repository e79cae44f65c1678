// SPDX-License-Identifier: Apache-2.0
#include "workloads/transform_list.hpp"

#include <catch2/catch.hpp>

#include "tests/support/generated_forms.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/network_export.hpp"
#include "workloads/network_template.hpp"
#include "workloads/network_yaml.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::faults_of;
using test::network_of;

const std::string kTwo =
    "network: n\ninputs: {x: [4, 8, 8]}\nlayers:\n"
    "- {name: conv1, op: conv, out_channels: 8, kernel: 3, padding: 1}\n"
    "- {name: depth, op: conv, out_channels: 8, kernel: 3, padding: 1, groups: 8}\n"
    "- {name: conv2, op: conv, out_channels: 3, kernel: 1}\n";

Network with(const std::string& transforms) {
    return network_of(kTwo + "transforms:\n" + transforms);
}

const Tensor& weights(const Network& network, const std::string& layer) {
    return network.tensor(network.layer(network.find_layer(layer)).weights);
}

/// The weights or inputs of one precision as stored in another, which has no more bits.
void check_bytes(const Network& wide, const Network& narrow, int bits_of_wide, int bits_of_narrow) {
    for (std::size_t t = 0; t < wide.tensors().size(); ++t) {
        const TensorId id(t);
        if (wide.tensor(id).kind == TensorKind::input) {
            continue;
        }
        CHECK(wide.tensor_bytes(id) == Bytes(ceil_divide(wide.tensor_words(id) * bits_of_wide, 8)));
        CHECK(narrow.tensor_bytes(id) ==
              Bytes(ceil_divide(narrow.tensor_words(id) * bits_of_narrow, 8)));
    }
}

}  // namespace

TEST_CASE("A pattern matches whole names, * any text") {
    CHECK(matches("conv1", "conv1"));
    CHECK_FALSE(matches("conv1", "conv10"));
    CHECK(matches("conv*", "conv10"));
    CHECK(matches("*_conv*", "stage2_1_conv2"));
    CHECK(matches("a*b*c", "a_b_b_c"));
    CHECK_FALSE(matches("a*b", "a_b_c"));
    CHECK(matches("*", ""));
}

TEST_CASE("Quantising by pattern and tensor leaves other layers and tensors as they are") {
    const Network network =
        with("- {quantise: w3, layers: conv*}\n- {quantise: a4, layers: conv2}\n");
    CHECK(weights(network, "conv1").precision == Precision::int3);
    CHECK(weights(network, "depth").precision == Precision::int8);
    CHECK(weights(network, "conv2").precision == Precision::int3);
    CHECK(network.tensor(network.find_tensor("depth")).precision == Precision::int4);
    CHECK(network.tensor(network.find_tensor("conv1")).precision == Precision::int8);
    CHECK(network.tensor_bytes(network.layer(network.find_layer("conv1")).weights) ==
          Bytes(8 * 4 * 9 * 3 / 8));
}

TEST_CASE("Pruning keeps a density or N of M words, and no shape changes") {
    const Network network =
        with("- {prune: {density: 0.3}, layers: [conv1]}\n- {prune: 2:4, layers: conv2}\n");
    CHECK(weights(network, "conv1").sparsity->nonzero(288) == 87);
    CHECK(weights(network, "conv2").sparsity->nonzero(26) == 14);
    CHECK(weights(network, "conv2").sparsity->text() == "2:4");
    CHECK_FALSE(weights(network, "depth").sparsity.has_value());
    CHECK(network.macs() == network_of(kTwo).macs());
}

TEST_CASE("Pruning channels makes layers smaller, and depthwise ones with them") {
    const Network network = with("- {prune: {channels: 0.5}, layers: [conv1, depth]}\n");
    CHECK(network.macs() == 64 * (4 * 4 * 9 + 4 * 9 + 3 * 4));
    CHECK(faults_of(kTwo + "transforms: [{prune: {channels: 0.5}, layers: conv1}]\n")
              .find("8 groups do not divide 4 input") != std::string::npos);
}

TEST_CASE("Another resolution or length changes the inputs and all that follows") {
    const Network resized = network_of(
        "network: n\ninputs: {x: [4, 8, 8]}\nlayers:\n"
        "- {name: c, op: conv, out_channels: 8, kernel: 1, shape: [8, 8, 8]}\n"
        "transforms: [{resolution: 4}]\n");  // the stated shape was that of 8 x 8
    CHECK(resized.tensor(resized.find_tensor("c")).shape == Shape{8, 4, 4});
    CHECK(with("- {resolution: [16, 8]}\n").macs() == 2 * network_of(kTwo).macs());
    const Network longer = network_of(
        "network: n\ninputs: {x: [5, 4]}\nlayers: [{name: l, op: linear, out_features: 2}]\n"
        "transforms: [{sequence_length: 10}]\n");
    CHECK(longer.macs() == 10 * 4 * 2);
    const Network cell = network_of(
        "network: n\ninputs: {x: [5, 4], state: [1, 3]}\nlayers:\n"
        "- {name: l, op: gru, inputs: [x, state], hidden: 3}\n"
        "transforms: [{sequence_length: 10}]\n");  // a state is not longer
    CHECK(cell.tensor(cell.find_tensor("l")).shape == Shape{10, 3});
}

TEST_CASE("The length of a sequence that is a parameter changes with it") {
    const std::string text =
        "network: n\nparameters: {positions: 6}\n"
        "inputs: {words: {shape: [\"{positions}\"], precision: int32}}\nlayers:\n"
        "- {name: e, op: embedding, rows: 50, features: 4}\n"
        "- {name: l, op: linear, out_features: 3}\n";
    const Network longer = network_of(text + "transforms: [{sequence_length: 12}]\n");
    CHECK(longer.macs() == 2 * network_of(text).macs());
    CHECK(longer.tensor(longer.find_tensor("l")).shape == Shape{12, 3});
}

TEST_CASE("The size of an image that is two parameters changes with them") {
    // ViT-B/16: 12 blocks of 12 heads, 768 features; a position is a patch of 16 x 16, one more is
    // the class token. A block has 12 * 768 * 768 weights, scores and context 768 each.
    const auto macs = [](std::int64_t patches) {
        const std::int64_t positions = patches + 1;
        const std::int64_t block = positions * 12 * 768 * 768 + 2 * positions * positions * 768;
        return patches * 768 * 768 + 12 * block + 768 * 1000;
    };
    Diagnostics none;
    const YamlValue root = read_yaml_file(
        std::string(MEMWALL_SOURCE_DIR) + "/configs/networks/vit_b16.yaml", "vit.yaml", none);
    const auto at = [&](const std::string& resolution) {
        Diagnostics faults;
        Network network = load_network(
            with_override(root, "transforms", "[{resolution: " + resolution + "}]"), faults);
        faults.throw_if_any();
        return network;
    };
    CHECK(at("224").macs() == macs(14 * 14));
    CHECK(at("384").macs() == macs(24 * 24));
    CHECK(weights(at("384"), "positions").shape == Shape{24 * 24 + 1, 768});
    CHECK(at("[160, 320]").macs() == macs(10 * 20));
    CHECK_THROWS_WITH(at("250"),
                      "vit.yaml:8:13: error: '{image_rows / patch * (image_columns / patch)}': "
                      "250 / 16 is no whole number");
}

TEST_CASE("A resolution without an image says what it looked for") {
    CHECK(faults_of("network: n\ninputs: {x: [8]}\nlayers: [{name: a, op: relu}]\n"
                    "transforms: [{resolution: 8}]\n") ==
          "net.yaml:4:14: error: resolution: no input has the shape [channels, rows, columns], and "
          "there are no parameters 'image_rows' and 'image_columns'");
}

TEST_CASE(
    "Pruning the channels of a layer with heads keeps all heads, each with as many features") {
    const std::string text =
        "network: n\nsource: s\ninputs: {x: [4, 48]}\nlayers:\n"
        "- {name: q, op: linear, inputs: x, out_features: 48, heads: 4}\n"
        "- {name: k, op: linear, inputs: x, out_features: 24, heads: 2}\n"
        "- {name: v, op: linear, inputs: x, out_features: 24, heads: 2}\n"
        "- {name: y, op: attention, inputs: [q, k, v]}\n";
    // 12 x 0.35 are 4.2 features of a head: 5, and 6 as an even number.
    const Network network =
        network_of(text + "transforms: [{prune: {channels: 0.35}, layers: [q, k, v]}]\n");
    CHECK(network.tensor(network.layer(LayerId(0)).weights).item_words() == 48 * 4 * 6);
    CHECK(network.tensor(network.layer(LayerId(1)).weights).item_words() == 48 * 2 * 6);
    const Network odd = network_of(
        "network: n\nsource: s\ninputs: {x: [4, 9]}\nlayers:\n"
        "- {name: q, op: linear, out_features: 9, heads: 3}\n"
        "transforms: [{prune: {channels: 0.9}, layers: q}]\n");
    CHECK(odd.tensor(odd.layer(LayerId(0)).weights).item_words() == 9 * 9);
}

TEST_CASE("Pruning the channels of all layers leaves the classes as they are") {
    const std::string text =
        "network: n\ninputs: {x: [8]}\nlayers:\n"
        "- {name: up, op: linear, out_features: 16}\n"
        "- {name: classes, op: linear, out_features: 10}\n"
        "- {name: s, op: softmax}\n";
    const Network half = network_of(text + "transforms: [{prune: {channels: 0.5}}]\n");
    CHECK(half.macs() == 8 * 8 + 8 * 10);
    const Network named =
        network_of(text + "transforms: [{prune: {channels: 0.5}, layers: classes}]\n");
    CHECK(named.macs() == 8 * 16 + 16 * 5);
}

TEST_CASE("A constant with a value a channel loses those of the channels that go") {
    const Network half = network_of(
        "network: n\ninputs: {x: [3, 6, 6]}\nlayers:\n"
        "- {name: c, op: conv, out_channels: 9, kernel: 1}\n"
        "- {name: scale, op: mul, constant: [9, 1, 1]}\n"
        "- {name: places, op: add, constant: [1, 6, 6]}\n"
        "- {name: classes, op: conv, out_channels: 4, kernel: 1}\n"
        "transforms: [{prune: {channels: 0.5}}]\n");
    CHECK(half.layer(half.find_layer("scale")).other_parameters == 5);
    CHECK(half.layer(half.find_layer("places")).other_parameters == 36);
}

TEST_CASE("Pruning the channels of all layers keeps what is added to a residual stream alike") {
    const auto pruned = [](const std::string& name) {
        const std::string path =
            std::string(MEMWALL_SOURCE_DIR) + "/configs/networks/" + name + ".yaml";
        Diagnostics faults;
        YamlValue root = read_yaml_file(path, name, faults);
        root = with_template(
            root,
            [&](const std::string& of, const SourceMark& where) {
                return read_template_beside(path, of, where);
            },
            faults);
        Network network =
            load_network(with_override(root, "transforms", "[{prune: {channels: 0.5}}]"), faults);
        faults.throw_if_any();
        return network;
    };
    for (const char* name :
         {"llama3_8b", "mixtral_8x7b", "glam", "gpt_j_6b", "vit_b16", "resnet50", "mobilenet_v2"}) {
        INFO(name);
        CHECK(pruned(name).weights() < test::shipped(name).weights() / 2 + 1);
    }
    // Half of the features in the stream, in and out of each product and in the tables; the pooler
    // is the last layer and keeps its own.
    const std::int64_t block = 4 * 512 * 512 + 2 * 512 * 2048;
    CHECK(pruned("bert_large").weights() == 24 * block + (30'522 + 512 + 2) * 512 + 512 * 1024);
}

TEST_CASE("Pruning the heads of a layer keeps the others whole") {
    const std::string text =
        "network: n\nsource: s\ninputs: {x: [4, 48]}\nlayers:\n"
        "- {name: q, op: linear, inputs: x, out_features: 48, heads: 4}\n"
        "- {name: k, op: linear, inputs: x, out_features: 24, heads: 2}\n"
        "- {name: v, op: linear, inputs: x, out_features: 24, heads: 2}\n"
        "- {name: y, op: attention, inputs: [q, k, v]}\n"
        "- {name: o, op: linear, out_features: 48, merge_heads: true}\n"
        "- {name: sum, op: add, inputs: [o, x]}\n";
    const Network half = network_of(text + "transforms: [{prune: {heads: 0.5}}]\n");
    CHECK(half.weights() == 48 * (24 + 12 + 12) + 24 * 48);
    CHECK(half.tensor(half.find_tensor("q")).shape == Shape{2, 4, 12});
    CHECK(half.tensor(half.find_tensor("k")).shape == Shape{1, 4, 12});
    CHECK(faults_of(text + "transforms: [{prune: {heads: 0.5}, layers: q}]\n").empty());
    // Three query heads for two of keys do not divide.
    CHECK(
        faults_of(text + "transforms: [{prune: {heads: 0.75}}]\n")
            .find(
                "heads a multiple of kv_heads; found [3, 4, 12], [2, 4, 12] and [2, 4, 12] "
                "(pruned: results that meet keep the same channels and heads; 'layers' has to name "
                "all that make them, or to be left out)") != std::string::npos);
}

TEST_CASE("A prune of some layers that write into one sum says how all are pruned alike") {
    const std::string text =
        "network: n\ninputs: {x: [8, 16]}\nlayers:\n"
        "- {name: up, op: linear, out_features: 64}\n"
        "- {name: down, op: linear, out_features: 16}\n"
        "- {name: sum, op: add, inputs: [down, x]}\n"
        "- {name: classes, op: linear, out_features: 10}\n";
    CHECK(network_of(text + "transforms: [{prune: {channels: 0.5}, layers: up}]\n").macs() ==
          8 * (2 * 16 * 32 + 16 * 10));
    CHECK(faults_of(text + "transforms: [{prune: {channels: 0.5}, layers: [up, down]}]\n")
              .find("'layers' has to name all that make them, or to be left out") !=
          std::string::npos);
}

TEST_CASE("Layers that are not to be fused stand alone") {
    const Network apart = with("- {fuse: false}\n");
    for (const Layer& layer : apart.layers()) {
        CHECK_FALSE(layer.epilogue_of.valid());
    }
    const std::string text =
        "network: n\ninputs: {x: [8]}\nlayers:\n"
        "- {name: up, op: linear, out_features: 16}\n"
        "- {name: r, op: relu}\n";
    CHECK(network_of(text).layer(LayerId(1)).epilogue_of.valid());
    const Network alone = network_of(text + "transforms: [{fuse: false, layers: r}]\n");
    CHECK_FALSE(alone.layer(LayerId(1)).epilogue_of.valid());
    CHECK_FALSE(network_of(network_text(alone)).layer(LayerId(1)).epilogue_of.valid());
}

TEST_CASE("A cache is kept in the precision of its own layer") {
    const Network network = network_of(
        "network: n\nprecision: int8\ninputs: {q: [2, 4, 8], k: [2, 4, 8], v: [2, 4, 8]}\nlayers:\n"
        "- {name: a, op: attention, inputs: [q, k, v], causal: true, cache: true, context: 12}\n"
        "transforms: [{quantise: a4, layers: [a.keys, a.values]}]\n");
    CHECK(network.state_bytes() == Bytes(2 * 2 * 16 * 8 / 2));
    CHECK(network.layer(network.find_layer("a.scores")).precision.activations == Precision::int8);
}

TEST_CASE("What is no transform is told at its place") {
    const auto fault = [](const std::string& transform) {
        return faults_of(kTwo + "transforms:\n- " + transform + "\n");
    };
    CHECK(fault("{quantize: int4}").find("did you mean 'quantise'") != std::string::npos);
    CHECK(fault("{bogus: 1}") ==
          "net.yaml:8:4: error: unknown key 'bogus' in transform; expected one of fuse, "
          "layers, prune, quantise, resolution, sequence_length");
    CHECK(fault("{quantise: int4, layers: cnv*}") ==
          "net.yaml:8:28: error: no layer is called 'cnv*'" +
              suggestion("cnv*", {"conv1", "depth", "conv2"}));
    CHECK(fault("{prune: 5:4}") ==
          "net.yaml:8:11: error: 'prune' in transform: expected N:M such as 2:4, {density: 0.5}, "
          "{channels: 0.5} or {heads: 0.5}, found '5:4'");
    CHECK(fault("{prune: {channels: 0.5, heads: 0.5}}") ==
          "net.yaml:8:11: error: 'prune' in transform: expected one of 'density', 'channels' and "
          "'heads'");
    CHECK(fault("{prune: {density: 1.5}}").find("above 0 and at most 1") != std::string::npos);
    CHECK(fault("{sequence_length: 4}") ==
          "net.yaml:8:3: error: sequence_length: no input has the shape [positions, features], and "
          "there is no parameter 'positions'");
    CHECK(fault("{prune: 2:4, quantise: int4}").find("expected one of") != std::string::npos);
    CHECK(fault("{batch: 4}") ==
          "net.yaml:8:11: error: the batch belongs to the run: --batch N, or scenario.batch");
}

TEST_CASE("A prune that has nothing to prune is refused") {
    const std::string text =
        "network: n\ninputs: {x: [8]}\nlayers:\n"
        "- {name: up, op: linear, out_features: 16}\n"
        "- {name: act, op: relu}\n";
    const auto fault = [&](const std::string& transform) {
        return faults_of(text + "transforms:\n- " + transform + "\n");
    };
    CHECK(fault("{prune: 2:4, layers: [up, act]}") ==
          "net.yaml:7:29: error: prune: 'act' names no layer with weights");
    CHECK(fault("{prune: {channels: 0.5}, layers: \"a*\"}") ==
          "net.yaml:7:36: error: prune: 'a*' names no layer with out_channels, out_features or "
          "features");
    CHECK(fault("{prune: {channels: 0.5}}") ==
          "net.yaml:7:3: error: prune: no layer but the last has out_channels, out_features or "
          "features");
    CHECK(fault("{prune: {heads: 0.5}}") == "net.yaml:7:3: error: prune: no layer has heads");
    CHECK(faults_of("network: n\ninputs: {x: [8]}\nlayers: [{name: act, op: relu}]\n"
                    "transforms: [{prune: 2:4}]\n") ==
          "net.yaml:4:14: error: prune: no layer has weights");
}

TEST_CASE("MACs and bytes of generated networks scale with batch and precision as they should") {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        test::Draw draw(seed);
        const test::Generated generated =
            draw.chance(50) ? test::generated_form(draw) : test::generated_network(draw, 3);
        const Network& one = generated.network;
        INFO("seed " << seed << "\n" << generated.yaml);
        const std::int64_t batch = draw(2, 5);
        const Network many = with_batch(one, batch);
        CHECK(many.macs() == batch * one.macs());
        CHECK(many.vector_operations() == batch * one.vector_operations());
        CHECK(many.parameters() == one.parameters());
        CHECK(many.weight_bytes() == one.weight_bytes());
        const auto at = [&](const char* text) {
            return with_precision(many, std::get<0>(parse_precision_policy(text)));
        };
        const Network narrow = at("int3");
        CHECK(narrow.macs() == many.macs());
        check_bytes(at("int16"), narrow, 16, 3);
    }
}

TEST_CASE("MACs of a convolution that keeps its size scale with the resolution") {
    for (std::int64_t scale = 1; scale <= 4; ++scale) {
        const Network network = with("- {resolution: " + std::to_string(8 * scale) + "}\n");
        CHECK(network.macs() == scale * scale * network_of(kTwo).macs());
        CHECK(network.weights() == network_of(kTwo).weights());
    }
}

}  // namespace memwall
