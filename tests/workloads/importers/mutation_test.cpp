// SPDX-License-Identifier: Apache-2.0
// Files with random damage: every one is read or refused with a message, none breaks the program.
#include <catch2/catch.hpp>
#include <chrono>

#include "tests/support/draw.hpp"
#include "tests/support/onnx_models.hpp"
#include "tests/workloads/importers/imported.hpp"
#include "tests/workloads/network_text.hpp"

namespace memwall {
namespace {

using namespace test;

std::string damaged(Draw& draw, std::string text) {
    const std::int64_t wounds = draw(1, 4);
    for (std::int64_t wound = 0; wound < wounds && !text.empty(); ++wound) {
        const auto size = static_cast<std::int64_t>(text.size());
        const auto at = static_cast<std::size_t>(draw(0, size - 1));
        const auto length = static_cast<std::size_t>(draw(1, std::min<std::int64_t>(20, size)));
        switch (draw(1, 6)) {
            case 1:
                text[at] = static_cast<char>(draw(0, 255));
                break;
            case 2:
                text.erase(at, length);
                break;
            case 3:
                text.insert(at, text.substr(static_cast<std::size_t>(draw(0, size - 1)), length));
                break;
            case 4:
                text.resize(at);
                break;
            case 5:
                text.insert(at, draw.one_of<std::string>(
                                    {"-1", "99999999999999999999", "{", "}", "[", "]", ": ", "- ",
                                     "\n", ",", "0", "\xFF\xFF\xFF\xFF\xFF\xFF\x7F", "*a", "&a "}));
                break;
            default:
                text[at] = static_cast<char>(text[at] ^ (1 << draw(0, 7)));
                break;
        }
    }
    return text;
}

std::string small_model() {
    OnnxModel model;
    model.input("x", {"1", "4", "8", "8"}).output("y").weights("w", {4, 4, 3, 3});
    model.weights("g", {64, 10})
        .integers("shape", {1, -1})
        .integers("pads", {0, 0, 1, 1, 0, 0, 1, 1});
    model.node("Pad", {"x", "pads"}, {"p"});
    model.node("Conv", {"p", "w"}, {"c"}, {{"strides", std::vector<std::int64_t>{2, 2}}});
    model.node("Relu", {"c"}, {"r"});
    model.node("MaxPool", {"r"}, {"m"}, {{"kernel_shape", std::vector<std::int64_t>{1, 1}}});
    model.node("Reshape", {"m", "shape"}, {"f"}).node("MatMul", {"f", "g"}, {"y"});
    return model.bytes();
}

struct Sound {
    const char* name;
    const char* format;
    std::string content;
};

std::vector<Sound> sound_files() {
    return {
        {"a.onnx", "onnx", small_model()},
        {"a.csv", "scalesim",
         "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num "
         "Filter, Strides,\nc1, 28, 28, 3, 3, 3, 8, 2,\nc2, 13, 13, 3, 3, 8, 1, 1,\n"},
        {"a.m", "maestro",
         "Network n { Layer a { Type: CONV Stride { X: 2, Y: 2 } Dimensions { K: 8, C: 3, R: 3, S: "
         "3, Y: 9, X: 9 } Dataflow { SpatialMap(1,1) K; } } }"},
        {"a.yaml", "zigzag",
         "- id: 0\n  operator_type: Conv\n  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy]"
         "[ix]\n  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]\n  loop_dims: [B, K, C, OY, "
         "OX, FY, FX]\n  loop_sizes: [1, 8, 3, 8, 8, 3, 3]\n  operand_source: {I: 0, W: 0}\n"},
        {"b.yaml", "timeloop",
         "problem:\n  instance: {M: 16, N: 32, K: 8}\n  shape:\n    dimensions: [M, N, K]\n    "
         "data-spaces:\n    - {name: A, projection: [[[M]], [[K]]]}\n    - {name: B, projection: "
         "[[[N]], [[K]]]}\n    - {name: Z, projection: [[[M]], [[N]]], read-write: true}\n"},
    };
}

const char* const kNetwork =
    "memwall: 1\nnetwork: net\nprecision: w4a8\nparameters: {k: 4, n: \"{2 * k}\"}\n"
    "inputs: {x: [4, 8, 8]}\nlayers:\n"
    "  - {name: c, op: conv, out_channels: \"{k}\", kernel: [3, 1], padding: same}\n"
    "  - repeat: 3\n    layers:\n      - {name: \"r{i}\", op: relu}\n"
    "      - {name: \"a{i}\", op: add, inputs: [\"r{i}\", \"{previous}\"]}\n"
    "  - {name: f, op: flatten, shape: [256]}\n"
    "  - {name: l, op: linear, out_features: \"{n}\", output_precision: int8}\n";

constexpr auto kMostTime = std::chrono::seconds(60);

}  // namespace

TEST_CASE("Damaged files of other programs are read or refused, in bounded time") {
    const auto start = std::chrono::steady_clock::now();
    Draw draw(23);
    int refused = 0;
    for (const Sound& sound : sound_files()) {
        INFO(sound.name);
        REQUIRE(import_faults(sound.name, sound.content, {}, sound.format).empty());
        for (int example = 0; example < 700; ++example) {
            ImportOptions options;
            options.skip_unsupported = draw.chance(30);
            const std::string text = damaged(draw, sound.content);
            INFO(text);
            const std::string fault = import_faults(sound.name, text, options, sound.format);
            refused += fault.empty() ? 0 : 1;
            REQUIRE((fault.empty() || fault.find("error: ") != std::string::npos));
        }
    }
    CHECK(refused > 1000);
    CHECK(std::chrono::steady_clock::now() - start < kMostTime);
}

TEST_CASE("Damaged network files are read or refused, in bounded time") {
    const auto start = std::chrono::steady_clock::now();
    Draw draw(29);
    REQUIRE(faults_of(kNetwork).empty());
    int refused = 0;
    for (int example = 0; example < 3000; ++example) {
        const std::string text = damaged(draw, kNetwork);
        INFO(text);
        const std::string fault = faults_of(text);
        refused += fault.empty() ? 0 : 1;
        REQUIRE((fault.empty() || fault.find("error: ") != std::string::npos));
    }
    CHECK(refused > 1000);
    CHECK(std::chrono::steady_clock::now() - start < kMostTime);
}

}  // namespace memwall
