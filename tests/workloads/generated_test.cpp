// SPDX-License-Identifier: Apache-2.0
// What holds for every layer and every network, over generated ones.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/support/generated_layers.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::Generated;

/// Calls `visit` with every point of a box.
template <class Visit>
void for_each_point(const Box& box, Visit visit) {
    Extents point{};
    for (const Dim dim : all_dims()) {
        point[index(dim)] = box[dim].begin;
    }
    while (true) {
        visit(point);
        std::size_t dim = 0;
        while (dim < kDimCount && ++point[dim] == box.ranges[dim].end) {
            point[dim] = box.ranges[dim].begin;
            ++dim;
        }
        if (dim == kDimCount) {
            return;
        }
    }
}

/// The words that a box touches, one by one; padding left out.
std::set<std::vector<std::int64_t>> words_of(const Projection& projection, const Box& box) {
    std::set<std::vector<std::int64_t>> touched;
    for_each_point(box, [&](const Extents& point) {
        std::vector<std::int64_t> at;
        for (const Axis& axis : projection.axes) {
            std::int64_t position = axis.offset;
            for (const AxisTerm& term : axis.terms) {
                position += term.coefficient * point[index(term.dim)];
            }
            if (position < 0 || position >= axis.extent) {
                return;
            }
            at.push_back(position);
        }
        touched.insert(at);
    });
    return touched;
}

Box part_of(Draw& draw, const Extents& extents) {
    Box box;
    for (const Dim dim : all_dims()) {
        const std::int64_t begin = draw(0, extents[index(dim)] - 1);
        box[dim] = {begin, draw(begin + 1, extents[index(dim)])};
    }
    return box;
}

