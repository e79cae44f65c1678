// SPDX-License-Identifier: Apache-2.0
#include "arch/expert_parts.hpp"

#include <algorithm>

namespace memwall {
namespace {

std::int64_t draws_in(const Projection& weights, const Extents& extents) {
    std::int64_t draws = 1;
    for (const AxisTerm& term : weights.axes.front().terms) {
        draws *= extents[index(term.dim)];
    }
    return draws;
}

/// The experts that some draws fall on, in a row of `all` that are spread evenly over `experts`.
Range experts_at(Range draws, std::int64_t all, std::int64_t experts) {
    return {draws.begin * experts / all, ceil_divide(draws.end * experts, all)};
}

}  // namespace

const Operand* expert_weights(const Layer& layer) {
    const Operand* weights = layer.space.find(TensorRole::weights);
    const bool chosen =
        weights != nullptr && weights->projection.gather && weights->projection.gather->grouped;
    return chosen ? weights : nullptr;
}

std::vector<Range> experts_by_part(const IterationSpace& space, const Projection& weights,
                                   const CoreSplit& split) {
    const std::int64_t all = draws_in(weights, space.extents);
    const std::int64_t experts = drawn_rows(weights, space.box());
    CoreSplit positions = split;  // cut along the dimensions that draw alone
    for (const Dim dim : all_dims()) {
        if (!relevant({{weights.axes.front()}}, dim)) {
            positions.tile[index(dim)] = positions.extents[index(dim)];
        }
    }
    std::vector<Range> met;
    std::int64_t begin = 0;
    for (const Box& box : positions.boxes(space.box())) {
        Extents extents{};
        for (const Dim dim : all_dims()) {
            extents[index(dim)] = box[dim].size();
        }
        const std::int64_t end = begin + draws_in(weights, extents);
        met.push_back(experts_at({begin, end}, all, experts));
        begin = end;
    }
    return met;
}

std::int64_t most_experts(const IterationSpace& space, const Projection& weights,
                          const Extents& part) {
    const std::int64_t all = draws_in(weights, space.extents);
    const std::int64_t experts = drawn_rows(weights, space.box());
    const std::int64_t draws = draws_in(weights, part);
    std::int64_t most = 0;
    for (std::int64_t begin = 0; begin < all; begin += draws) {
        most =
            std::max(most, experts_at({begin, std::min(all, begin + draws)}, all, experts).size());
    }
    return most;
}

Bytes most_weights(const IterationSpace& space, const Operand& weights, const Extents& part) {
    const Projection& projection = weights.projection;
    if (!projection.gather || !projection.gather->grouped) {
        return most_bytes(projection, weights.precision, part);
    }
    Projection matrix{{projection.axes.begin() + 1, projection.axes.end()}};
    return stored_bytes(most_words(matrix, part) * most_experts(space, projection, part),
                        weights.precision);
}

}  // namespace memwall
