// SPDX-License-Identifier: Apache-2.0
#include "workloads/iteration_space.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {

const char* name(TensorRole role) {
    switch (role) {
        case TensorRole::weights:
            return "weights";
        case TensorRole::inputs:
            return "inputs";
        case TensorRole::outputs:
            return "outputs";
        case TensorRole::partial_sums:
            return "partial_sums";
        case TensorRole::state:
            return "state";
        case TensorRole::instructions:
            return "instructions";
    }
    fail("unknown tensor role");
}

const char* name(PointOperation operation) {
    switch (operation) {
        case PointOperation::mac:
            return "mac";
        case PointOperation::max:
            return "max";
        case PointOperation::add:
            return "add";
        case PointOperation::multiply:
            return "multiply";
        case PointOperation::vector:
            return "vector";
    }
    fail("unknown point operation");
}

std::int64_t IterationSpace::points() const {
    std::int64_t points = 1;
    for (const std::int64_t extent : extents) {
        points = checked_multiply(points, extent);
    }
    return points;
}

std::int64_t IterationSpace::counted_points(const Box& box) const {
    if (mask) {
        return memwall::counted_points(*mask, box);
    }
    std::vector<const Axis*> clipped;
    const TensorRole bounding = pads_results ? TensorRole::inputs : TensorRole::outputs;
    for (const Operand& operand : operands) {
        if (operand.role == TensorRole::weights || operand.role == bounding) {
            const std::vector<const Axis*> leaving = leaving_axes(operand.projection, box);
            clipped.insert(clipped.end(), leaving.begin(), leaving.end());
        }
    }
    return clipped.empty() ? box.points() : points_inside(std::move(clipped), box);
}

std::int64_t IterationSpace::macs() const {
    return operation == PointOperation::mac ? counted_points(box()) : 0;
}

std::int64_t IterationSpace::vector_operations() const {
    return operation == PointOperation::mac
               ? 0
               : checked_multiply(counted_points(box()), vector_operations_per_point);
}

const Operand& IterationSpace::outputs() const {
    ensure(has_operands(), "a layer that only renames has no operands");
    ensure(operands.back().role == TensorRole::outputs, "the outputs are the last operand");
    return operands.back();
}

const Operand* IterationSpace::find(TensorRole role) const {
    const auto found = std::find_if(operands.begin(), operands.end(),
                                    [&](const Operand& operand) { return operand.role == role; });
    return found == operands.end() ? nullptr : &*found;
}

std::vector<Dim> IterationSpace::reduction_dims() const {
    std::vector<Dim> dims;
    for (const Dim dim : all_dims()) {
        if (is_reduction(dim)) {
            dims.push_back(dim);
        }
    }
    return dims;
}

bool IterationSpace::is_reduction(Dim dim) const {
    return extent(dim) > 1 && has_operands() && !relevant(outputs().projection, dim);
}

bool IterationSpace::normalises(Dim dim) const {
    return std::find(whole_dims.begin(), whole_dims.end(), dim) != whole_dims.end();
}

bool IterationSpace::is_plain_reduction(Dim dim) const {
    const auto in_window = [&](const Operand& operand) {
        return std::any_of(
            operand.projection.axes.begin(), operand.projection.axes.end(), [&](const Axis& axis) {
                return axis.terms.size() > 1 &&
                       std::any_of(axis.terms.begin(), axis.terms.end(),
                                   [&](const AxisTerm& term) { return term.dim == dim; });
            });
    };
    return is_reduction(dim) && std::none_of(operands.begin(), operands.end(), in_window);
}

}  // namespace memwall
