// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/composite.hpp"

#include <utility>

#include "base/error.hpp"

namespace memwall::ops {

const Shape& Composite::shape(PartSource source) const {
    static const Shape kUnknown = {1};
    if (source.kind == PartSource::Kind::input) {
        return request_.inputs.at(source.position);
    }
    return source.position < parts_.size() ? parts_[source.position].plan.output : kUnknown;
}

PartSource Composite::add(const std::string& part, const char* op, std::vector<PartSource> inputs,
                          const Planner& planner, std::optional<PartSource> weights_of) {
    if (failed_) {
        return {};
    }
    std::vector<Shape> shapes;
    for (const PartSource& source : inputs) {
        shapes.push_back(shape(source));
    }
    auto plan = planner({request_.layer, shapes, request_.where, request_.faults});
    if (!plan) {
        failed_ = true;
        return {};
    }
    ensure(!plan->composite, "a composite is made of primitive layers");
    LayerPart added;
    added.name = part;
    added.op = op;
    added.inputs = std::move(inputs);
    added.plan = std::move(plan->parts.front().plan);
    if (weights_of) {
        ensure(weights_of->kind == PartSource::Kind::part &&
                   parts_.at(weights_of->position).plan.weights == added.plan.weights,
               "parts that share weights have the same");
        added.weights_of = weights_of->position;
    }
    parts_.push_back(std::move(added));
    return {PartSource::Kind::part, parts_.size() - 1};
}

std::optional<Expansion> Composite::finish() {
    if (failed_) {
        return std::nullopt;
    }
    ensure(!parts_.empty() && parts_.back().name.empty(), "the last part is the result");
    return Expansion(std::move(parts_));
}

}  // namespace memwall::ops
