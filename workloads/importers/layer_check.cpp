// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/layer_check.hpp"

#include <algorithm>

#include "base/yaml.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::importers {
namespace {

/// Without the name of the layer, which is that of what it was made of.
std::string first_fault(const Diagnostics& faults, const std::string& layer) {
    const std::string& message = faults.faults().front().message;
    const std::string owner = "layer '" + layer + "': ";
    return message.starts_with(owner) ? message.substr(owner.size()) : message;
}

}  // namespace

LayerCheck check_layer(const DraftLayer& layer, const std::vector<Shape>& inputs,
                       const Shape& made) {
    const Op* op = find_op(layer.op);
    ensure(op != nullptr, "an importer knows the kinds of layers");
    if (inputs.size() < op->least_inputs || inputs.size() > op->most_inputs) {
        return {std::to_string(inputs.size()) + " inputs of a layer of kind " + layer.op};
    }
    Diagnostics faults;
    const YamlValue keys = YamlValue::make_map(layer.keys, layer.where);
    MapReader reader(keys, "layer '" + layer.name + "'", faults);
    const Planner planner = op->read(reader);
    if (!faults.empty()) {
        return {first_fault(faults, layer.name)};
    }
    const auto plan = planner({layer.name, inputs, layer.where, faults});
    if (!plan || !faults.empty()) {
        return {faults.empty() ? "a layer that cannot be planned"
                               : first_fault(faults, layer.name)};
    }
    const bool counted = std::all_of(plan->parts.begin(), plan->parts.end(), [](const auto& part) {
        return ops::can_be_counted(part.plan);
    });
    if (!counted) {
        return {"is too large to be counted"};
    }
    const Shape& follows = plan->parts.back().plan.output;
    return {follows == made ? ""
                            : "a result of shape " + text(made) + ", but " + text(follows) +
                                  " follows from its inputs",
            plan->parts.size()};
}

}  // namespace memwall::importers
