// SPDX-License-Identifier: Apache-2.0
#include "arch/core_split.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "arch/expert_parts.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

using test::Draw;

MacArrayConfig array(std::int64_t weight_load, bool packs) {
    MacArrayConfig config;
    config.shapes = {{Precision::int8, 4, 4}, {Precision::int4, 8, 4}};
    config.weight_load = Cycles(weight_load);
    config.packs_window = packs;
    return config;
}

Extents extents(std::initializer_list<std::pair<Dim, std::int64_t>> sizes) {
    Extents all = unit_extents();
    for (const auto& [dim, size] : sizes) {
        all[index(dim)] = size;
    }
    return all;
}

/// The index of an axis at a point.
std::int64_t at(const Axis& axis, const std::array<std::int64_t, kDimCount>& point) {
    std::int64_t sum = axis.offset;
    for (const AxisTerm& term : axis.terms) {
        sum += term.coefficient * point[index(term.dim)];
    }
    return sum;
}

/// Calls `visit` for every point of a box.
template <class Visit>
void for_each_point(const Box& box, const Visit& visit) {
    std::array<std::int64_t, kDimCount> point{};
    for (const Dim dim : all_dims()) {
        point[index(dim)] = box[dim].begin;
    }
    if (box.points() == 0) {
        return;
    }
    while (true) {
        visit(point);
        std::size_t d = kDimCount;
        while (d-- > 0) {
            if (++point[d] < box.ranges[d].end) {
                break;
            }
            point[d] = box.ranges[d].begin;
            if (d == 0) {
                return;
            }
        }
    }
}

/// The word that a point touches, as its indices; empty for padding.
std::vector<std::int64_t> word(const Projection& projection,
                               const std::array<std::int64_t, kDimCount>& point) {
    std::vector<std::int64_t> indices;
    for (const Axis& axis : projection.axes) {
        indices.push_back(at(axis, point));
        if (indices.back() < 0 || indices.back() >= axis.extent) {
            return {};
        }
    }
    return indices;
}

CoreSplit drawn_split(Draw& draw, const IterationSpace& space) {
    CoreSplit split;
    split.extents = space.extents;
    for (const Dim dim : all_dims()) {
        split.tile[index(dim)] = draw(1, space.extent(dim));
    }
    return split;
}

/// The space of a layer from each seed, and the draw to go on with.
void for_each_space(std::uint32_t first, std::uint32_t last,
                    const std::function<void(Draw&, const IterationSpace&)>& check) {
    for (std::uint32_t seed = first; seed <= last; ++seed) {
        Draw draw(seed);
        const test::Generated generated = test::generated_layer(draw);
        INFO(generated.yaml);
        check(draw, generated.network.layers().front().space);
    }
}

}  // namespace

TEST_CASE("Array cycles follow the rule of the dot-product array, worked out by hand") {
    const MacArrayConfig config = array(2, true);
    const ArrayShape& int8 = config.shapes[0];
    // 4 outputs in one turn of lanes, 4 x 3 x 3 = 36 operands in 9 turns, 2 positions each.
    CHECK(array_cycles(
              config, int8,
              extents({{Dim::K, 4}, {Dim::C, 4}, {Dim::R, 3}, {Dim::S, 3}, {Dim::P, 2}})) == 18);
    // One position: the weights still stay the two cycles that it takes to replace them.
    CHECK(array_cycles(config, int8, extents({{Dim::K, 4}, {Dim::C, 64}})) == 16 * 2);
    // 5 outputs take two turns, 3 channels of 5 windows pack into 4 turns of 4.
    CHECK(array_cycles(config, int8,
                       extents({{Dim::K, 5}, {Dim::C, 3}, {Dim::R, 5}, {Dim::Q, 7}})) == 2 * 4 * 7);
    // Without packing the window takes its turns one by one.
    CHECK(array_cycles(array(2, false), int8,
                       extents({{Dim::K, 5}, {Dim::C, 3}, {Dim::R, 5}, {Dim::Q, 7}})) == 2 * 5 * 7);
    // Each group is a convolution of its own.
    CHECK(array_cycles(config, int8, extents({{Dim::G, 3}, {Dim::S, 2}, {Dim::P, 9}})) == 3 * 9);
    // Twice as many operands fit at half the width.
    CHECK(array_cycles(config, config.shapes[1], extents({{Dim::K, 4}, {Dim::C, 64}})) == 8 * 2);
}

