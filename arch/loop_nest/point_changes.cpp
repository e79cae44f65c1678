// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/point_changes.hpp"

#include <algorithm>
#include <utility>

#include "base/quantity.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kLittle = 3;

}  // namespace

std::int64_t PointChanges::draw(std::int64_t least, std::int64_t most) {
    const auto choices = static_cast<std::uint32_t>(most - least + 1);
    return least + static_cast<std::int64_t>(draw_() % choices);
}

std::size_t PointChanges::level(std::size_t first) {
    return static_cast<std::size_t>(
        draw(static_cast<std::int64_t>(first), static_cast<std::int64_t>(space_.levels()) - 1));
}

std::size_t PointChanges::dim() {
    return static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(space_.dims()) - 1));
}

void PointChanges::change(NestPoint& point) {
    if (space_.dims() == 0 || space_.levels() < 2) {
        return;
    }
    for (std::int64_t left = draw(1, 3); left > 0; --left) {
        switch (draw(0, 5)) {
            case 0:
                change_order(point);
                break;
            case 1:
                change_keeps(point);
                break;
            case 2:
                change_parts(point);
                break;
            default:
                change_tile(point);
        }
    }
}

/// A little, to a whole number of steps, to twice as much, or to what lies below.
void PointChanges::change_tile(NestPoint& point) {
    constexpr std::int64_t kFewSteps = 8;
    const std::size_t l = level(1);
    const std::size_t d = dim();
    const std::int64_t least = space_.least(point, l, d);
    std::int64_t size = least;
    switch (draw(0, 3)) {
        case 0:
            size = point.held[l][d] + draw(-kLittle, kLittle);
            break;
        case 1:
            size = ceil_divide(point.held[l - 1][d], draw(1, kFewSteps));
            break;
        case 2:
            size = 2 * point.held[l][d];
            break;
        default:
            break;
    }
    point.held[l][d] = std::clamp(size, least, cost_.extent(d));
    space_.raise_outer(point, d);
}

void PointChanges::change_order(NestPoint& point) {
    const std::size_t l = level(0);
    if (space_.dims() > 1) {
        const std::size_t i =
            static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(space_.dims()) - 2));
        std::swap(point.order[l][i], point.order[l][i + 1]);
    }
}

void PointChanges::change_keeps(NestPoint& point) {
    const std::size_t l = level(1);
    const auto o =
        static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(cost_.operands()) - 1));
    if (!space_.may_skip(l, o)) {
        return;
    }
    point.keeps[l] ^= cost_.keep_bit(o);
    if (!space_.kept_somewhere(point, o)) {
        point.keeps[l] ^= cost_.keep_bit(o);
    }
}

/// Any number of parts for which there is room beside the others of an axis.
void PointChanges::change_parts(NestPoint& point) {
    const std::size_t l = level(0);
    const std::size_t d = dim();
    const std::vector<SpatialAxis>& axes = machine_.memories[l].axes;
    if (axes.empty()) {
        return;
    }
    const auto a = static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(axes.size()) - 1));
    if (!axes[a].dims[index(cost_.dims()[d])]) {
        return;
    }
    std::int64_t room = axes[a].size;
    for (std::size_t other = 0; other < space_.dims(); ++other) {
        const bool beside = other != d && point.axis[l][other] == a;
        room /= beside ? point.parts[l][other] : 1;
    }
    const std::int64_t most =
        axes[a].packs ? cost_.extent(d) : std::clamp<std::int64_t>(room, 1, cost_.extent(d));
    const bool tight = l > 0 && point.held[l][d] == space_.least(point, l, d);
    const std::int64_t parts = point.parts[l][d];
    point.parts[l][d] =
        draw(0, 2) == 0 ? most : std::clamp(parts + draw(-kLittle, kLittle), std::int64_t{1}, most);
    point.axis[l][d] = static_cast<std::uint8_t>(a);
    if (point.parts[l][d] > parts && draw(0, 1) == 0) {
        space_.share_tile(point, l, d);
    }
    if (tight) {
        point.held[l][d] = space_.least(point, l, d);
    }
    space_.raise_outer(point, d);
}

}  // namespace memwall
