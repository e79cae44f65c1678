// SPDX-License-Identifier: Apache-2.0
// The shapes of imported networks beside those that ONNX's own inference finds.
#include <catch2/catch.hpp>

#include "tests/support/draw.hpp"
#include "tests/support/onnx_models.hpp"
#include "tests/workloads/importers/imported.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

/// Writes a random model node by node; every node is sound for the shape that the one before makes.
class Generator {
public:
    explicit Generator(Draw& draw) : draw_(draw) {
        dims_ = {1, draw(1, 4) * 2, draw(6, 20), draw(6, 20)};
        model_.input("x", {"1", std::to_string(dims_[1]), std::to_string(dims_[2]),
                           std::to_string(dims_[3])});
    }

    void add() {
        if (dims_.size() != 4) {
            return add_flat();
        }
        switch (draw_(1, 14)) {
            case 1:
            case 2:
            case 3:
                return add_conv();
            case 4:
                return add_pool();
            case 5:
                return make(draw_.one_of<std::string>({"Relu", "Sigmoid", "HardSwish", "Elu"}),
                            {last_});
            case 6:
                return make("Concat", {last_, last_}, {{"axis", draw_(1, 3)}});
            case 7:
                return make("Add", {last_, last_});
            case 8:
                return add_transposed();
            case 9:
                return make(draw_.one_of<std::string>({"Exp", "Sqrt", "Abs", "Floor", "Cos"}),
                            {last_});
            case 10:
                return make(draw_.one_of<std::string>({"Max", "Min", "Mean"}), {last_, last_});
            case 11:
                return add_repeated();
            case 12:
                return add_part();
            case 13:
                return add_resized();
            default:
                return draw_.chance(30) ? add_end()
                                        : make("Softmax", {last_}, {{"axis", draw_(1, 3)}});
        }
    }

    OnnxModel& finish() { return model_.output(last_); }
    /// Whether a part is repeated: what reads it sees runs of words, not the image.
    [[nodiscard]] bool repeats() const { return repeats_; }

private:
    void make(const std::string& op, const std::vector<std::string>& inputs,
              const OnnxAttributes& attributes = {}) {
        last_ = "v" + std::to_string(++count_);
        model_.node(op, inputs, {last_}, attributes);
        dims_ = model_.inferred().at(last_);
    }

    std::string weights(const Ints& dims) {
        std::string name = "w" + std::to_string(++count_);
        model_.weights(name, dims);
        return name;
    }

    OnnxAttributes window(std::int64_t kernel, bool dilated) {
        OnnxAttributes attributes = {{"strides", Ints{draw_(1, 3), draw_(1, 3)}}};
        if (dilated) {
            attributes.emplace_back("dilations", Ints{draw_(1, 2), draw_(1, 2)});
        }
        const std::int64_t how = draw_(1, 4);
        if (how == 1) {
            attributes.emplace_back(
                "auto_pad", draw_.one_of<std::string>({"SAME_UPPER", "SAME_LOWER", "VALID"}));
        } else if (how < 4) {
            const auto pad = [&] { return draw_(0, kernel - 1); };
            attributes.emplace_back("pads", Ints{pad(), pad(), pad(), pad()});
        }
        return attributes;
    }

    [[nodiscard]] std::int64_t kernel() {
        const std::int64_t most = std::min<std::int64_t>({3, dims_[2] / 2, dims_[3] / 2});
        return draw_(1, std::max<std::int64_t>(1, most));
    }

    void add_conv() {
        const std::int64_t size = kernel();
        const bool grouped = dims_[1] % 2 == 0 && draw_.chance(30);
        const std::int64_t groups = grouped ? 2 : 1;
        OnnxAttributes attributes = window(size, dims_[2] > 6 && dims_[3] > 6);
        attributes.emplace_back("group", groups);
        make("Conv", {last_, weights({2 * draw_(1, 4), dims_[1] / groups, size, size})},
             attributes);
    }

    void add_transposed() {
        if (dims_[2] * dims_[3] > 400) {
            return;
        }
        const std::int64_t size = draw_(2, 3);
        OnnxAttributes attributes = {{"strides", Ints{2, 1}}, {"dilations", Ints{1, 2}}};
        switch (draw_(1, 3)) {
            case 1:
                attributes.emplace_back("auto_pad",
                                        draw_.one_of<std::string>({"SAME_UPPER", "SAME_LOWER"}));
                break;
            case 2:
                attributes.emplace_back("output_shape", Ints{2 * dims_[2], dims_[3]});
                break;
            default:
                attributes.emplace_back("output_padding", Ints{draw_(0, 1), 0});
        }
        make("ConvTranspose", {last_, weights({dims_[1], 2 * draw_(1, 3), size, size})},
             attributes);
    }