TEST_CASE("A layer gets the narrowest lanes that hold both of its operands") {
    const MacArrayConfig config = array(1, true);
    CHECK(array_shape(config, {Precision::int4, Precision::int4, Precision::int32})->inputs == 8);
    CHECK(array_shape(config, {Precision::int2, Precision::int4, Precision::int32})->inputs == 8);
    CHECK(array_shape(config, {Precision::int4, Precision::int8, Precision::int32})->inputs == 4);
    CHECK(array_shape(config, {Precision::int16, Precision::int8, Precision::int32}) == nullptr);
    CHECK(array_shape(config, {Precision::fp8, Precision::fp8, Precision::fp32}) == nullptr);
}

TEST_CASE("The boxes of a split cover every point once") {
    for_each_space(1, 60, [](Draw& draw, const IterationSpace& space) {
        const CoreSplit split = drawn_split(draw, space);
        const std::vector<Box> boxes = split.boxes(space.box());
        CHECK(static_cast<std::int64_t>(boxes.size()) == split.cores());
        std::set<std::array<std::int64_t, kDimCount>> seen;
        std::int64_t points = 0;
        for (const Box& box : boxes) {
            points += box.points();
            for_each_point(box, [&](const auto& point) { seen.insert(point); });
        }
        CHECK(points == space.points());
        CHECK(static_cast<std::int64_t>(seen.size()) == space.points());
    });
}

TEST_CASE("Delivered words are those that each core touches, counted one by one") {
    for_each_space(101, 160, [](Draw& draw, const IterationSpace& space) {
        const CoreSplit split = drawn_split(draw, space);
        for (const Operand& operand : space.operands) {
            std::int64_t counted = 0;
            for (const Box& box : split.boxes(space.box())) {
                std::set<std::vector<std::int64_t>> touched;
                for_each_point(box, [&](const auto& point) {
                    const auto indices = word(operand.projection, point);
                    if (!indices.empty()) {
                        touched.insert(indices);
                    }
                });
                counted += static_cast<std::int64_t>(touched.size());
            }
            CHECK(delivered_words(operand.projection, split, space.box()) == counted);
        }
    });
}

TEST_CASE("Operand reads are the points of a box that do not fall on padding") {
    for_each_space(201, 260, [](Draw& draw, const IterationSpace& space) {
        const std::vector<Box> boxes = drawn_split(draw, space).boxes(space.box());
        const Box& box = draw.one_of(boxes);
        for (const Operand& operand : space.operands) {
            std::int64_t counted = 0;
            for_each_point(box, [&](const auto& point) {
                counted += word(operand.projection, point).empty() ? 0 : 1;
            });
            CHECK(operand_reads(operand.projection, box) == counted);
        }
    });
}

TEST_CASE("No box of a size touches more bytes than the most that is said of it") {
    for_each_space(301, 340, [](Draw& draw, const IterationSpace& space) {
        const CoreSplit split = drawn_split(draw, space);
        for (const Operand& operand : space.operands) {
            for (const Box& box : split.boxes(space.box())) {
                const std::int64_t touched = words(image(operand.projection, box));
                CHECK(stored_bytes(touched, operand.precision) <=
                      most_bytes(operand.projection, operand.precision, split.tile));
            }
        }
    });
}

