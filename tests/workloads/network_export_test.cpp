// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_export.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/generated_layers.hpp"
#include "tests/support/same_network.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/step_export.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;

/// The network read back from its own file, and the file unchanged by a second round.
void check_comes_back(const Network& network) {
    const std::string file = network_text(network);
    INFO(file);
    const Network again = test::network_of(file);
    REQUIRE(test::difference(network, again) == "");
    REQUIRE(network_text(again) == file);
}

std::vector<std::string> shipped_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(MEMWALL_SOURCE_DIR) +
                                                                 "/configs/networks")) {
        if (entry.path().extension() == ".yaml") {
            names.push_back(entry.path().stem());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

TEST_CASE("A generated network is the same after it was written and read again") {
    Draw draw(41);
    for (int example = 0; example < 150; ++example) {
        check_comes_back(test::generated_network(draw, static_cast<int>(draw(1, 12))).network);
        check_comes_back(test::generated_layer(draw).network);
    }
}

TEST_CASE("Every shipped network is the same after it was written and read again") {
    REQUIRE(shipped_names().size() >= 10);
    for (const std::string& name : shipped_names()) {
        INFO(name);
        check_comes_back(test::shipped(name));
    }
}

TEST_CASE("A network is written as a person would: defaults, checks and long forms left out") {
    const Network network = test::network_of(
        "network: net\nsource: \"a paper\"\nprecision: int4\nkeep_precision: [b]\n"
        "inputs: {x: {shape: [4, 6, 6], precision: int8, density: 0.613}}\nlayers:\n"
        "- {name: a, op: conv, inputs: x, out_channels: 4, kernel: [3, 3], stride: [2, 1],\n"
        "   padding: [1, 1, 1, 1], dilation: 1, groups: 1, bias: true, shape: [4, 3, 6]}\n"
        "- {op: conv, name: b, kernel: [1, 2], padding: [0, 1, 0, 1], out_channels: 2,\n"
        "   precision: w8a4, bias: false, output_precision: int16}\n"
        "- {name: 'sum 1', op: add, inputs: [b, b], density: 0.4}\n"
        "- {name: r, op: reshape, shape: [2, 21]}\n");
    CHECK(network_text(network) ==
          "memwall: 1\nnetwork: net\nsource: \"a paper\"\nprecision: int4\nkeep_precision: [b]\n"
          "inputs: {x: {shape: [4, 6, 6], precision: int8, density: 0.613}}\nlayers:\n"
          "  - {name: a, op: conv, out_channels: 4, kernel: 3, stride: [2, 1], padding: 1}\n"
          "  - {name: b, op: conv, kernel: [1, 2], padding: [0, 1], out_channels: 2, bias: false, "
          "precision: w8a4, output_precision: int16}\n"
          "  - {name: \"sum 1\", op: add, inputs: [b, b], density: 0.4}\n"
          "  - {name: r, op: reshape, shape: [2, 21]}\n");
}

TEST_CASE("Repeated layers of a shipped network come back as the blocks that they were") {
    const std::string file = network_text(test::shipped("resnet50"));
    CHECK(std::count(file.begin(), file.end(), '\n') == 114);
    CHECK(file.find("  - repeat: 5\n    from: 2\n    layers:\n"
                    "      - {name: \"stage4_{i}_conv1\", op: conv, out_channels: 256, kernel: 1, "
                    "bias: false}\n") != std::string::npos);
    CHECK(file.find("{name: \"stage4_{i}_add\", op: add, inputs: [\"stage4_{i}_bn3\", "
                    "\"{previous}\"]}") != std::string::npos);
}

TEST_CASE("What a precision policy changed is written with the network") {
    const Network network =
        with_precision(test::shipped("lenet"), std::get<0>(parse_precision_policy("w4a8")));
    check_comes_back(network);
    CHECK(network_text(network).find("\nprecision: w4a8\n") != std::string::npos);
}

TEST_CASE("Transforms of a file come back as what they made of its layers") {
    const std::string layers =
        "inputs: {x: [4, 6, 6]}\nlayers:\n  - {name: a, op: conv, out_channels: 8, kernel: 1}\n"
        "  - {name: b, op: conv, out_channels: 8, kernel: 1}\n";
    check_comes_back(
        test::network_of("network: n\ntransforms:\n  - {prune: 2:4, layers: a}\n"
                         "  - {prune: {density: 0.3}, layers: b}\n"
                         "  - {quantise: int4, layers: b}\n" +
                         layers));
    const Network all = test::network_of("network: n\ntransforms: [{prune: 2:4}]\n" + layers);
    check_comes_back(all);
    CHECK(network_text(all).find("  - {prune: \"2:4\"}\n") != std::string::npos);
    check_comes_back(
        test::network_of("network: n\ntransforms: [{prune: {channels: 0.5}, layers: a}, "
                         "{resolution: 12}]\n" +
                         layers));
}

TEST_CASE("A language model's file has the tokens as parameters, and is the same at every step") {
    const auto at = [](StepSize step) {
        return test::network_of(
            "network: net\nparameters: {positions: " + std::to_string(step.positions) +
            ", context: " + std::to_string(step.context) +
            "}\ninputs: {x: [\"{positions}\", 8], y: [\"{2 * (context + positions) - 1}\", 4]}\n"
            "layers:\n"
            "  - {name: q, op: linear, inputs: x, out_features: 8, heads: 2}\n"
            "  - {name: a, op: attention, inputs: [q, q, q], causal: true, window: 512, "
            "cache: true, context: \"{context}\"}\n"
            "  - {name: b, op: relu, inputs: y}\n");
    };
    const auto file = text_of_steps(at, {512, 0});
    REQUIRE(file);
    INFO(*file);
    CHECK(file->find("parameters: {positions: 512, context: 0}\n") != std::string::npos);
    CHECK(file->find("x: [\"{positions}\", 8]") != std::string::npos);
    CHECK(file->find("y: [\"{2 * positions + 2 * context - 1}\", 4]") != std::string::npos);
    CHECK(file->find("window: 512, cache: true, context: \"{context}\"") != std::string::npos);
    CHECK(test::difference(test::network_of(*file), at({512, 0})) == "");
}

TEST_CASE("A size that does not grow evenly with the tokens makes no file of any number of them") {
    const auto at = [](StepSize step) {
        const auto words = std::to_string(step.positions * step.positions);
        return test::network_of("network: net\ninputs: {x: [" + words +
                                "]}\nlayers:\n  - {name: a, op: relu}\n");
    };
    CHECK(!text_of_steps(at, {4, 0}));
}

}  // namespace memwall