    std::string integers(const Ints& values) {
        std::string name = "i" + std::to_string(++count_);
        model_.integers(name, values);
        return name;
    }

    /// What reads a part with steps sees it in another shape.
    void add_part() {
        const std::int64_t axis = draw_(1, 3);
        const std::int64_t size = dims_[static_cast<std::size_t>(axis)];
        if (draw_.chance(50)) {
            const std::int64_t step = draw_.one_of<std::int64_t>({1, 2, 3, -1, -2});
            const std::int64_t most = std::int64_t{1} << 40U;
            make("Slice",
                 {last_, integers({step > 0 ? draw_(0, size / 2) : -1}),
                  integers({step > 0 ? most : -most}), integers({axis}), integers({step})});
        } else {
            make("Gather", {last_, integers({draw_(0, size - 1), -1, draw_(0, size - 1), 0})},
                 {{"axis", axis}});
        }
        repeats_ = true;
    }

    void add_resized() {
        if (dims_[2] * dims_[3] > 400) {
            return;
        }
        const std::string sizes = integers({1, dims_[1], draw_(2, 30), draw_(2, 30)});
        make("Resize", {last_, "", "", sizes},
             {{"mode", draw_.one_of<std::string>({"nearest", "linear", "cubic"})}});
    }

    void add_repeated() {
        if (dims_[1] * dims_[2] * dims_[3] > 20'000) {
            return;
        }
        const std::string times = "t" + std::to_string(++count_);
        model_.integers(times, {1, draw_(1, 2), draw_(1, 2), draw_(1, 2)});
        make("Tile", {last_, times});
        repeats_ = true;
    }

    void add_pool() {
        const std::int64_t size = kernel();
        OnnxAttributes attributes = window(size, false);
        attributes.emplace_back("kernel_shape", Ints{size, size});
        const bool by_itself = std::any_of(attributes.begin(), attributes.end(),
                                           [](const auto& each) { return each.first == "pads"; });
        if (!by_itself) {
            attributes.emplace_back("ceil_mode", draw_(0, 1));
        }
        make(draw_.one_of<std::string>({"MaxPool", "AveragePool"}), {last_}, attributes);
    }

    void add_end() {
        if (draw_.chance(50)) {
            make("GlobalAveragePool", {last_});
        }
        make("Flatten", {last_});
    }

    void add_flat() {
        switch (draw_(1, 3)) {
            case 1:
                return make("Gemm", {last_, weights({dims_.back(), draw_(1, 9)})});
            case 2:
                return make("MatMul", {last_, weights({dims_.back(), draw_(1, 9)})});
            default:
                return make("Tanh", {last_});
        }
    }

    Draw& draw_;
    OnnxModel model_;
    std::string last_ = "x";
    Ints dims_;
    int count_ = 0;
    bool repeats_ = false;
};

}  // namespace

TEST_CASE("Shapes of generated models agree with ONNX's own shape inference") {
    Draw draw(17);
    int compared = 0;
    for (int example = 0; example < 150; ++example) {
        Generator generator(draw);
        const std::int64_t nodes = draw(1, 9);
        for (std::int64_t node = 0; node < nodes; ++node) {
            generator.add();
        }
        // What the inference finds is declared, so that each shape on the way is held against it.
        const OnnxModel& model = generator.finish().declare_inferred();
        const std::string fault = import_faults("net.onnx", model.bytes());
        INFO(example << " " << fault);
        // A result of renames alone is no layer, and a window that sees nothing but padding is
        // refused here.
        if (fault.find("has no node that is a layer") != std::string::npos ||
            fault.find("nothing but padding") != std::string::npos) {
            continue;
        }
        REQUIRE(fault.empty());
        const Network network = imported("net.onnx", model.bytes()).network;
        for (const auto& [value, dims] : model.inferred()) {
            const TensorId tensor = network.find_tensor(value + "_node");
            if (tensor.valid()) {
                INFO(value);
                // A function of each element works on the words under whichever shape they have.
                const Shape item(dims.begin() + 1, dims.end());
                REQUIRE(words(network.tensor(tensor).shape) == words(item));
                if (item.size() == 3 && !generator.repeats()) {
                    REQUIRE(network.tensor(tensor).shape == item);
                }
                ++compared;
            }
        }
    }
    CHECK(compared > 400);
}

}  // namespace memwall
