// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "tests/support/draw.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/mask.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::faults_of;
using test::network_of;
using test::shipped;

std::string inputs(const std::string& shapes, const std::string& layers) {
    return "network: net\ninputs: {" + shapes + "}\nlayers:\n" + layers;
}

const Layer& layer(const Network& network, const std::string& name) {
    const LayerId id = network.find_layer(name);
    REQUIRE(id.valid());
    return network.layer(id);
}

/// Linear layers make queries, keys and values, as in a real network.
std::string block(std::int64_t positions, std::int64_t heads, std::int64_t kv_heads,
                  std::int64_t features, const std::string& keys) {
    const auto number = [](std::int64_t value) { return std::to_string(value); };
    return inputs(
        "x: [" + number(positions) + ", 8]",
        "- {name: q, op: linear, inputs: x, out_features: " + number(heads * features) +
            ", heads: " + number(heads) + "}\n" +
            "- {name: k, op: linear, inputs: x, out_features: " + number(kv_heads * features) +
            ", heads: " + number(kv_heads) + "}\n" +
            "- {name: v, op: linear, inputs: x, out_features: " + number(kv_heads * features) +
            ", heads: " + number(kv_heads) + "}\n" +
            "- {name: attn, op: attention, inputs: [q, k, v]" + keys + "}\n" +
            "- {name: o, op: linear, merge_heads: true, out_features: 8}\n");
}

}  // namespace

TEST_CASE("A mask counts exactly the pairs that are seen, in any box") {
    Draw draw(7);
    for (int trial = 0; trial < 2000; ++trial) {
        Mask mask;
        mask.rows = draw(1, 6);
        const std::int64_t heads = draw(1, 4);
        mask.columns = mask.rows + draw(0, 5);
        mask.window = draw.chance(50) ? draw(1, mask.columns) : 0;
        Box box = whole_box(unit_extents());
        const auto part = [&](std::int64_t extent) {
            const std::int64_t begin = draw(0, extent);
            return Range{begin, draw(begin, extent)};
        };
        box[Dim::P] = part(heads * mask.rows);
        box[Dim::K] = part(mask.columns);
        box[Dim::C] = {0, 3};
        std::int64_t pairs = 0;
        for (std::int64_t r = box[Dim::P].begin; r < box[Dim::P].end; ++r) {
            for (std::int64_t c = box[Dim::K].begin; c < box[Dim::K].end; ++c) {
                pairs += counts(mask, r, c) ? 1 : 0;
            }
        }
        REQUIRE(counted_points(mask, box) == 3 * pairs);
    }
}

TEST_CASE("Causal attention of P positions has P (P + 1) / 2 pairs a head") {
    const Network network = network_of(block(16, 4, 4, 5, ", causal: true"));
    CHECK(layer(network, "attn.scores").macs() == 4 * (16 * 17 / 2) * 5);
    CHECK(layer(network, "attn.context").macs() == 4 * (16 * 17 / 2) * 5);
    CHECK(layer(network, "attn.softmax").vector_operations() == 4 * (16 * 17 / 2) * 5);
    const Network full = network_of(block(16, 4, 4, 5, ""));
    CHECK(layer(full, "attn.scores").macs() == 4 * 16 * 16 * 5);
}

TEST_CASE("A window lets each query see its last keys only") {
    const Network network = network_of(block(16, 2, 2, 5, ", causal: true, window: 3"));
    CHECK(layer(network, "attn.scores").macs() == 2 * (1 + 2 + 14 * 3) * 5);
    // One new position after ten sees three keys; the others are not even read.
    const Network step =
        network_of(block(1, 2, 2, 5, ", causal: true, window: 3, cache: true, context: 10"));
    const Layer& scores = layer(step, "attn.scores");
    CHECK(scores.macs() == 2 * 3 * 5);
    CHECK(touched_words(scores.space.operands[1].projection, scores.space.box()) == 2 * 3 * 5);
    // Nor are they kept: of ten earlier positions the last two.
    CHECK(step.state_bytes().count() == 2 * 2 * 3 * 5);
    const Network early =
        network_of(block(1, 2, 2, 5, ", causal: true, window: 3, cache: true, context: 1"));
    CHECK(early.state_bytes().count() == 2 * 2 * 2 * 5);
}

TEST_CASE("Grouped queries read shared keys and values once") {
    const Network network = network_of(block(6, 8, 2, 5, ""));
    const Layer& scores = layer(network, "attn.scores");
    CHECK(scores.macs() == 8 * 6 * 6 * 5);
    CHECK(touched_words(scores.space.operands[1].projection, scores.space.box()) == 2 * 6 * 5);
    CHECK(scores.space.extent(Dim::H) == 2);
    CHECK(scores.space.extent(Dim::P) == 4 * 6);
    CHECK(network.tensor(network.find_tensor("attn")).shape == Shape{8, 6, 5});
    CHECK(layer(network, "attn").no_work);
    REQUIRE(scores.composite);
    CHECK(scores.composite->name == "attn");
    CHECK(scores.composite->op == "attention");
    const Network causal = network_of(block(6, 8, 2, 5, ", causal: true"));
    CHECK(layer(causal, "attn.scores").macs() == 8 * (6 * 7 / 2) * 5);
}

