// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/input_sizes.hpp"

#include <algorithm>

#include "base/parse.hpp"

namespace memwall::importers::onnx {
namespace {

constexpr std::int64_t kLargestBatch = 1 << 20;

/// The inputs of the model that reach a recurrent node of layout [steps, batch, features] with
/// their axes where they were.
std::set<std::string> find_steps_first(const Model& model) {
    std::map<std::string, const Node*> makers;
    for (const Node& node : model.nodes) {
        for (const std::string& output : node.outputs) {
            makers.emplace(output, &node);
        }
    }
    std::set<std::string> found;
    for (const Node& node : model.nodes) {
        if (!has_steps_first(node) || node.inputs.empty()) {
            continue;
        }
        std::string value = node.inputs[0];
        std::size_t most = model.nodes.size();
        for (auto made = makers.find(value); made != makers.end() && most > 0; --most) {
            const Node& maker = *made->second;
            if (maker.inputs.empty() || maker.op == "Transpose" || maker.op == "Reshape") {
                break;
            }
            const bool looks_up = maker.op == "Gather" && maker.inputs.size() > 1 &&
                                  model.initialisers.contains(maker.inputs[0]);
            value = maker.inputs[looks_up ? 1 : 0];
            made = makers.find(value);
        }
        found.insert(value);
        // States before the first step are [directions, batch, units].
        for (std::size_t state = 5; state < std::min<std::size_t>(node.inputs.size(), 7); ++state) {
            found.insert(node.inputs[state]);
        }
    }
    return found;
}

}  // namespace

InputSizes::InputSizes(const Model& model, const ImportOptions& options)
    : model_(model), options_(options), steps_first_(find_steps_first(model)) {
    if (options.batch > 0) {
        batch_ = options.batch;
        return;
    }
    for (const Stated& input : model.inputs) {
        const std::size_t axis = batch_axis(input.name);
        if (input.shape && input.shape->size() >= 3 && (*input.shape)[axis].value) {
            const std::int64_t stated = *(*input.shape)[axis].value;
            batch_ = stated > 0 && stated <= kLargestBatch ? stated : 1;
            if (batch_ > 1 && axis == 0 && input.shape->size() == 3 && size_of(input, 1, 0) == 1) {
                may_be_steps_ = &input;
            }
            return;
        }
    }
}

std::set<std::string> InputSizes::open_batches() const {
    std::set<std::string> keys;
    for (const Stated& input : model_.inputs) {
        const std::size_t axis = batch_axis(input.name);
        if (!input.shape || axis >= input.shape->size() || !is_open((*input.shape)[axis])) {
            continue;
        }
        std::string key = key_of(input, axis);
        const auto given = options_.dims.find(key);
        if (given == options_.dims.end() || given->second == options_.batch) {
            keys.insert(std::move(key));
        }
    }
    return keys;
}

std::set<std::string> InputSizes::shared_inputs() const {
    std::set<std::string> shared;
    if (open_batches().empty()) {
        return shared;
    }
    for (const Stated& input : model_.inputs) {
        const std::size_t axis = batch_axis(input.name);
        if (input.shape && (axis >= input.shape->size() || !is_open((*input.shape)[axis]))) {
            shared.insert(input.name);
        }
    }
    return shared;
}

std::string InputSizes::key_of(const Stated& input, std::size_t axis) {
    const std::string& symbol = (*input.shape)[axis].symbol;
    return symbol.empty() ? input.name + "." + std::to_string(axis) : symbol;
}

std::optional<std::int64_t> InputSizes::size_of(const Stated& value, std::size_t axis,
                                                std::size_t batch_axis) const {
    const Size& size = (*value.shape)[axis];
    if (!is_open(size)) {
        return size.value;
    }
    const auto given = options_.dims.find(key_of(value, axis));
    if (given != options_.dims.end()) {
        return given->second;
    }
    return axis == batch_axis ? std::optional(batch_) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> InputSizes::of_input(const Stated& input,
                                                              const SourceMark& where,
                                                              Diagnostics& faults) {
    if (!input.shape) {
        faults.error(where, "input '" + input.name + "' has no shape");
        return std::nullopt;
    }
    std::vector<std::int64_t> dims;
    for (std::size_t axis = 0; axis < input.shape->size(); ++axis) {
        const Size& stated = (*input.shape)[axis];
        // A batch of 0 is none that was left open.
        const std::size_t batch =
            stated.value == 0 && options_.batch <= 0 ? input.shape->size() : batch_axis(input.name);
        const auto size = size_of(input, axis, batch);
        if (size && *size < 0) {
            faults.error(where, "input '" + input.name + "': a size of " + std::to_string(*size));
        } else if (size) {
            dims.push_back(*size);
        } else if (told_.insert(key_of(input, axis)).second) {
            const std::string name = stated.symbol.empty() ? "" : " '" + stated.symbol + "'";
            faults.error(where, "input '" + input.name + "': axis " + std::to_string(axis) + name +
                                    (stated.value == 0 ? " has a size of 0" : " has no size") +
                                    "; give it one with --set-dim " + key_of(input, axis) +
                                    "=SIZE");
        }
    }
    return dims.size() == input.shape->size() ? std::optional(dims) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> InputSizes::of_value(const Stated& value) const {
    if (!value.shape) {
        return std::nullopt;
    }
    std::vector<std::int64_t> dims;
    for (std::size_t axis = 0; axis < value.shape->size(); ++axis) {
        const auto size = size_of(value, axis, 0);
        if (!size || *size < 1) {
            return std::nullopt;
        }
        dims.push_back(*size);
    }
    return dims;
}

void InputSizes::check_given(const SourceMark& where, Diagnostics& faults) const {
    if (options_.dims.empty()) {
        return;
    }
    std::vector<std::string> open;
    for (const std::vector<Stated>* values : {&model_.inputs, &model_.values, &model_.inferred}) {
        for (const Stated& value : *values) {
            for (std::size_t axis = 0; value.shape && axis < value.shape->size(); ++axis) {
                const std::string key = key_of(value, axis);
                if (is_open((*value.shape)[axis]) &&
                    std::find(open.begin(), open.end(), key) == open.end()) {
                    open.push_back(key);
                }
            }
        }
    }
    for (const auto& [name, size] : options_.dims) {
        if (std::find(open.begin(), open.end(), name) == open.end()) {
            faults.error(where, "--set-dim " + name + "=" + std::to_string(size) +
                                    ": the model leaves no size of that name open" +
                                    suggestion(name, open));
        }
    }
}

std::string InputSizes::note_on_batch() const {
    for (const Stated& input : model_.inputs) {
        const std::size_t axis = batch_axis(input.name);
        if (!input.shape || input.shape->size() < 3) {
            continue;
        }
        const bool open = is_open((*input.shape)[axis]);
        const auto size = size_of(input, axis, axis);
        if (size && *size > batch_ && (open || (options_.batch > 1 && open_batches().empty()))) {
            const std::string there = std::to_string(*size);
            return "input '" + input.name + "' has " + there +
                   " along the axis of the batch, read as " + std::to_string(batch_) +
                   (batch_ == 1 ? " item" : " items") + " of " + std::to_string(*size / batch_) +
                   ": --batch " + there + " reads it as " + there + " items";
        }
    }
    return "";
}

}  // namespace memwall::importers::onnx
