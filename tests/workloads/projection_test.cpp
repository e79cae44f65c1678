// SPDX-License-Identifier: Apache-2.0
#include "workloads/projection.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "base/quantity.hpp"
#include "tests/support/draw.hpp"

namespace memwall {
namespace {

using test::Draw;

/// How often each index of an axis comes up over a box, padding included, by enumeration.
std::map<std::int64_t, std::int64_t> enumerate(const Axis& axis, const Box& box) {
    std::map<std::int64_t, std::int64_t> uses = {{axis.offset, 1}};
    for (const AxisTerm& term : axis.terms) {
        std::map<std::int64_t, std::int64_t> next;
        for (const auto& [at, count] : uses) {
            for (std::int64_t x = box[term.dim].begin; x < box[term.dim].end; ++x) {
                next[at + term.coefficient * x] += count;
            }
        }
        uses = std::move(next);
    }
    return uses;
}

std::int64_t inside(const std::map<std::int64_t, std::int64_t>& uses, std::int64_t extent) {
    return std::count_if(uses.begin(), uses.end(),
                         [&](const auto& each) { return each.first >= 0 && each.first < extent; });
}

Box unit_box() {
    return whole_box(unit_extents());
}

Range part(Draw& draw, std::int64_t most) {
    const std::int64_t begin = draw(0, most);
    return {begin, begin + draw(1, most)};
}

}  // namespace

TEST_CASE("Touched indices and reuse agree with enumeration over generated windows") {
    Draw draw(1);
    for (int example = 0; example < 4000; ++example) {
        Box box = unit_box();
        box[Dim::P] = part(draw, 9);
        box[Dim::R] = part(draw, 7);
        Axis axis;
        axis.terms = {{Dim::P, draw(1, 6)}, {Dim::R, draw(1, 6)}};
        axis.offset = draw(-12, 2);
        axis.extent = draw(1, 80);
        const auto uses = enumerate(axis, box);
        const auto most =
            std::max_element(uses.begin(), uses.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        INFO("stride " << axis.terms[0].coefficient << " dilation " << axis.terms[1].coefficient
                       << " offset " << axis.offset << " extent " << axis.extent << " p "
                       << box[Dim::P].begin << ".." << box[Dim::P].end << " r " << box[Dim::R].begin
                       << ".." << box[Dim::R].end);
        REQUIRE(touched_indices(axis, box) == inside(uses, axis.extent));
        REQUIRE(reuse_along(axis, box) == most->second);
        REQUIRE(window_words(box[Dim::P].size(), axis.terms[0].coefficient, box[Dim::R].size(),
                             axis.terms[1].coefficient) == static_cast<std::int64_t>(uses.size()));
        REQUIRE(window_extent(box[Dim::P].size(), axis.terms[0].coefficient, box[Dim::R].size(),
                              axis.terms[1].coefficient) ==
                uses.rbegin()->first - uses.begin()->first + 1);
        const Range bounds = image(axis, box);
        for (const auto& [at, count] : uses) {
            if (at >= 0 && at < axis.extent) {
                REQUIRE(at >= bounds.begin);
                REQUIRE(at < bounds.end);
            }
        }
    }
}

TEST_CASE("Axes of three terms and of negative or zero coefficients agree with enumeration") {
    Draw draw(2);
    for (int example = 0; example < 1000; ++example) {
        Box box = unit_box();
        box[Dim::P] = part(draw, 4);
        box[Dim::R] = part(draw, 4);
        box[Dim::G] = part(draw, 4);
        const std::vector<AxisTerm> terms = {
            {Dim::P, draw(-3, 5)}, {Dim::R, draw(-3, 5)}, {Dim::G, draw(0, 9)}};
        Axis axis{{terms.begin(), terms.begin() + draw(0, 3)}, draw(-10, 10), draw(1, 60)};
        const auto uses = enumerate(axis, box);
        const auto most =
            std::max_element(uses.begin(), uses.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        REQUIRE(touched_indices(axis, box) == inside(uses, axis.extent));
        REQUIRE(reuse_along(axis, box) == most->second);
    }
}

TEST_CASE("A 1 x 1 window at stride 2 touches every second row of its bounding box") {
    const Axis axis{{{Dim::P, 2}, {Dim::R, 1}}, 0, 8};
    Box box = unit_box();
    box[Dim::P] = {0, 4};
    CHECK(image(axis, box) == Range{0, 7});
    CHECK(touched_indices(axis, box) == 4);
    CHECK(reuse_along(axis, box) == 1);
}

TEST_CASE("A 3 x 3 window with padding 1 never reads its padding") {
    const Axis axis{{{Dim::P, 1}, {Dim::R, 1}}, -1, 4};
    Box box = unit_box();
    box[Dim::P] = {0, 4};
    box[Dim::R] = {0, 3};
    CHECK(touched_indices(axis, box) == 4);
    box[Dim::P] = {0, 1};  // rows -1, 0, 1
    CHECK(touched_indices(axis, box) == 2);
    CHECK(image(axis, box) == Range{0, 2});
    box[Dim::R] = {0, 1};  // row -1 alone
    CHECK(touched_indices(axis, box) == 0);
    CHECK(image(axis, box).size() == 0);
}

TEST_CASE("Window reuse is 9 for 3 x 3, 4 at stride 2, and 16 for 7 x 7 at stride 2") {
    Extents extents = unit_extents();
    extents[index(Dim::P)] = extents[index(Dim::Q)] = 56;
    const auto reuse = [&](std::int64_t kernel, std::int64_t stride) {
        extents[index(Dim::R)] = extents[index(Dim::S)] = kernel;
        const Projection inputs{{{{{Dim::N, 1}}, 0, 1},
                                 {{{Dim::C, 1}}, 0, 1},
                                 {{{Dim::P, stride}, {Dim::R, 1}}, 0, 500},
                                 {{{Dim::Q, stride}, {Dim::S, 1}}, 0, 500}}};
        return window_reuse(inputs, whole_box(extents));
    };
    CHECK(reuse(1, 1) == 1);
    CHECK(reuse(3, 1) == 9);
    CHECK(reuse(3, 2) == 4);
    CHECK(reuse(7, 2) == 16);
}

TEST_CASE("A gather draws at most one row a point, and may draw any") {
    Projection table{{{{{Dim::P, 1}}, 0, 100}, {{{Dim::K, 1}}, 0, 16}}, Gather{}};
    Box box = unit_box();
    box[Dim::P] = {0, 8};
    box[Dim::K] = {0, 16};
    CHECK(touched_words(table, box) == 8 * 16);
    CHECK(image(table, box) == Region{{0, 100}, {0, 16}});
    box[Dim::P] = {0, 500};
    CHECK(touched_words(table, box) == 100 * 16);
}

TEST_CASE("An empty box touches nothing") {
    const Projection plain{{{{{Dim::K, 1}}, 0, 8}}};
    Box box = unit_box();
    box[Dim::K] = {3, 3};
    CHECK(touched_words(plain, box) == 0);
    box[Dim::K] = {0, 8};
    box[Dim::C] = {5, 2};
    CHECK(touched_words(plain, box) == 0);
    CHECK(box.points() == 0);
}

TEST_CASE("Relevance follows the terms of the axes") {
    const Projection plain{{{{{Dim::G, 4}, {Dim::K, 1}}, 0, 8}, {{{Dim::P, 0}}, 0, 1}}};
    CHECK(relevant(plain, Dim::G));
    CHECK(relevant(plain, Dim::K));
    CHECK_FALSE(relevant(plain, Dim::P));
    CHECK_FALSE(relevant(plain, Dim::C));
}

TEST_CASE("Regions meet axis by axis and hold at most six axes") {
    const Region a{{0, 4}, {2, 9}};
    const Region b{{3, 8}, {0, 3}};
    CHECK(intersection(a, b) == Region{{3, 4}, {2, 3}});
    CHECK(words(intersection(a, b)) == 1);
    CHECK(words(intersection(a, Region{{4, 8}, {0, 3}})) == 0);
    CHECK(words(Region{}) == 1);
    Region full{{0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}};
    CHECK_THROWS_AS(full.push_back({0, 1}), InternalError);
    CHECK_THROWS_AS(intersection(a, Region{{0, 1}}), InternalError);
}

}  // namespace memwall