TEST_CASE("A cache holds the context and the new positions, which are made in their place") {
    const Network network =
        network_of(block(2, 4, 2, 5, ", causal: true, cache: true, context: 10"));
    const TensorId keys = network.find_tensor("attn.keys");
    CHECK(network.tensor(keys).shape == Shape{2, 12, 5});
    CHECK(network.tensor(keys).kind == TensorKind::state);
    CHECK(layer(network, "attn.keys").no_work);
    const Tensor& fresh = network.tensor(network.find_tensor("k"));
    REQUIRE(fresh.alias);
    CHECK(fresh.alias->of == keys);
    CHECK(fresh.alias->axis == 1);
    CHECK(fresh.alias->offset == 10);
    const Layer& scores = layer(network, "attn.scores");
    CHECK(scores.space.operands[1].role == TensorRole::state);
    CHECK(scores.macs() == 4 * (11 + 12) * 5);
    CHECK(network.state_bytes() == Bytes(2 * 2 * 12 * 5));
    CHECK(with_batch(network, 3).state_bytes() == Bytes(3 * 2 * 2 * 12 * 5));
    CHECK(with_precision(network, std::get<0>(parse_precision_policy("int4"))).state_bytes() ==
          Bytes(2 * 12 * 5));
}

TEST_CASE("Tokens of a mixture touch the expected number of different experts") {
    const std::string file =
        inputs("x: [1, 8]", "- {name: m, op: moe, experts: 8, top_k: 2, features: 16}\n");
    const auto rows = [&](std::int64_t batch) {
        const Network network = with_batch(network_of(file), batch);
        const Layer& gate = layer(network, "m.gate");
        const Projection& weights = gate.space.find(TensorRole::weights)->projection;
        CHECK(gate.macs() == batch * 2 * 8 * 16);
        return drawn_rows(weights, gate.space.box());
    };
    CHECK(rows(1) == 2);
    for (const std::int64_t tokens : {2, 4, 9, 100}) {
        const double expected = 8 * (1 - std::pow(1 - 2.0 / 8, static_cast<double>(tokens)));
        CHECK(rows(tokens) == std::llround(expected));
    }
    const Network network = network_of(file);
    CHECK(network.weights() == 8 * 8 + 8 * 3 * 8 * 16);
    CHECK(network.macs() == 8 * 8 + 2 * 3 * 8 * 16);
    // A distribution that always chooses the same two touches two.
    const Network skewed =
        with_batch(network_of(inputs("x: [1, 8]",
                                     "- {name: m, op: moe, experts: 4, top_k: 2, features: 16, "
                                     "routing: [5, 5, 0, 0]}\n")),
                   64);
    const Layer& gate = layer(skewed, "m.gate");
    CHECK(drawn_rows(gate.space.find(TensorRole::weights)->projection, gate.space.box()) == 2);
}

TEST_CASE("An embedding reads a row for each number, a bag adds its rows") {
    const Network network =
        network_of(inputs("x: [6]", "- {name: e, op: embedding, rows: 100, features: 4}\n"));
    CHECK(network.weights() == 400);
    CHECK(network.macs() == 0);
    const Layer& rows = network.layers().front();
    CHECK(touched_words(rows.space.find(TensorRole::weights)->projection, rows.space.box()) == 24);
    CHECK(network.tensor(rows.outputs[0]).shape == Shape{6, 4});
    const Network bag = network_of(
        inputs("x: [6]", "- {name: e, op: embedding, rows: 100, features: 4, pool: true}\n"));
    CHECK(bag.tensor(bag.layers().front().outputs[0]).shape == Shape{4});
    CHECK(bag.vector_operations() == 24);
}

