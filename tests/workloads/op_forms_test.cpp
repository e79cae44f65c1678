// SPDX-License-Identifier: Apache-2.0
// Windows over one and three axes, transposed ones, up-sampling, parts, and means: shapes and
// counts worked out by hand.
#include <catch2/catch.hpp>
#include <string>

#include "tests/support/generated_forms.hpp"
#include "tests/workloads/network_text.hpp"

namespace memwall {
namespace {

using test::faults_of_layers;
using test::network_of_layers;

struct Counts {
    Shape shape;
    std::int64_t macs = 0;
    std::int64_t weights = 0;
    std::int64_t operations = 0;

    friend bool operator==(const Counts&, const Counts&) = default;
};

/// Of a network of one layer.
Counts counts(const std::string& input, const std::string& layer) {
    const Network network = network_of_layers(input, "- {name: n, op: " + layer + "}\n");
    return {network.tensor(network.find_tensor("n")).shape, network.macs(), network.weights(),
            network.vector_operations()};
}

std::string fault(const std::string& input, const std::string& layer) {
    return faults_of_layers(input, "- {name: n, op: " + layer + "}\n");
}

}  // namespace

TEST_CASE("A window slides over one, two or three axes") {
    CHECK(counts("[4, 100]", "conv, out_channels: 8, kernel: 5, stride: 2, padding: 2") ==
          Counts{{8, 50}, 8 * 50 * 4 * 5, 8 * 4 * 5, 0});
    CHECK(counts("[2, 8, 9, 10]", "conv, out_channels: 3, kernel: [3, 1, 2]") ==
          Counts{{3, 6, 9, 9}, 3 * 6 * 9 * 9 * 2 * 6, 3 * 2 * 6, 0});
    CHECK(counts("[2, 8, 8, 8]", "max_pool, kernel: 2, stride: 2") ==
          Counts{{2, 4, 4, 4}, 0, 0, 2 * 64 * 8});
    CHECK(counts("[3, 10]", "global_pool") == Counts{{3, 1}, 0, 0, 30});
    CHECK(counts("[6, 5, 5]", "conv, out_channels: 12, kernel: 3, groups: 6, padding: 1") ==
          Counts{{12, 5, 5}, 12 * 25 * 9, 12 * 9, 0});
}

TEST_CASE("Padding may differ at each end, or keep the size over the stride") {
    CHECK(counts("[1, 7, 7]", "conv, out_channels: 1, kernel: 3, padding: [0, 1, 2, 0]").shape ==
          Shape{1, 7, 6});
    CHECK(counts("[1, 7, 8]", "conv, out_channels: 1, kernel: 3, stride: 2, padding: same").shape ==
          Shape{1, 4, 4});
    const auto offset = [](const std::string& padding) {
        const Network network = network_of_layers(
            "[1, 8]",
            "- {name: n, op: conv, out_channels: 1, kernel: 4, padding: " + padding + "}\n");
        return network.layers()[0].space.operands[0].projection.axes[2].offset;
    };
    CHECK(offset("same") == -1);  // of three zeros one is before
    CHECK(offset("same_lower") == -2);
}

TEST_CASE("In ceil mode a last window counts that begins inside and ends outside") {
    CHECK(counts("[1, 6, 6]", "max_pool, kernel: 3, stride: 2").shape == Shape{1, 2, 2});
    CHECK(counts("[1, 6, 6]", "max_pool, kernel: 3, stride: 2, ceil_mode: true").shape ==
          Shape{1, 3, 3});
    // (4 + 2 - 1) / 2 is no whole number, but the fourth window would begin behind the image.
    CHECK(counts("[1, 4]", "max_pool, kernel: 2, stride: 2, padding: 1, ceil_mode: true").shape ==
          Shape{1, 3});
    CHECK(counts("[1, 5]", "max_pool, kernel: 1, stride: 3, ceil_mode: true").shape == Shape{1, 2});
}

TEST_CASE("A transposed convolution multiplies each input with each kernel element that is used") {
    // kernel = stride: every output has one tap, so I * I * K * C * R * S in all.
    CHECK(counts("[8, 5, 5]", "conv_transpose, out_channels: 4, kernel: 2, stride: 2") ==
          Counts{{4, 10, 10}, 25 * 4 * 8 * 4, 4 * 8 * 4, 0});
    // Outputs 2 i - 1 and 2 i of 4 taps: two each.
    CHECK(counts("[1, 5]", "conv_transpose, out_channels: 1, kernel: 4, stride: 2, padding: 1") ==
          Counts{{1, 10}, 10 * 2, 4, 0});
    // Three taps: one for every other output, two for the others.
    CHECK(counts("[1, 5]",
                 "conv_transpose, out_channels: 1, kernel: 3, stride: 2, padding: 1, "
                 "output_padding: 1") == Counts{{1, 10}, 5 * 1 + 5 * 2, 3, 0});
    CHECK(counts("[1, 5]", "conv_transpose, out_channels: 1, kernel: 3, dilation: 2") ==
          Counts{{1, 9}, 9 * 3, 3, 0});
    CHECK(counts("[1, 2]", "conv_transpose, out_channels: 1, kernel: 1, stride: 3, dilation: 2") ==
          Counts{{1, 4}, 2, 1, 0});
    CHECK(counts("[2, 3, 3, 3]", "conv_transpose, out_channels: 2, kernel: 2, stride: 2") ==
          Counts{{2, 6, 6, 6}, 27 * 2 * 2 * 8, 2 * 2 * 8, 0});
}

TEST_CASE("Up-sampling, means, paddings and neighbours along the channels count each word") {
    CHECK(counts("[2, 3, 4]", "resize, scale: 2") == Counts{{2, 6, 8}, 0, 0, 96});
    CHECK(counts("[2, 3, 4]", "resize, size: [6, 4], mode: bilinear") ==
          Counts{{2, 6, 4}, 0, 0, 48 * 4 * 2});
    CHECK(counts("[2, 3, 4]", "resize, size: [7, 5]") == Counts{{2, 7, 5}, 0, 0, 70});
    CHECK(counts("[2, 9, 8]", "resize, size: [4, 3]") == Counts{{2, 4, 3}, 0, 0, 24});
    CHECK(counts("[2, 9, 8]", "resize, size: [4, 3], mode: bilinear") ==
          Counts{{2, 4, 3}, 0, 0, 24 * 4 * 2});
    CHECK(counts("[2, 4, 4]", "resize, size: 6, mode: bicubic") ==
          Counts{{2, 6, 6}, 0, 0, 72 * 16 * 2});
    CHECK(counts("[2, 3, 4]", "mean, axes: [1, -1]") == Counts{{2, 1, 1}, 0, 0, 24});
    CHECK(counts("[2, 3, 4]", "pad, padding: [0, 1, 0, 0, 0, 2]") == Counts{{2, 4, 6}, 0, 0, 48});
    CHECK(counts("[2, 3, 4]", "transpose, order: [2, 0, 1]") == Counts{{4, 2, 3}, 0, 0, 24});
    CHECK(counts("[8, 2, 2]", "local_response_norm") == Counts{{8, 2, 2}, 0, 0, 32 * 5 * 3});
    CHECK(counts("[8, 2, 2]", "group_norm, groups: 4") == Counts{{8, 2, 2}, 0, 0, 32 * 7});
}

TEST_CASE("A resize writes every result once, and reads what its results are made of") {
    struct Resized {
        const char* keys;
        std::int64_t read, written;
    };
    // Of ten places: all become fifteen; four are copied; two each make four; all ten make seven.
    for (const Resized& each :
         {Resized{"size: 15", 10, 15}, Resized{"size: 4", 4, 4},
          Resized{"size: 4, mode: bilinear", 8, 4}, Resized{"size: 7, mode: bilinear", 10, 7},
          Resized{"size: 25, mode: bilinear", 10, 25}}) {
        const Network network =
            network_of_layers("[1, 10]", "- {name: n, op: resize, " + std::string(each.keys) + "}");
        const IterationSpace& space = network.layers()[0].space;
        INFO(each.keys);
        CHECK(touched_words(space.operands[0].projection, space.box()) == each.read);
        CHECK(touched_words(space.outputs().projection, space.box()) == each.written);
    }
}

TEST_CASE("A part of a tensor is read where it lies, and made where it leaves the network") {
    const Network network = network_of_layers("[6, 4]",
                                              "- {name: a, op: relu}\n"
                                              "- {name: low, op: slice, end: 2}\n"
                                              "- {name: b, op: relu}\n"
                                              "- {name: high, op: slice, inputs: [a], begin: 4}\n");
    const Layer& low = network.layer(network.find_layer("low"));
    CHECK(low.no_work);
    CHECK(network.storage(network.find_tensor("low")) == network.find_tensor("a"));
    CHECK_FALSE(network.layer(network.find_layer("high")).no_work);
    CHECK(network.tensor(network.find_tensor("high")).shape == Shape{2, 4});
}

TEST_CASE("Forms that cannot be are told with what there is") {
    const std::string at = "net.yaml:5:3: error: layer 'n': ";
    CHECK(fault("[2, 9, 9]", "conv, out_channels: 1, kernel: [3, 3, 3]") ==
          "net.yaml:5:48: error: layer 'n': 'kernel' has 3 numbers, but an input of shape [2, 9, "
          "9] has 2 axes for the window");
    CHECK(fault("[2, 9]", "conv, out_channels: 1, kernel: 3, padding: [1, 1, 1, 1]") ==
          "net.yaml:5:60: error: layer 'n': 'padding' has 4 numbers, but an input of shape [2, 9] "
          "has 1 axis for the window");
    CHECK(fault("[2, 9]",
                "conv_transpose, out_channels: 1, kernel: 3, stride: 2, output_padding: 2") ==
          at + "'output_padding' has to be less than the stride or the dilation");
    CHECK(fault("[2, 9]", "conv_transpose, out_channels: 1, kernel: 3, stride: 2, dilation: 2") ==
          at + "conv_transpose has either a stride or a dilation, found stride 2 and dilation 2");
    CHECK(fault("[2, 2]", "conv_transpose, out_channels: 1, kernel: 1, padding: 1") ==
          at + "the padding leaves nothing of the result");
    CHECK(fault("[2, 9]", "slice, begin: 1, end: 3") ==
          at + "[1, 3) is no part of the 2 along axis 0 of [2, 9]");
    CHECK(fault("[2, 9]", "transpose, order: [0, 0]") ==
          at + "'order' has to name each of the 2 axes of [2, 9] once, found [0, 0]");
    CHECK(fault("[2, 9, 9]", "mean, axes: [3]") == at + "no axis 3 in an input of shape [2, 9, 9]");
    CHECK(fault("[5, 9, 9]", "group_norm, groups: 2") ==
          at + "2 groups do not divide the channels of an input of shape [5, 9, 9]");
    CHECK(fault("[2, 9, 9]", "resize, mode: nearest").find("either 'scale' or 'size'") !=
          std::string::npos);
    CHECK(fault("[2, 9, 9]", "conv, out_channels: 1, kernel: 3, padding: sam").find("'sam'") !=
          std::string::npos);
}

TEST_CASE("The MACs of a box are its points with a weight and a result, counted one by one") {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        test::Draw draw(seed);
        const test::Generated generated = test::generated_conv_transpose(draw);
        const IterationSpace& space = generated.network.layers()[0].space;
        Box box = space.box();
        for (Range& range : box.ranges) {
            range.begin = draw(0, range.end - 1);
            range.end = draw(range.begin + 1, range.end);
        }
        std::int64_t inside = 0;
        Box point;
        const auto visit = [&](const auto& self, std::size_t dim) -> void {
            if (dim == kDimCount) {
                const bool meets = touched_words(space.operands[1].projection, point) == 1 &&
                                   touched_words(space.outputs().projection, point) == 1;
                inside += meets ? 1 : 0;
                return;
            }
            for (std::int64_t i = box.ranges[dim].begin; i < box.ranges[dim].end; ++i) {
                point.ranges[dim] = {i, i + 1};
                self(self, dim + 1);
            }
        };
        visit(visit, 0);
        INFO("seed " << seed << "\n" << generated.yaml);
        CHECK(space.counted_points(box) == inside);
    }
}

}  // namespace memwall
