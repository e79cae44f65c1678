// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/declared_shapes.hpp"

#include <algorithm>

namespace memwall::importers::onnx {
namespace {

std::string text_of(const std::vector<Size>& sizes) {
    std::string text;
    for (const Size& size : sizes) {
        text += text.empty() ? "[" : ", ";
        text += size.value ? std::to_string(*size.value) : size.symbol.empty() ? "?" : size.symbol;
    }
    return text.empty() ? "[]" : text + "]";
}

}  // namespace

DeclaredShapes::DeclaredShapes(const Model& model) {
    for (const Stated& value : model.values) {
        if (value.shape) {
            declared_.emplace(value.name, &value);
        }
    }
}

std::string DeclaredShapes::against(const std::string& value, const Dims& dims) const {
    const auto found = declared_.find(value);
    if (found == declared_.end()) {
        return "";
    }
    const std::vector<Size>& declared = *found->second->shape;
    const bool meets = std::equal(
        declared.begin(), declared.end(), dims.begin(), dims.end(),
        [](const Size& size, std::int64_t dim) { return is_open(size) || *size.value == dim; });
    return meets ? ""
                 : "'" + value + "' is declared as " + text_of(declared) + ", but has shape " +
                       onnx::text_of(dims);
}

std::string DeclaredShapes::against_results(const Node& node, const Graph& graph) {
    const bool behind = std::any_of(node.inputs.begin(), node.inputs.end(),
                                    [&](const auto& each) { return tainted_.contains(each); });
    std::string first;
    for (const std::string& output : node.outputs) {
        const Value* value = output.empty() ? nullptr : graph.find(output);
        if (value == nullptr || value->kind == Value::Kind::unknown) {
            continue;
        }
        const std::string found = against(output, value->dims);
        if (!found.empty() || behind) {
            tainted_.insert(output);
        }
        first = first.empty() ? found : first;
    }
    return behind ? "" : first;
}

}  // namespace memwall::importers::onnx
