// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_plan.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "arch/tiling/pass_search.hpp"

namespace memwall {

std::vector<Dim> cut_order(bool positions_outer) {
    std::vector<Dim> order;
    const auto append = [&](const std::array<Dim, 4>& dims) {
        order.insert(order.end(), std::begin(dims), std::end(dims));
    };
    append(positions_outer ? kPositionDims : kChannelDims);
    append(positions_outer ? kChannelDims : kPositionDims);
    append(kReductionDims);
    return order;
}

std::vector<Box> cut(const Box& box, const Extents& tile, bool positions_outer) {
    std::vector<Box> boxes = {box};
    for (const Dim dim : cut_order(positions_outer)) {
        const std::int64_t size = tile[index(dim)];
        if (box[dim].size() <= size) {
            continue;
        }
        std::vector<Box> finer;
        finer.reserve(boxes.size() * static_cast<std::size_t>(ceil_divide(box[dim].size(), size)));
        for (const Box& whole : boxes) {
            for (std::int64_t at = box[dim].begin; at < box[dim].end; at += size) {
                finer.push_back(whole);
                finer.back()[dim] = {at, std::min(at + size, box[dim].end)};
            }
        }
        boxes = std::move(finer);
    }
    return boxes;
}

PassPlanner::PassPlanner(const Hierarchy& hierarchy, const Cores& cores, Effort effort)
    : hierarchy_(hierarchy), cores_(cores), effort_(effort) {}

PassPlanner::~PassPlanner() = default;

std::int64_t PassPlanner::sum_bytes() const {
    return hierarchy_.accumulators_config == nullptr
               ? std::numeric_limits<std::int64_t>::max()
               : hierarchy_.cores * hierarchy_.accumulators_config->capacity.count() / 2;
}

std::optional<PassPlan> PassPlanner::plan(const Layer& layer, const Extents& tile,
                                          std::int64_t operand_bits, const PassAim& aim,
                                          bool keeps_sums) {
    return known_search(layer, operand_bits).plan(tile, effort_, keeps_sums, aim);
}

std::optional<PassPlan> PassPlanner::plan_given(const Layer& layer, const Extents& tile,
                                                std::int64_t operand_bits, const GivenPass& given,
                                                const PassAim& aim) {
    return known_search(layer, operand_bits).plan_given(tile, given, aim);
}

PassSearch& PassPlanner::known_search(const Layer& layer, std::int64_t operand_bits) {
    PassSearch*& known = known_[{&layer, operand_bits}];
    if (known == nullptr) {
        known = &search_of(layer, operand_bits);
    }
    return *known;
}

PassSearch& PassPlanner::search_of(const Layer& layer, std::int64_t operand_bits) {
    std::vector<int> window;  // strides, dilations and widths decide what a box touches
    for (const Operand& operand : layer.space.operands) {
        window.push_back(bits(operand.precision));
        for (const Axis& axis : operand.projection.axes) {
            window.push_back(static_cast<int>(axis.extent));
            for (const AxisTerm& term : axis.terms) {
                window.push_back(static_cast<int>(term.coefficient));
                window.push_back(static_cast<int>(term.dim));
            }
        }
    }
    auto& search = searches_[{layer.space.extents, layer.op, std::move(window), operand_bits}];
    if (search == nullptr) {
        search = std::make_unique<PassSearch>(hierarchy_, cores_, layer, operand_bits);
    }
    return *search;
}

}  // namespace memwall
