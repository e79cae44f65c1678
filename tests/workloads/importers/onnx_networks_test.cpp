// SPDX-License-Identifier: Apache-2.0
// Whole networks in the forms of PyTorch's and TensorFlow's exporters, beside the shipped ones.
#include <catch2/catch.hpp>

#include "tests/workloads/importers/exported.hpp"
#include "workloads/network_yaml.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

Network shipped(const std::string& name) {
    return load_network_file(std::string(MEMWALL_SOURCE_DIR) + "/configs/networks/" + name +
                             ".yaml");
}

OnnxAttribute number(std::int64_t value) {
    return value;
}

std::int64_t parameters_beside_weights(const Network& network) {
    return network.parameters() - network.weights();
}

int count_of(const Network& network, const std::string& op) {
    int count = 0;
    for (const Layer& layer : network.layers()) {
        count += layer.op == op ? 1 : 0;
    }
    return count;
}

/// What torch.onnx makes of torchvision's ResNet-50: every normalisation is folded.
Network resnet50() {
    Exported e(17);
    e.model().input("input.1", {"batch_size", "3", "224", "224"});
    const auto relu = [&](const std::string& x) { return e.node("Relu", {x}); };
    std::string x = relu(e.conv("input.1", 3, 64, 7, 2));
    x = e.node("MaxPool", {x},
               {{"ceil_mode", number(0)},
                {"kernel_shape", Ints{3, 3}},
                {"pads", Ints{1, 1, 1, 1}},
                {"strides", Ints{2, 2}}});
    std::int64_t channels = 64;
    const Ints blocks = {3, 4, 6, 3};
    for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
        const std::int64_t width = std::int64_t{64} << stage;
        for (std::int64_t block = 0; block < blocks[stage]; ++block) {
            const std::int64_t stride = block == 0 && stage > 0 ? 2 : 1;
            std::string y = relu(e.conv(x, channels, width, 1, 1));
            y = relu(e.conv(y, width, width, 3, stride));
            y = e.conv(y, width, 4 * width, 1, 1);
            const std::string beside = block == 0 ? e.conv(x, channels, 4 * width, 1, stride) : x;
            x = relu(e.node("Add", {y, beside}));
            channels = 4 * width;
        }
    }
    x = e.node("Flatten", {e.node("GlobalAveragePool", {x})}, {{"axis", number(1)}});
    x = e.node("Gemm", {x, e.weights({1000, 2048}), e.weights({1000})},
               {{"alpha", 1.0}, {"beta", 1.0}, {"transB", number(1)}});
    return e.imported(x).network;
}

/// MobileNetV2, its images as they are: [N, C, rows, columns], or with channels last.
class MobileNet {
public:
    explicit MobileNet(bool channels_last) : e_(15), channels_last_(channels_last) {}

    Network network() {
        if (channels_last_) {
            e_.model().input("input:0", {"unk__615", "224", "224", "3"});
        } else {
            e_.model().input("input", {"N", "3", "224", "224"});
        }
        std::string x = block(channels_last_ ? "input:0" : "input", 3, 32, 3, 2, 1, true);
        std::int64_t channels = 32;
        struct Stage {
            std::int64_t expand, filters, count, stride;
        };
        for (const Stage& stage :
             {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2}, Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
              Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}}) {
            for (std::int64_t n = 0; n < stage.count; ++n) {
                const std::int64_t inside = channels * stage.expand;
                std::string y = stage.expand == 1 ? x : block(x, channels, inside, 1, 1, 1, true);
                y = block(y, inside, inside, 3, n == 0 ? stage.stride : 1, inside, true);
                y = block(y, inside, stage.filters, 1, 1, 1, false);
                x = channels == stage.filters && n > 0 ? e_.node("Add", {x, y}) : y;
                channels = stage.filters;
            }
        }
        return e_.imported(classes(block(x, channels, 1280, 1, 1, 1, true))).network;
    }

