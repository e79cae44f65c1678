// SPDX-License-Identifier: Apache-2.0
// The file that sees ONNX's messages; shape_inference.cpp is the only other one.
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "workloads/importers/onnx/model.hpp"
#include "workloads/importers/onnx/shape_inference.hpp"

namespace memwall::importers::onnx {
namespace {

namespace pb = ::onnx;

constexpr std::int64_t kNewestOpset = 23;
// What the installed library's inference knows; it would take newer operators for their old forms.
constexpr std::int64_t kNewestInferred = 17;

/// A sixteen-bit floating-point number.
double half(std::uint16_t bits) {
    const int exponent = (bits >> 10U) & 0x1F;
    const double fraction = (bits & 0x3FFU) / 1024.0;
    const double size = exponent == 0    ? std::ldexp(fraction, -14)
                        : exponent == 31 ? 65504.0
                                         : std::ldexp(1 + fraction, exponent - 15);
    return (bits & 0x8000U) != 0 ? -size : size;
}

template <class T>
void append_raw(const std::string& raw, std::vector<double>& numbers) {
    for (std::size_t at = 0; at + sizeof(T) <= raw.size(); at += sizeof(T)) {
        T value;
        std::memcpy(&value, raw.data() + at, sizeof(T));
        numbers.push_back(static_cast<double>(value));
    }
}

void append_raw_of_type(const pb::TensorProto& tensor, std::vector<double>& numbers) {
    const std::string& raw = tensor.raw_data();
    switch (static_cast<ElementType>(tensor.data_type())) {
        case ElementType::fp32:
            return append_raw<float>(raw, numbers);
        case ElementType::fp64:
            return append_raw<double>(raw, numbers);
        case ElementType::int64:
        case ElementType::uint64:
            return append_raw<std::int64_t>(raw, numbers);
        case ElementType::int32:
        case ElementType::uint32:
            return append_raw<std::int32_t>(raw, numbers);
        case ElementType::int16:
            return append_raw<std::int16_t>(raw, numbers);
        case ElementType::uint16:
            return append_raw<std::uint16_t>(raw, numbers);
        case ElementType::int8:
            return append_raw<std::int8_t>(raw, numbers);
        case ElementType::uint8:
        case ElementType::boolean:
            return append_raw<std::uint8_t>(raw, numbers);
        case ElementType::fp16: {
            std::vector<double> bits;
            append_raw<std::uint16_t>(raw, bits);
            for (const double each : bits) {
                numbers.push_back(half(static_cast<std::uint16_t>(each)));
            }
            return;
        }
        default:
            return;
    }
}

/// The numbers of a small tensor; nothing where they are not all there.
std::optional<std::vector<double>> numbers_of(const pb::TensorProto& tensor,
                                              std::int64_t expected) {
    if (expected < 0 || expected > kMostNumbers) {
        return std::nullopt;
    }
    std::vector<double> numbers;
    append_raw_of_type(tensor, numbers);
    numbers.insert(numbers.end(), tensor.float_data().begin(), tensor.float_data().end());
    numbers.insert(numbers.end(), tensor.double_data().begin(), tensor.double_data().end());
    for (const std::int64_t value : tensor.int64_data()) {
        numbers.push_back(static_cast<double>(value));
    }
    for (const std::int32_t value : tensor.int32_data()) {
        numbers.push_back(tensor.data_type() == pb::TensorProto::FLOAT16
                              ? half(static_cast<std::uint16_t>(value))
                              : static_cast<double>(value));
    }
    if (numbers.size() != static_cast<std::size_t>(expected)) {
        return std::nullopt;
    }
    return numbers;
}

Constant constant_of(const pb::TensorProto& tensor) {
    Constant constant;
    constant.type = static_cast<ElementType>(tensor.data_type());
    double words = 1;
    for (const std::int64_t dim : tensor.dims()) {
        constant.dims.push_back(dim);
        words *= dim < 0 ? 1e18 : static_cast<double>(dim);
    }
    if (words <= static_cast<double>(kMostNumbers)) {
        constant.numbers = numbers_of(tensor, static_cast<std::int64_t>(words));
    }
    return constant;
}

Attribute attribute_of(const pb::AttributeProto& stated) {
    Attribute attribute;
    attribute.integer = stated.i();
    attribute.real = static_cast<double>(stated.f());
    attribute.text = stated.s();
    attribute.integers.assign(stated.ints().begin(), stated.ints().end());
    attribute.reals.assign(stated.floats().begin(), stated.floats().end());
    attribute.texts.assign(stated.strings().begin(), stated.strings().end());
    if (stated.has_t()) {
        attribute.tensor = constant_of(stated.t());
    }
    return attribute;
}

Node node_of(const pb::NodeProto& stated) {
    Node node;
    node.name = stated.name();
    node.op = stated.op_type();
    node.domain = stated.domain() == "ai.onnx" ? "" : stated.domain();
    node.inputs.assign(stated.input().begin(), stated.input().end());
    node.outputs.assign(stated.output().begin(), stated.output().end());
    for (const pb::AttributeProto& attribute : stated.attribute()) {
        node.attributes.emplace(attribute.name(), attribute_of(attribute));
    }
    return node;
}

Stated stated_of(const pb::ValueInfoProto& info) {
    Stated stated;
    stated.name = info.name();
    if (!info.type().has_tensor_type()) {
        return stated;
    }
    const pb::TypeProto::Tensor& tensor = info.type().tensor_type();
    stated.type = static_cast<ElementType>(tensor.elem_type());
    if (tensor.has_shape()) {
        stated.shape.emplace();
        for (const pb::TensorShapeProto::Dimension& dim : tensor.shape().dim()) {
            Size size;
            size.symbol = dim.dim_param();
            if (dim.has_dim_value()) {
                size.value = dim.dim_value();
            }
            stated.shape->push_back(std::move(size));
        }
    }
    return stated;
}

std::int64_t opset_of(const pb::ModelProto& model) {
    std::int64_t version = 0;
    for (const pb::OperatorSetIdProto& opset : model.opset_import()) {
        if (opset.domain().empty() || opset.domain() == "ai.onnx") {
            version = opset.version();
        }
    }
    return version;
}

/// Of the outputs, and of what lies between.
std::vector<Stated> values_of(const pb::GraphProto& graph) {
    std::vector<Stated> values;
    for (const auto* list : {&graph.output(), &graph.value_info()}) {
        for (const pb::ValueInfoProto& value : *list) {
            values.push_back(stated_of(value));
        }
    }
    return values;
}

Model model_of(const pb::ModelProto& stated) {
    Model model;
    const pb::GraphProto& graph = stated.graph();
    model.name = graph.name();
    model.producer = stated.producer_name();
    model.opset = opset_of(stated);
    for (const pb::TensorProto& tensor : graph.initializer()) {
        model.initialisers.emplace(tensor.name(), constant_of(tensor));
    }
    for (const pb::ValueInfoProto& input : graph.input()) {
        const bool initialised = model.initialisers.contains(input.name());
        (initialised ? model.values : model.inputs).push_back(stated_of(input));
    }
    for (const pb::ValueInfoProto& output : graph.output()) {
        model.outputs.push_back(output.name());
    }
    const std::vector<Stated> values = values_of(graph);
    model.values.insert(model.values.end(), values.begin(), values.end());
    for (const pb::NodeProto& node : graph.node()) {
        model.nodes.push_back(node_of(node));
    }
    return model;
}

}  // namespace

std::optional<Model> parse_model(const ImportFile& file, bool infer, Diagnostics& faults) {
    const SourceMark whole{file.shown_as, 0, 0};
    const Slimmed slim = slimmed(file.content);
    pb::ModelProto model;
    const google::protobuf::LogSilencer silence;
    if (!slim.fault.empty() || !model.ParseFromString(slim.bytes) || !model.has_graph()) {
        faults.error(whole, slim.fault.empty() ? "is no ONNX model, or cut off" : slim.fault);
        return std::nullopt;
    }
    Model parsed = model_of(model);
    if (infer && parsed.opset <= kNewestInferred) {
        pb::GraphProto inferred;
        if (inferred.ParseFromString(inferred_values(slim.bytes))) {
            parsed.inferred = values_of(inferred);
        }
    }
    if (parsed.opset > kNewestOpset) {
        faults.error(whole, "uses operator set " + std::to_string(parsed.opset) +
                                " of ONNX; this program reads up to " +
                                std::to_string(kNewestOpset));
        return std::nullopt;
    }
    return parsed;
}

}  // namespace memwall::importers::onnx
