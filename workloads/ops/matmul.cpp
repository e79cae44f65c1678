// SPDX-License-Identifier: Apache-2.0
// matmul: the product of two activations, [P, C] x [C, K], for each head where there are heads.
#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

std::optional<LayerPlan> plan_matmul(bool transpose, const PlanRequest& request) {
    const Shape& a = request.inputs[0];
    const Shape& b = request.inputs[1];
    const std::size_t rank = a.size();
    const bool heads = rank == 3;
    const std::size_t inner = transpose ? rank - 1 : rank - 2;
    if (rank < 2 || rank > 3 || b.size() != rank || a[rank - 1] != b[inner] ||
        (heads && a[0] != b[0])) {
        return request.fault("shapes do not meet: " + text(a) + " times " + text(b) +
                             (transpose ? " transposed" : ""));
    }
    LayerPlan plan;
    IterationSpace& space = plan.space;
    const std::int64_t columns = b[transpose ? rank - 2 : rank - 1];
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
    space.operands.push_back(inputs_operand(axes(Dim::P, Dim::C, a)));
    space.operands.push_back(
        inputs_operand(transpose ? axes(Dim::K, Dim::C, b) : axes(Dim::C, Dim::K, b)));
    space.operands.push_back(outputs_operand(axes(Dim::P, Dim::K, plan.output)));
    return plan;
}

}  // namespace

Planner read_matmul(MapReader& keys) {
    const bool transpose = keys.optional<bool>("transpose", false);
    return [=](const PlanRequest& request) { return plan_matmul(transpose, request); };
}

}  // namespace memwall::ops
