// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_yaml.hpp"

#include <catch2/catch.hpp>

#include "tests/workloads/network_text.hpp"

namespace memwall {
namespace {

using test::faults_of;
using test::faults_of_layers;

/// The fault of one line of layers, without the file's name.
std::string fault(const std::string& layers) {
    const std::string text = faults_of_layers("[4, 6, 6]", layers);
    const std::string prefix = "net.yaml:";
    return text.rfind(prefix, 0) == 0 ? text.substr(prefix.size()) : text;
}

}  // namespace

TEST_CASE("A layer reads the layer before it unless it says otherwise") {
    const Network network = test::network_of(
        "network: net\nsource: \"a paper\"\ninputs: {x: [4, 6, 6]}\nlayers:\n"
        "- {name: a, op: relu}\n- {name: b, op: relu}\n- {name: c, op: relu, inputs: a}\n"
        "- {name: d, op: add, inputs: [b, c]}\n");
    CHECK(network.name() == "net");
    CHECK(network.source() == "a paper");
    CHECK(network.batch() == 1);
    CHECK(network.layers()[1].inputs == std::vector<TensorId>{network.find_tensor("a")});
    CHECK(network.layers()[2].inputs == std::vector<TensorId>{network.find_tensor("a")});
    CHECK(network.layers()[0].where.line == 5);
    CHECK(network.layers()[0].precision == LayerPrecision{});
}

TEST_CASE("Each mistake in a layer has its sentence at its place") {
    CHECK(fault("- {name: a, op: reluu}\n") ==
          "5:17: error: unknown op 'reluu'; did you mean 'relu'?");
    CHECK(fault("- {op: relu}\n") == "5:3: error: missing key 'name' in layer");
    CHECK(fault("- {name: a}\n") == "5:3: error: missing key 'op' in layer 'a'");
    CHECK(fault("- {name: '', op: relu}\n") == "5:10: error: expected a name, found an empty one");
    for (const char* name : {"(idle)", R"("two\nlines")"}) {
        CHECK(fault("- {name: " + std::string(name) + ", op: relu}\n") ==
              "5:10: error: expected a name of one line that does not begin with a bracket");
    }
    CHECK(fault("- {name: a, op: relu, inputs: y}\n")
              .rfind("5:31: error: unknown input 'y' of layer 'a'", 0) == 0);
    CHECK(fault("- {name: conv1, op: relu}\n- {name: b, op: relu, inputs: [cnv1]}\n") ==
          "6:32: error: unknown input 'cnv1' of layer 'b'; did you mean 'conv1'?");
    CHECK(fault("- {name: a, op: relu}\n- {name: a, op: relu, inputs: x}\n") ==
          "6:10: error: duplicate name 'a' (first at line 5)");
    CHECK(fault("- {name: x, op: relu, inputs: x}\n") ==
          "5:10: error: duplicate name 'x' (first at line 3)");
    CHECK(fault("- {name: a, op: add}\n") ==
          "5:3: error: layer 'a': needs a second input, or a constant operand of a shape");
    CHECK(fault("- {name: a, op: relu, inputs: [x, x]}\n") ==
          "5:31: error: layer 'a': relu takes 1 input, found 2");
    CHECK(fault("- {name: a, op: relu, inputs: []}\n") ==
          "5:31: error: 'inputs' in layer 'a': expected a list of names such as [image]");
    CHECK(fault("- {name: a, op: relu, shape: [4, 6, 7]}\n") ==
          "5:30: error: layer 'a': shape [4, 6, 7] was stated, but [4, 6, 6] follows from its "
          "inputs");
    CHECK(fault("- {name: a, op: conv, out_channels: 1, kernal: 3}\n") ==
          "5:40: error: unknown key 'kernal' in layer 'a'; did you mean 'kernel'?");
    CHECK(fault("- {name: a, op: relu, precision: int5}\n") ==
          "5:34: error: 'precision' in layer 'a': expected a precision such as int4, w4a8o32 or "
          "wfp8afp8obf16, found 'int5'; did you mean 'int1'?");
    CHECK(fault("- {name: a, op: relu, output_precision: imt8}\n") ==
          "5:41: error: unknown precision 'imt8'; did you mean 'int8'?");
    CHECK(fault("- {name: a, op: relu, density: 1.5}\n") ==
          "5:32: error: 'density' in layer 'a': expected a share from 0 to 1, found '1.5'");
    CHECK(fault("- {name: x.weights, op: relu}\n- {name: 'x', op: relu, inputs: x.weights}\n") ==
          "6:10: error: duplicate name 'x' (first at line 3)");
    CHECK(fault("- {name: a.weights, op: relu}\n"
                "- {name: a, op: conv, out_channels: 1, kernel: 1}\n") ==
          "6:10: error: the name 'a.weights' is that of the weights of layer 'a'");
    CHECK(fault("- relu\n") == "5:3: error: layer: expected keys and values, found a single value");
}

TEST_CASE("A key that was meant to be op is told by its name") {
    const auto fault = [](const std::string& key) {
        return faults_of_layers("[8]", "- {" + key + ": linear, name: a, out_features: 3}\n");
    };
    CHECK(fault("opp") ==
          "net.yaml:5:4: error: unknown key 'opp' in layer 'a'; did you mean 'op'?");
    CHECK(fault("type") ==
          "net.yaml:5:4: error: unknown key 'type' in layer 'a'; did you mean 'op'?");
    CHECK(faults_of_layers("[8]", "- {name: a, out_features: 3}\n") ==
          "net.yaml:5:3: error: missing key 'op' in layer 'a'");
}

TEST_CASE("Sizes that are none have their sentence") {
    const auto conv = [](const std::string& keys) {
        return fault("- {name: a, op: conv, out_channels: 1, " + keys + "}\n");
    };
    CHECK(conv("stride: 1") == "5:3: error: missing key 'kernel' in layer 'a'");
    CHECK(conv("kernel: 0") ==
          "5:48: error: 'kernel' in layer 'a': expected a value from 1 to "
          "2147483647, found '0'");
    CHECK(conv("kernel: [1, -1]") ==
          "5:52: error: 'kernel' in layer 'a': expected a value from 1 "
          "to 2147483647, found '-1'");
    CHECK(conv("kernel: [1, 1, 1]") ==
          "5:48: error: layer 'a': 'kernel' has 3 numbers, but an input of shape [4, 6, 6] has 2 "
          "axes for the window");
    CHECK(conv("kernel: []") ==
          "5:48: error: 'kernel' in layer 'a': expected one number or a list, found an empty list");
    CHECK(conv("kernel: 1, padding: [1, 2, 3]") ==
          "5:60: error: layer 'a': 'padding' has 3 numbers, but an input of shape [4, 6, 6] has 2 "
          "axes for the window");
    CHECK(conv("kernel: 1, groups: 0") ==
          "5:59: error: 'groups' in layer 'a': expected a value above zero, found '0'");
}

TEST_CASE("A cycle is named once, at its first layer") {
    CHECK(faults_of("memwall: 1\nnetwork: n\ninputs: {x: [2]}\nlayers:\n- name: z\n  op: relu\n"
                    "- name: a\n  op: add\n  inputs: [x, c]\n- name: b\n  op: relu\n"
                    "- name: c\n  op: relu\n") == "net.yaml:7:3: error: cycle: a -> b -> c -> a");
    CHECK(fault("- {name: a, op: relu, inputs: a}\n") == "5:3: error: cycle: a -> a");
}

TEST_CASE("Mistakes of the file as a whole have their sentence") {
    const std::string rest = "layers: [{name: a, op: relu, inputs: x}]\n";
    CHECK(faults_of("memwall: 2\nnetwork: n\ninputs: {x: [2]}\n" + rest) ==
          "net.yaml:1:10: error: unknown schema version; this program reads version 1");
    CHECK(faults_of("inputs: {x: [2]}\n" + rest) ==
          "net.yaml:1:1: error: missing key 'network' in network file");
    CHECK(faults_of("network: n\n" + rest).find("missing key 'inputs' in network file") !=
          std::string::npos);
    CHECK(faults_of("network: n\ninputs: {x: [2]}\nlayers: []\n")
              .find("'layers' in network file: expected at least one layer") != std::string::npos);
    CHECK(faults_of("network: n\ninputs: {x: [2], y: [2]}\n" + rest) ==
          "net.yaml:2:18: error: input 'y' is read by no layer");
    CHECK(
        faults_of("network: n\ninputs: {x: [2, 0]}\n" + rest) ==
        "net.yaml:2:17: error: 'shape' in input 'x': expected a value from 1 to 2147483647, found "
        "'0'");
    CHECK(
        faults_of("network: n\ninputs: {x: 5}\n" + rest) ==
        "net.yaml:2:13: error: 'shape' in input 'x': expected a list of one to four sizes such as "
        "[3, 224, 224]");
    CHECK(faults_of("network: n\ninputs: {x: [1000000, 1000000]}\n" + rest) ==
          "net.yaml:2:13: error: 'shape' in input 'x': [1000000, 1000000] has more than "
          "1000000000 words");
    CHECK(faults_of("network: n\nkeep_precision: [b]\ninputs: {x: [2]}\n" + rest) ==
          "net.yaml:2:18: error: unknown layer 'b' in 'keep_precision'; expected a");
    CHECK(
        faults_of("network: n\ninputs: {x: [2], y: [2]}\nlayers: [{name: a, op: relu}]\n") ==
        "net.yaml:3:10: error: layer 'a' has no layer before it: 'inputs' must say what it reads");
    CHECK(faults_of("network: n\nnetwork: m\ninputs: {x: [2]}\n" + rest) ==
          "net.yaml:2:1: error: duplicate key 'network' (first at line 1)");
    CHECK(faults_of("network: n\nnotes: m\ninputs: {x: [2]}\n" + rest)
              .find("net.yaml:2:1: error: unknown key 'notes' in network file") == 0);
}

TEST_CASE("All faults of a file come at once, and none that follows from another") {
    CHECK(fault("- {name: a, op: conv, out_channels: 4, kernel: 9}\n"
                "- {name: b, op: reluu}\n"
                "- {name: c, op: relu, inputs: b}\n"
                "- {name: d, op: conv, out_channels: 0, kernel: 3, inputs: a}\n") ==
          "5:3: error: layer 'a': the window [9, 9] is larger than the padded input [6, 6]\n"
          "net.yaml:6:17: error: unknown op 'reluu'; did you mean 'relu'?\n"
          "net.yaml:8:37: error: 'out_channels' in layer 'd': expected a value above zero, found "
          "'0'");
}

TEST_CASE("Every shipped network loads, and names itself like its file") {
    for (const std::string name :
         {"resnet50", "lenet", "tiny_conv", "tiny_pointwise", "tiny_linear", "tiny_strided",
          "tiny_depthwise", "tiny_pool", "tiny_two", "tiny_residual"}) {
        const Network network = test::shipped(name);
        CHECK(network.name() == name);
        CHECK_FALSE(network.source().empty());
    }
}

TEST_CASE("A missing network file is told by its path") {
    CHECK_THROWS_AS(load_network_file("no/such/network.yaml"), InputError);
    CHECK_THROWS_WITH(load_network_file("no/such/network.yaml"),
                      Catch::Contains("no/such/network.yaml"));
}

}  // namespace memwall