TEST_CASE("Each mistake in a transformer's layers has its sentence") {
    const auto fault = [](const std::string& shapes, const std::string& layers) {
        const std::string all = faults_of(inputs(shapes, layers));
        return all.substr(0, all.find('\n'));
    };
    const std::string qkv = "q: [4, 6, 5], k: [2, 6, 5], v: [2, 6, 5]";
    CHECK(fault("q: [4, 6, 5], k: [3, 6, 5], v: [3, 6, 5]",
                "- {name: a, op: attention, inputs: [q, k, v]}\n")
              .find("layer 'a': attention needs queries [heads, positions, features]") !=
          std::string::npos);
    CHECK(fault("q: [4, 1, 5], k: [2, 6, 5], v: [2, 6, 5]",
                "- {name: a, op: attention, inputs: [q, k, v], causal: true}\n")
              .find("causal attention and a cache need as many queries as new keys") !=
          std::string::npos);
    CHECK(fault(qkv, "- {name: a, op: attention, inputs: [q, k, v], context: 3}\n") ==
          "net.yaml:4:56: error: 'context' in layer 'a' needs 'cache: true'");
    CHECK(fault(qkv, "- {name: a, op: attention, inputs: [q, k, v], window: 3}\n") ==
          "net.yaml:4:55: error: 'window' in layer 'a' needs 'causal: true'");
    CHECK(fault(qkv, "- {name: a, op: attention, inputs: [q, k]}\n")
              .find("attention takes 3 inputs, found 2") != std::string::npos);
    CHECK(fault("x: [6, 8]", "- {name: a, op: linear, out_features: 10, heads: 4}\n")
              .find("10 features are no multiple of 4 heads") != std::string::npos);
    CHECK(fault("x: [6, 8]", "- {name: a, op: linear, out_features: 10, last: 7}\n")
              .find("the last 7 positions of [6, 8] are read") != std::string::npos);
    CHECK(fault("x: [6, 8]", "- {name: a, op: moe, experts: 2, top_k: 3, features: 4}\n")
              .find("'top_k' in layer 'a': more than there are experts") != std::string::npos);
    CHECK(fault("x: [6, 8]",
                "- {name: a, op: moe, experts: 2, top_k: 2, features: 4, routing: [1, 2, 3]}\n")
              .find("expected 'uniform' or a list of 2 numbers") != std::string::npos);
    CHECK(fault("x: [6, 8]",
                "- {name: a, op: moe, experts: 2, top_k: 2, features: 4, routing: [1, 2]}\n")
              .find("an expert is chosen more than once by a token") != std::string::npos);
    CHECK(fault("x: [6, 8]", "- {name: a, op: embedding, rows: 4, features: 4}\n")
              .find("embedding needs numbers of shape [positions], found [6, 8]") !=
          std::string::npos);
}

TEST_CASE("A composite's parts may not take the names of other layers") {
    CHECK(faults_of(inputs("q: [4, 6, 5], k: [2, 6, 5], v: [2, 6, 5]",
                           "- {name: a, op: attention, inputs: [q, k, v]}\n"
                           "- {name: a.scores, op: relu, inputs: a}\n")) ==
          "net.yaml:4:10: error: the name 'a.scores' is that of a part of layer 'a'");
}

TEST_CASE("The published networks have their published parameters") {
    struct Published {
        const char* name;
        std::int64_t parameters;  ///< exact, or as printed
        double within;            ///< half of the last printed digit
    };
    const double exact = 0;
    const std::vector<Published> all = {
        {"llama2_7b", 6'738'415'616, exact},  {"llama2_70b", 68'976'648'192, exact},
        {"llama3_8b", 8'030'261'248, exact},  {"mixtral_8x7b", 46'700'000'000, 50e6},
        {"granite_8b", 8'050'000'000, 5e6},   {"granite_3_8b", 8'000'000'000, 500e6},
        {"granite_3b", 3'000'000'000, 500e6}, {"gpt_j_6b", 6'050'000'000, 5e6},
        {"glam", 1'200'000'000'000, 50e9},    {"bert_large", 340'000'000, 5e6},
        {"vit_b16", 86'567'656, exact},       {"granite_moe_1b", 1'300'000'000, 50e6},
    };
    for (const Published& each : all) {
        INFO(each.name);
        const std::int64_t found = shipped(each.name).parameters();
        CHECK(std::abs(static_cast<double>(found - each.parameters)) <= each.within);
    }
}

TEST_CASE("A token uses the published share of a mixture's parameters") {
    const auto used = [](const Network& network) {
        double sum = static_cast<double>(network.parameters());
        for (const Layer& each : network.layers()) {
            if (each.op == "expert_linear") {
                const Tensor& weights = network.tensor(each.weights);
                const Gather& routing = *each.space.find(TensorRole::weights)->projection.gather;
                const double unused = 1 - static_cast<double>(routing.together) /
                                              static_cast<double>(weights.shape[0]);
                sum -= static_cast<double>(weights.item_words()) * unused;
            }
        }
        return sum;
    };
    CHECK(std::abs(used(shipped("mixtral_8x7b")) - 12.9e9) <= 0.05e9);
    CHECK(std::abs(used(shipped("glam")) - 96.6e9) <= 0.05e9);
    CHECK(std::abs(used(shipped("granite_moe_1b")) - 400e6) <= 50e6);
}

TEST_CASE("DLRM has its tables and reads a row of each") {
    const Network network = shipped("dlrm");
    CHECK(network.tensor(network.find_tensor("interaction")).shape == Shape{479});
    std::int64_t rows = 0;
    std::int64_t read = 0;
    for (const Layer& each : network.layers()) {
        if (each.op == "embedding") {
            const Operand* table = each.space.find(TensorRole::weights);
            rows += network.tensor(each.weights).shape[0];
            read += touched_words(table->projection, each.space.box());
        }
    }
    CHECK(rows == 187'767'399);
    CHECK(read == 26 * 128);
}

}  // namespace memwall