private:
    std::string block(const std::string& x, std::int64_t channels, std::int64_t filters,
                      std::int64_t kernel, std::int64_t stride, std::int64_t groups, bool clip) {
        std::string y;
        if (!channels_last_) {
            y = e_.conv(x, channels, filters, kernel, stride, groups);
        } else {
            // tf2onnx turns the image before and behind, and pads as TensorFlow does.
            y = e_.transposed(x, {0, 3, 1, 2});
            y = e_.node("Conv", {y, e_.weights({filters, channels / groups, kernel, kernel})},
                        {{"auto_pad", std::string("SAME_UPPER")},
                         {"group", groups},
                         {"kernel_shape", Ints{kernel, kernel}},
                         {"strides", Ints{stride, stride}}});
            std::vector<std::string> inputs = {y};
            for (int each = 0; each < 4; ++each) {
                inputs.push_back(e_.weights({filters}));
            }
            y = e_.transposed(e_.node("BatchNormalization", inputs), {0, 2, 3, 1});
        }
        return clip ? e_.node("Clip", {y, e_.real(0), e_.real(6)}) : y;
    }

    std::string classes(const std::string& x) {
        if (!channels_last_) {
            const std::string mean =
                e_.node("ReduceMean", {x}, {{"axes", Ints{2, 3}}, {"keepdims", number(0)}});
            return e_.node("Gemm", {mean, e_.weights({1000, 1280}), e_.weights({1000})},
                           {{"transB", number(1)}});
        }
        const std::string mean = e_.node("GlobalAveragePool", {e_.transposed(x, {0, 3, 1, 2})});
        const std::string flat = e_.node("Squeeze", {mean, e_.constant(Ints{2, 3})});
        const std::string sum = e_.node("MatMul", {flat, e_.weights({1280, 1000})});
        return e_.node("Softmax", {e_.node("Add", {sum, e_.weights({1000})})},
                       {{"axis", number(1)}});
    }

    Exported e_;
    bool channels_last_;
};

/// Hugging Face's BERT as torch.onnx writes it up to set 16, its mask counted from an input.
Network bert_large() {
    Exported e(13);
    for (const char* input : {"input_ids", "attention_mask", "token_type_ids"}) {
        e.model().input(input, {"batch", "sequence"}, kOnnxInt64);
    }
    const std::string mask =
        e.node("Unsqueeze",
               {e.node("Unsqueeze", {"attention_mask", e.constant(Ints{1})}), e.constant(Ints{2})});
    const std::string hidden = e.node(
        "Mul",
        {e.node("Sub", {e.real(1), e.node("Cast", {mask}, {{"to", number(1)}})}), e.real(-10000)});
    const std::string places =
        e.node("Slice", {e.weights({1, 512}, kOnnxInt64), e.constant(Ints{0}),
                         e.size("input_ids", 1), e.constant(Ints{1})});
    std::string x = e.node("Add", {e.node("Gather", {e.weights({30522, 1024}), "input_ids"}),
                                   e.node("Gather", {e.weights({2, 1024}), "token_type_ids"})});
    x = e.node("Add", {x, e.node("Gather", {e.weights({512, 1024}), places})});
    x = e.layer_norm(x, 1024);
    for (int layer = 0; layer < 24; ++layer) {
        const auto heads = [&](const Ints& order) {
            return e.transposed(e.viewed(e.linear(x, 1024, 1024), {16, 64}), order);
        };
        const std::string q = heads({0, 2, 1, 3});
        const std::string k = heads({0, 2, 3, 1});
        const std::string v = heads({0, 2, 1, 3});
        std::string scores = e.node("Div", {e.node("MatMul", {q, k}), e.real(8)});
        scores = e.node("Softmax", {e.node("Add", {scores, hidden})}, {{"axis", number(3)}});
        const std::string context = e.transposed(e.node("MatMul", {scores, v}), {0, 2, 1, 3});
        const std::string merged = e.viewed(context, {1024});
        x = e.layer_norm(e.node("Add", {e.linear(merged, 1024, 1024), x}), 1024);
        const std::string up = e.linear(x, 1024, 4096);
        const std::string erf = e.node("Erf", {e.node("Div", {up, e.real(1.4142135)})});
        const std::string gelu =
            e.node("Mul", {e.node("Mul", {up, e.node("Add", {erf, e.real(1)})}), e.real(0.5)});
        x = e.layer_norm(e.node("Add", {e.linear(gelu, 4096, 1024), x}), 1024);
    }
    const std::string first = e.node("Gather", {x, e.constant(0)}, {{"axis", number(1)}});
    x = e.node("Gemm", {first, e.weights({1024, 1024}), e.weights({1024})},
               {{"transB", number(1)}});
    ImportOptions options;
    options.dims["sequence"] = 384;
    return e.imported(e.node("Tanh", {x}), options).network;
}