/// Output positions of a window along one axis, by sliding it.
std::int64_t slide(const Axis& axis, std::int64_t stride, std::int64_t window, std::int64_t after) {
    std::int64_t count = 0;
    for (std::int64_t at = axis.offset; at + window <= axis.extent + after; at += stride) {
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("The touched words of any box are those that its points touch, one by one") {
    Draw draw(11);
    for (int example = 0; example < 300; ++example) {
        const Generated made = test::generated_layer(draw);
        const IterationSpace& space = made.network.layers()[0].space;
        const Box box = part_of(draw, space.extents);
        INFO(made.yaml);
        for (const Operand& operand : space.operands) {
            const auto touched = words_of(operand.projection, box);
            REQUIRE(touched_words(operand.projection, box) ==
                    static_cast<std::int64_t>(touched.size()));
            const Region bounds = image(operand.projection, box);
            for (const auto& at : touched) {
                for (std::size_t axis = 0; axis < at.size(); ++axis) {
                    REQUIRE(at[axis] >= bounds[axis].begin);
                    REQUIRE(at[axis] < bounds[axis].end);
                }
            }
        }
    }
}

TEST_CASE("A layer touches all of its weights and outputs, and no more inputs than there are") {
    Draw draw(12);
    for (int example = 0; example < 300; ++example) {
        const Generated made = test::generated_layer(draw);
        const Layer& layer = made.network.layers()[0];
        INFO(made.yaml);
        for (const Operand& operand : layer.space.operands) {
            const std::int64_t all = made.network.tensor_words(operand.tensor);
            const std::int64_t touched = touched_words(operand.projection, layer.space.box());
            if (operand.role == TensorRole::inputs) {
                REQUIRE(touched <= all);
            } else {
                REQUIRE(touched == all);
            }
        }
        REQUIRE(layer.macs() + layer.vector_operations() == layer.space.points());
    }
}

TEST_CASE("Halving a layer along an output dimension halves nothing but its outputs") {
    Draw draw(13);
    for (int example = 0; example < 200; ++example) {
        const Generated made = test::generated_layer(draw);
        const IterationSpace& space = made.network.layers()[0].space;
        INFO(made.yaml);
        for (const Dim dim : all_dims()) {
            Box low = space.box();
            Box high = space.box();
            low[dim].end = high[dim].begin = space.extent(dim) / 2;
            const Projection& outputs = space.outputs().projection;
            REQUIRE(low.points() + high.points() == space.points());
            const std::int64_t parts = touched_words(outputs, low) + touched_words(outputs, high);
            const std::int64_t whole = touched_words(outputs, space.box());
            const std::int64_t pieces = low.points() > 0 && space.is_reduction(dim) ? 2 : 1;
            REQUIRE(parts == pieces * whole);
        }
    }
}

TEST_CASE("A window has as many positions as it can slide to") {
    Draw draw(14);
    for (int example = 0; example < 300; ++example) {
        const Generated made = test::generated_conv(draw);
        const IterationSpace& space = made.network.layers()[0].space;
        const Axis& rows = space.operands[0].projection.axes[2];
        const std::string list = made.yaml.substr(made.yaml.find("padding: [") + 10);
        const std::int64_t below = std::stoll(list.substr(list.find(", ", 3) + 2));
        const std::int64_t window = rows.terms[1].coefficient * (space.extent(Dim::R) - 1) + 1;
        INFO(made.yaml);
        REQUIRE(space.extent(Dim::P) == slide(rows, rows.terms[0].coefficient, window, below));
    }
}

TEST_CASE("In every network each tensor is made before it is read, and its words live somewhere") {
    Draw draw(15);
    for (int example = 0; example < 150; ++example) {
        const Generated made = test::generated_network(draw, 6);
        const Network& network = made.network;
        INFO(made.yaml);
        for (std::size_t l = 0; l < network.layers().size(); ++l) {
            const Layer& layer = network.layers()[l];
            for (const TensorId input : layer.inputs) {
                REQUIRE(network.tensor(input).producer < LayerId(l));
            }
            REQUIRE(layer.no_work == !layer.space.has_operands());
            REQUIRE((!layer.no_work || layer.macs() + layer.vector_operations() == 0));
            if (layer.epilogue_of.valid()) {
                REQUIRE(layer.epilogue_of < LayerId(l));
                REQUIRE_FALSE(network.layer(layer.epilogue_of).no_work);
            }
        }
        for (std::size_t t = 0; t < network.tensors().size(); ++t) {
            const TensorId storage = network.storage(TensorId(t));
            REQUIRE(network.tensor_words(storage) >= network.tensor_words(TensorId(t)));
            REQUIRE(network.tensor(storage).precision == network.tensor(TensorId(t)).precision);
        }
    }
}

TEST_CASE("In every network the parts of a free concat do not overlap") {
    Draw draw(16);
    int free = 0;
    for (int example = 0; example < 150; ++example) {
        const Generated made = test::generated_network(draw, 6);
        INFO(made.yaml);
        for (const Layer& layer : made.network.layers()) {
            if (layer.op != "concat" || !layer.no_work) {
                continue;
            }
            ++free;
            std::int64_t covered = 0;
            for (const Tensor& tensor : made.network.tensors()) {
                if (tensor.alias && tensor.alias->of == layer.outputs[0] &&
                    tensor.alias->axis >= 0) {
                    covered += tensor.item_words();
                }
            }
            REQUIRE(covered == made.network.tensor(layer.outputs[0]).item_words());
        }
    }
    CHECK(free > 10);
}

TEST_CASE("In every network the peak lies between the largest layer and the sum of all tensors") {
    Draw draw(17);
    for (int example = 0; example < 150; ++example) {
        const Generated made = test::generated_network(draw, 5);
        const Network& network = made.network;
        INFO(made.yaml);
        std::int64_t all = 0;
        std::int64_t largest = 0;
        for (std::size_t t = 0; t < network.tensors().size(); ++t) {
            if (!network.tensors()[t].is_weight()) {
                all += network.tensor_bytes(TensorId(t)).count();
                largest = std::max(largest, network.tensor_bytes(TensorId(t)).count());
            }
        }
        for (const Layer& layer : network.layers()) {
            if (!layer.no_work && !layer.epilogue_of.valid()) {
                std::set<TensorId> places = {network.storage(layer.outputs[0])};
                std::int64_t bytes = 0;
                for (const TensorId input : layer.inputs) {
                    places.insert(network.storage(input));
                }
                for (const TensorId place : places) {
                    bytes += network.tensor_bytes(place).count();
                }
                largest = std::max(largest, bytes);
            }
        }
        REQUIRE(network.peak_activation_bytes().count() <= all);
        REQUIRE(network.peak_activation_bytes().count() >= largest);
        REQUIRE(with_batch(network, 8).peak_activation_bytes() ==
                8 * network.peak_activation_bytes());
        REQUIRE(with_batch(network, 3).macs() == 3 * network.macs());
    }
}

TEST_CASE("A policy and its way back leave every network as it was") {
    Draw draw(18);
    for (int example = 0; example < 50; ++example) {
        const Generated made = test::generated_network(draw, 5);
        const auto policy = [](const char* text) {
            return std::get<PrecisionPolicy>(parse_precision_policy(text));
        };
        const Network narrow = with_precision(made.network, policy("int4"));
        const Network back = with_precision(narrow, policy("int8"));
        INFO(made.yaml);
        REQUIRE(back.peak_activation_bytes() == made.network.peak_activation_bytes());
        REQUIRE(back.weight_bytes() == made.network.weight_bytes());
        REQUIRE(narrow.macs() == made.network.macs());
        for (const Tensor& tensor : narrow.tensors()) {
            REQUIRE(tensor.precision == Precision::int4);
        }
    }
}

}  // namespace memwall