TEST_CASE("Useful splits keep to their cores and rules, and the whole on one core comes first") {
    for_each_space(401, 440, [](Draw& draw, const IterationSpace& space) {
        SplitRules rules;
        rules.cores = draw(1, 12);
        rules.output_unit = draw(1, 4);
        rules.reduction_unit = draw(1, 4);
        rules.split_reduction = draw.chance(50);
        const std::vector<CoreSplit> splits = useful_splits(space, space.extents, rules);
        REQUIRE(!splits.empty());
        for (const CoreSplit& split : splits) {
            CHECK(split.cores() <= rules.cores);
            CHECK((split.reduction_parts(space) == 1 || rules.split_reduction));
            CHECK((split.parts(Dim::K) == 1 || split.tile[index(Dim::K)] % rules.output_unit == 0));
            CHECK((split.parts(Dim::C) == 1 ||
                   split.tile[index(Dim::C)] % rules.reduction_unit == 0));
        }
    });
}

TEST_CASE("A reduction that is the last dimension to cut is offered in every number of parts") {
    IterationSpace space;
    space.extents = extents({{Dim::C, 12}});
    Operand outputs;
    outputs.role = TensorRole::outputs;
    outputs.projection.axes = {{{{Dim::K, 1}}, 0, 1}};
    space.operands = {outputs};
    SplitRules rules;
    rules.cores = 4;
    rules.split_reduction = true;
    std::vector<std::int64_t> parts;
    for (const CoreSplit& split : useful_splits(space, space.extents, rules)) {
        parts.push_back(split.parts(Dim::C));
    }
    CHECK(parts == std::vector<std::int64_t>{1, 2, 3, 4});
}

TEST_CASE("Cores that divide the tokens of a mixture meet the experts that these draw, in order") {
    // 8 tokens that take 2 of 4 experts each draw all 4, 4 times each: 16 draws.
    const Network network = test::network_of_text(
        "network: mixture\ninputs: {x: [8, 6]}\nlayers:\n"
        "- {name: m, op: moe, experts: 4, top_k: 2, features: 16, gated: false}\n");
    const Layer& layer = network.layer(network.find_layer("m.up"));
    const Operand* weights = expert_weights(layer);
    REQUIRE(weights != nullptr);
    const IterationSpace& space = layer.space;
    CoreSplit split;
    split.extents = split.tile = space.extents;
    split.tile[index(Dim::K)] = 4;  // which does not change the experts that a part meets
    const auto met = [&] { return experts_by_part(space, weights->projection, split); };
    CHECK(met() == std::vector<Range>{{0, 4}});
    CHECK(most_experts(space, weights->projection, split.tile) == 4);

    split.tile[index(Dim::P)] = 2;  // of 2 picks each: 4 draws are one expert's
    CHECK(met() == std::vector<Range>{{0, 1}, {1, 2}, {2, 3}, {3, 4}});
    CHECK(most_weights(space, *weights, split.tile) == Bytes(4 * 6));

    split.tile[index(Dim::P)] = 3;  // 6, 6 and 4 draws
    CHECK(met() == std::vector<Range>{{0, 2}, {1, 3}, {3, 4}});
    CHECK(most_experts(space, weights->projection, split.tile) == 2);

    split.tile[index(Dim::P)] = 1;  // two cores for each expert
    CHECK(met() ==
          std::vector<Range>{{0, 1}, {0, 1}, {1, 2}, {1, 2}, {2, 3}, {2, 3}, {3, 4}, {3, 4}});
    split.tile[index(Dim::D)] = 1;  // and four
    CHECK(met().size() == 16);
    CHECK(met().back() == Range{3, 4});

    const Layer& router = network.layer(network.find_layer("m.router"));
    CHECK(expert_weights(router) == nullptr);
    const Operand& matrix = *router.space.find(TensorRole::weights);
    CHECK(most_weights(router.space, matrix, router.space.extents) == Bytes(4 * 6));
}

}  // namespace memwall