/// Hugging Face's Llama: halves are turned by Slice, Neg and Concat, keys repeated by Expand, what
/// must not be seen filled in by Trilu and Where.
class Llama {
public:
    Network network() {
        e_.model().input("input_ids", {"batch", "sequence"}, kOnnxInt64);
        e_.model().input("position_ids", {"batch", "sequence"}, kOnnxInt64);
        make_angles();
        make_mask();
        std::string x = e_.node("Gather", {e_.weights({128'256, 4096}), "input_ids"});
        for (int layer = 0; layer < 32; ++layer) {
            x = e_.node("Add", {x, attention(e_.rms_norm(x, 4096))});
            const std::string normal = e_.rms_norm(x, 4096);
            const std::string gate = e_.linear(normal, 4096, 14336, false);
            const std::string silu = e_.node("Mul", {gate, e_.node("Sigmoid", {gate})});
            const std::string inside =
                e_.node("Mul", {silu, e_.linear(normal, 4096, 14336, false)});
            x = e_.node("Add", {x, e_.linear(inside, 14336, 4096, false)});
        }
        x = e_.linear(e_.rms_norm(x, 4096), 4096, 128'256, false);
        ImportOptions options;
        options.dims["sequence"] = 512;
        return e_.imported(x, options).network;
    }

private:
    void make_angles() {
        const std::string places =
            e_.node("Cast", {e_.node("Unsqueeze", {"position_ids", e_.constant(Ints{1})})},
                    {{"to", number(1)}});
        const std::string angles =
            e_.transposed(e_.node("MatMul", {e_.weights({1, 64, 1}), places}), {0, 2, 1});
        const std::string both = e_.node("Concat", {angles, angles}, {{"axis", number(-1)}});
        const auto of_heads = [&](const char* function) {
            return e_.node("Unsqueeze", {e_.node(function, {both}), e_.constant(Ints{1})});
        };
        cos_ = of_heads("Cos");
        sin_ = of_heads("Sin");
    }

    void make_mask() {
        const std::string length = e_.size("input_ids", 1);
        const std::string square = e_.node("Concat", {length, length}, {{"axis", number(0)}});
        const std::string full = e_.node("Expand", {e_.real(-3.4e38), square});
        const std::string upper = e_.node("Trilu", {full, e_.constant(1)}, {{"upper", number(1)}});
        mask_ = e_.node("Unsqueeze", {upper, e_.constant(Ints{0, 1})});
    }

    std::string rotary(const std::string& x) {
        const auto half = [&](std::int64_t begin, std::int64_t end) {
            return e_.node("Slice", {x, e_.constant(Ints{begin}), e_.constant(Ints{end}),
                                     e_.constant(Ints{3}), e_.constant(Ints{1})});
        };
        const std::string turned = e_.node(
            "Concat", {e_.node("Neg", {half(64, INT64_MAX)}), half(0, 64)}, {{"axis", number(-1)}});
        return e_.node("Add", {e_.node("Mul", {x, cos_}), e_.node("Mul", {turned, sin_})});
    }

    /// Eight heads, each for four of the queries, as `repeat_kv` does.
    std::string repeated(const std::string& x) {
        const std::string apart = e_.node("Unsqueeze", {x, e_.constant(Ints{2})});
        const std::string to = e_.node("Concat",
                                       {e_.size(x, 0), e_.constant(Ints{8}), e_.constant(Ints{4}),
                                        e_.size(x, 2), e_.constant(Ints{128})},
                                       {{"axis", number(0)}});
        const std::string shape = e_.node(
            "Concat", {e_.size(x, 0), e_.constant(Ints{32}), e_.size(x, 2), e_.constant(Ints{128})},
            {{"axis", number(0)}});
        return e_.node("Reshape", {e_.node("Expand", {apart, to}), shape});
    }

    std::string attention(const std::string& x) {
        const auto heads = [&](std::int64_t count) {
            return e_.transposed(e_.viewed(e_.linear(x, 4096, count * 128, false), {count, 128}),
                                 {0, 2, 1, 3});
        };
        const std::string q = rotary(heads(32));
        const std::string k = e_.transposed(repeated(rotary(heads(8))), {0, 1, 3, 2});
        const std::string v = repeated(heads(8));
        std::string scores = e_.node("Div", {e_.node("MatMul", {q, k}), e_.real(11.3137)});
        scores = e_.node("Softmax", {e_.node("Add", {scores, mask_})}, {{"axis", number(-1)}});
        const std::string context = e_.transposed(e_.node("MatMul", {scores, v}), {0, 2, 1, 3});
        return e_.linear(e_.viewed(context, {4096}), 4096, 4096, false);
    }

    Exported e_{17};
    std::string cos_, sin_, mask_;
};

/// Hugging Face's GPT-2: one product for queries, keys and values, cut by Split; the triangle is a
/// Slice of a table; the head is the look-up table turned.
Network gpt2(std::int64_t length) {
    Exported e(13);
    e.model().input("input_ids", {"batch", "sequence"}, kOnnxInt64);
    const auto linear = [&](const std::string& x, std::int64_t inputs, std::int64_t outputs) {
        const std::string flat = e.node("Reshape", {x, e.constant(Ints{-1, inputs})});
        const std::string y =
            e.node("Gemm", {flat, e.weights({inputs, outputs}), e.weights({outputs})});
        const std::string shape =
            e.node("Concat", {e.size(x, 0), e.size(x, 1), e.constant(Ints{outputs})},
                   {{"axis", number(0)}});
        return e.node("Reshape", {y, shape});
    };
    const std::string table = e.weights({50257, 768});
    const std::string places = e.node(
        "Range", {e.constant(0), e.node("Squeeze", {e.size("input_ids", 1)}), e.constant(1)});
    std::string x = e.node("Add", {e.node("Gather", {table, "input_ids"}),
                                   e.node("Gather", {e.weights({1024, 768}), places})});
    for (int layer = 0; layer < 12; ++layer) {
        const std::vector<std::string> parts = e.parts(
            "Split", {linear(e.layer_norm(x, 768), 768, 2304), e.constant(Ints{768, 768, 768})}, 3,
            {{"axis", number(2)}});
        const auto heads = [&](const std::string& part, const Ints& order) {
            return e.transposed(e.viewed(part, {12, 64}), order);
        };
        const std::string scores = e.node(
            "Div",
            {e.node("MatMul", {heads(parts[0], {0, 2, 1, 3}), heads(parts[1], {0, 2, 3, 1})}),
             e.real(8)});
        const std::string seen =
            e.node("Slice", {e.weights({1, 1, 1024, 1024}, kOnnxUint8), e.constant(Ints{0, 0}),
                             e.node("Concat", {e.size(x, 1), e.size(x, 1)}, {{"axis", number(0)}}),
                             e.constant(Ints{2, 3})});
        const std::string masked =
            e.node("Where", {e.node("Cast", {seen}, {{"to", number(9)}}), scores, e.real(-1e4)});
        const std::string context =
            e.transposed(e.node("MatMul", {e.node("Softmax", {masked}, {{"axis", number(3)}}),
                                           heads(parts[2], {0, 2, 1, 3})}),
                         {0, 2, 1, 3});
        x = e.node("Add", {linear(e.viewed(context, {768}), 768, 768), x});
        const std::string up = linear(e.layer_norm(x, 768), 768, 3072);
        const std::string cube = e.node("Mul", {e.node("Pow", {up, e.real(3)}), e.real(0.044715)});
        const std::string tanh =
            e.node("Tanh", {e.node("Mul", {e.node("Add", {up, cube}), e.real(0.79788)})});
        const std::string gelu =
            e.node("Mul", {e.node("Mul", {up, e.real(0.5)}), e.node("Add", {tanh, e.real(1)})});
        x = e.node("Add", {x, linear(gelu, 3072, 768)});
    }
    x = e.node("MatMul", {e.layer_norm(x, 768), e.transposed(table, {1, 0})});
    ImportOptions options;
    options.dims["sequence"] = length;
    return e.imported(x, options).network;
}

}  // namespace

TEST_CASE("ResNet-50 as PyTorch exports it has the counts of the shipped one") {
    const Network exported = resnet50();
    const Network own = shipped("resnet50");
    CHECK(exported.macs() == own.macs());
    CHECK(exported.weights() == own.weights());
    // A bias for each filter in place of a gain and an offset, and those of the classes.
    CHECK(parameters_beside_weights(exported) ==
          (parameters_beside_weights(own) - 1000) / 2 + 1000);
    CHECK(count_of(exported, "relu") == 49);
    CHECK(count_of(exported, "add") == 16);
}

TEST_CASE("MobileNetV2 as PyTorch and TensorFlow export it has the counts of the shipped one") {
    const Network own = shipped("mobilenet_v2");
    for (const bool channels_last : {false, true}) {
        const Network exported = MobileNet(channels_last).network();
        INFO(channels_last);
        CHECK(exported.macs() == own.macs());
        CHECK(exported.weights() == own.weights());
        CHECK(count_of(exported, "relu6") == 35);
        CHECK(count_of(exported, "add") == 10);
        CHECK(exported.layers().back().op == (channels_last ? "softmax" : "linear"));
    }
}

TEST_CASE("BERT-large as PyTorch exports it has the counts of the shipped one") {
    const Network exported = bert_large();
    const Network own = shipped("bert_large");
    CHECK(exported.macs() == own.macs());
    // The rows of the first 384 positions are constants beside the vector unit.
    CHECK(exported.weights() == own.weights() - 512 * 1024);
    CHECK(exported.parameters() == own.parameters() - (512 - 384) * 1024);
    CHECK(count_of(exported, "layer_norm") == 49);
    CHECK(count_of(exported, "gelu") == 24);
    CHECK(count_of(exported, "softmax") == 24);
}

TEST_CASE("Llama 3 as PyTorch exports it has the counts of the shipped one and of all positions") {
    const Network exported = Llama().network();
    const Network own = shipped("llama3_8b");
    // Scores and contexts of all pairs, not of the causal half; logits of all positions; the
    // angles.
    const std::int64_t pairs = std::int64_t{512} * 512 - 512;
    CHECK(exported.macs() ==
          own.macs() + 32 * 32 * 128 * pairs + std::int64_t{511} * 128'256 * 4096 + 64 * 512);
    CHECK(exported.weights() == own.weights() + 64);
    CHECK(count_of(exported, "rms_norm") == 65);
    CHECK(count_of(exported, "silu") == 32);
    CHECK(count_of(exported, "expand") == 0);
    for (const Layer& layer : exported.layers()) {
        if (layer.op == "matmul") {
            REQUIRE(layer.space.extents[index(Dim::H)] == 8);
        }
    }
}

TEST_CASE("GPT-2 as PyTorch exports it has the counts that follow from its shape") {
    constexpr std::int64_t kLength = 128;
    const Network exported = gpt2(kLength);
    constexpr std::int64_t kBlock = 768 * 2304 + 768 * 768 + 2 * 768 * 3072;
    CHECK(exported.macs() ==
          kLength * (12 * kBlock + 768 * 50257) + 12 * 2 * kLength * kLength * 768);
    CHECK(exported.weights() == 12 * kBlock + 768 * 50257);
    CHECK(count_of(exported, "gelu") == 12);
    CHECK(count_of(exported, "layer_norm") == 25);
    CHECK(count_of(exported, "where") == 12);
}

}  // namespace memwall
