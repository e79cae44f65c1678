// SPDX-License-Identifier: Apache-2.0
#include "workloads/fold_repeats.hpp"

#include <catch2/catch.hpp>

#include "tests/support/draw.hpp"
#include "tests/support/same_network.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/network_export.hpp"

namespace memwall {
namespace {

/// The lines under `layers:` of the file that is written for these layers.
std::string folded(const std::string& layers) {
    const Network network = test::network_of_layers("[4, 6, 6]", layers);
    const std::string file = network_text(network);
    INFO(file);
    REQUIRE(test::difference(network, test::network_of(file)) == "");
    return file.substr(file.find("layers:\n") + 8);
}

std::string layer(const std::string& name, const std::string& keys) {
    return "- {name: " + name + ", " + keys + "}\n";
}

}  // namespace

TEST_CASE("Layers that differ in a counter become a block, from whatever it counts") {
    std::string layers;
    for (int n = 3; n <= 7; ++n) {
        layers += layer("relu" + std::to_string(n), "op: relu");
    }
    CHECK(folded(layers) ==
          "  - repeat: 5\n    from: 3\n    layers:\n      - {name: \"relu{i}\", op: relu}\n");
}

TEST_CASE("Few short repeats, and numbers that do not count up by one, stay as they are") {
    CHECK(folded(layer("r1", "op: relu") + layer("r2", "op: relu")) ==
          "  - {name: r1, op: relu}\n  - {name: r2, op: relu}\n");
    std::string odd;
    for (int n = 1; n <= 9; n += 2) {
        odd += layer("r" + std::to_string(n), "op: relu");
    }
    CHECK(folded(odd).find("repeat") == std::string::npos);
    std::string zeros;
    for (int n = 1; n <= 6; ++n) {
        zeros += layer("r0" + std::to_string(n), "op: relu");
    }
    CHECK(folded(zeros).find("repeat") == std::string::npos);
    std::string equal_names;
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        equal_names += layer(name, "op: relu");
    }
    CHECK(folded(equal_names).find("repeat") == std::string::npos);
}

TEST_CASE("What a block reads of the block before it becomes {previous}") {
    std::string layers;
    std::string before = "x";
    for (int n = 1; n <= 3; ++n) {
        const std::string i = std::to_string(n);
        layers += layer("a" + i, "op: relu") + layer("b" + i, "op: tanh");
        layers += layer("sum" + i, "op: add, inputs: [b" + i + ", " + before + "]");
        before = "sum" + i;
    }
    CHECK(folded(layers) ==
          "  - repeat: 3\n    layers:\n      - {name: \"a{i}\", op: relu}\n"
          "      - {name: \"b{i}\", op: tanh}\n"
          "      - {name: \"sum{i}\", op: add, inputs: [\"b{i}\", \"{previous}\"]}\n");
}

TEST_CASE("Blocks that repeat blocks count with letters of their own") {
    std::string layers;
    for (int outer = 1; outer <= 3; ++outer) {
        for (int inner = 1; inner <= 5; ++inner) {
            layers += layer("s" + std::to_string(outer) + "_" + std::to_string(inner), "op: relu");
        }
        layers += layer("t" + std::to_string(outer), "op: tanh");
    }
    CHECK(folded(layers) ==
          "  - repeat: 3\n    layers:\n      - repeat: 5\n        index: j\n        layers:\n"
          "          - {name: \"s{i}_{j}\", op: relu}\n      - {name: \"t{i}\", op: tanh}\n");
}

TEST_CASE("A reference that does not follow the pattern ends the block") {
    std::string layers = layer("r1", "op: relu");
    for (int n = 2; n <= 9; ++n) {
        layers += layer("r" + std::to_string(n), n == 6 ? "op: relu, inputs: r2" : "op: relu");
    }
    CHECK(folded(layers).find("{name: r6, op: relu, inputs: [r2]}") != std::string::npos);
}

TEST_CASE("Folding never changes a network, whatever its layers are called and read") {
    test::Draw draw(5);
    for (int example = 0; example < 300; ++example) {
        std::string layers;
        std::vector<std::string> names = {"x"};
        const std::int64_t count = draw(2, 40);
        const std::int64_t period = draw(1, 4);
        for (std::int64_t n = 0; n < count; ++n) {
            const std::string block = std::to_string(n / period);
            const std::string part = std::to_string(n % period);
            const std::string name =
                draw.chance(95) ? "b" + block + "_" + part : "odd" + std::to_string(n);
            const std::string other = names[static_cast<std::size_t>(
                draw.chance(70) ? std::max<std::int64_t>(0, n - period) : draw(0, n))];
            layers += n % period == 0 && n > 0
                          ? layer(name, "op: add, inputs: [" + names.back() + ", " + other + "]")
                          : layer(name, draw.chance(90) ? "op: relu" : "op: tanh");
            names.push_back(name);
        }
        folded(layers);
    }
}

}  // namespace memwall
