// SPDX-License-Identifier: Apache-2.0
// matmul: the product of two activations, [P, C] x [C, K], for each head where there are heads.
#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {

std::optional<LayerPlan> plan_matmul(const MatmulKeys& keys, const PlanRequest& request) {
    const Shape& a = request.inputs[0];
    Shape b = request.inputs[1];
    const std::size_t rank = a.size();
    const bool heads = rank == 3;
    const std::size_t inner = keys.transpose ? rank - 1 : rank - 2;
    if (rank < 2 || rank > 3 || b.size() != rank || (heads && a[0] != b[0])) {
        return request.fault("shapes do not meet: " + text(a) + " times " + text(b) +
                             (keys.transpose ? " transposed" : ""));
    }
    const std::int64_t there = b[rank - 2];
    if (keys.last > there) {
        return request.fault("the last " + std::to_string(keys.last) + " positions of " + text(b) +
                             " are read");
    }
    if (keys.last > 0) {
        b[rank - 2] = keys.last;
    }
    if (a[rank - 1] != b[inner]) {
        return request.fault("shapes do not meet: " + text(a) + " times " + text(b) +
                             (keys.transpose ? " transposed" : ""));
    }
    LayerPlan plan;
    IterationSpace& space = plan.space;
    const std::int64_t columns = b[keys.transpose ? rank - 2 : rank - 1];
    space.extents[index(Dim::P)] = a[rank - 2];
    space.extents[index(Dim::C)] = a[rank - 1];
    space.extents[index(Dim::K)] = columns;
    plan.output = a;
    plan.output.back() = columns;

    const auto axes = [&](Dim rows, Dim cols, const Shape& shape) {
        std::vector<Axis> all = {plain_axis(rows, shape[rank - 2]),
                                 plain_axis(cols, shape[rank - 1])};
        if (heads) {
            all.insert(all.begin(), plain_axis(Dim::H, shape[0]));
        }
        return all;
    };
    if (heads) {
        space.extents[index(Dim::H)] = a[0];
    }
    std::vector<Axis> second = keys.transpose ? axes(Dim::K, Dim::C, b) : axes(Dim::C, Dim::K, b);
    second[rank - 2].offset = there - b[rank - 2];
    second[rank - 2].extent = there;
    space.operands.push_back(inputs_operand(axes(Dim::P, Dim::C, a)));
    space.operands.push_back(inputs_operand(std::move(second)));
    space.operands.push_back(outputs_operand(axes(Dim::P, Dim::K, plan.output)));
    if (keys.causal) {
        space.mask = causal_mask(*keys.causal, Dim::P, keys.transpose ? Dim::K : Dim::C, request,
                                 a[rank - 2], keys.transpose ? columns : a[rank - 1]);
        return space.mask ? std::optional(plan) : std::nullopt;
    }
    return plan;
}

std::optional<Mask> causal_mask(const CausalKeys& keys, Dim row, Dim column,
                                const PlanRequest& request, std::int64_t rows,
                                std::int64_t columns) {
    Mask mask{row, column, keys.rows == 0 ? rows : keys.rows, columns, keys.window};
    if (rows % mask.rows != 0 || columns < mask.rows) {
        return request.fault("causal: " + std::to_string(rows) + " queries, " +
                             std::to_string(mask.rows) + " of each head, and " +
                             std::to_string(columns) + " keys do not meet");
    }
    return mask;
}

std::optional<CausalKeys> read_causal(MapReader& keys) {
    const bool causal = keys.optional<bool>("causal", false);
    CausalKeys read;
    if (keys.has("rows")) {
        read.rows = keys.required_positive<std::int64_t>("rows");
    }
    if (keys.has("window")) {
        read.window = keys.required_positive<std::int64_t>("window");
    }
    if (!causal && (read.rows > 0 || read.window > 0)) {
        keys.error(read.rows > 0 ? "rows" : "window",
                   "'rows' and 'window' in " + keys.what() + " need 'causal: true'");
    }
    return causal ? std::optional(read) : std::nullopt;
}

Planner read_matmul(MapReader& keys) {
    MatmulKeys read;
    read.transpose = keys.optional<bool>("transpose", false);
    if (keys.has("last")) {
        read.last = keys.required_positive<std::int64_t>("last");
    }
    read.causal = read_causal(keys);
    return [=](const PlanRequest& request) { return plan_matmul(read, request); };
}

}  // namespace memwall::ops
