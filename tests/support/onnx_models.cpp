// SPDX-License-Identifier: Apache-2.0
#include "tests/support/onnx_models.hpp"

#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

namespace memwall::test {

struct OnnxModel::Content {
    onnx::ModelProto model;
};

namespace {

void state(onnx::ValueInfoProto& info, const std::string& name,
           const std::vector<std::string>& dims, int type) {
    info.set_name(name);
    onnx::TypeProto::Tensor* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    tensor->mutable_shape();
    for (const std::string& dim : dims) {
        const bool number = !dim.empty() && (dim[0] == '-' || (dim[0] >= '0' && dim[0] <= '9'));
        onnx::TensorShapeProto::Dimension* size = tensor->mutable_shape()->add_dim();
        if (number) {
            size->set_dim_value(std::stoll(dim));
        } else if (!dim.empty()) {
            size->set_dim_param(dim);
        }
    }
}

}  // namespace

OnnxModel::OnnxModel(std::int64_t opset) : content_(std::make_unique<Content>()) {
    content_->model.set_ir_version(8);
    content_->model.set_producer_name("a test");
    onnx::OperatorSetIdProto* set = content_->model.add_opset_import();
    set->set_version(opset);
    content_->model.add_opset_import()->set_domain("com.microsoft");
    content_->model.mutable_opset_import(1)->set_version(1);
    content_->model.mutable_graph()->set_name("graph");
}

OnnxModel::~OnnxModel() = default;

OnnxModel& OnnxModel::input(const std::string& name, const std::vector<std::string>& dims,
                            int type) {
    state(*content_->model.mutable_graph()->add_input(), name, dims, type);
    return *this;
}

OnnxModel& OnnxModel::declare(const std::string& name, const std::vector<std::string>& dims) {
    state(*content_->model.mutable_graph()->add_value_info(), name, dims, kOnnxFloat);
    return *this;
}

OnnxModel& OnnxModel::declare_inferred() {
    for (const auto& [name, dims] : inferred()) {
        std::vector<std::string> sizes;
        for (const std::int64_t dim : dims) {
            sizes.push_back(dim < 0 ? "" : std::to_string(dim));
        }
        declare(name, sizes);
    }
    return *this;
}

OnnxModel& OnnxModel::output(const std::string& name) {
    onnx::ValueInfoProto* info = content_->model.mutable_graph()->add_output();
    info->set_name(name);
    info->mutable_type()->mutable_tensor_type()->set_elem_type(kOnnxFloat);
    return *this;
}

OnnxModel& OnnxModel::weights(const std::string& name, const std::vector<std::int64_t>& dims,
                              int type) {
    onnx::TensorProto* tensor = content_->model.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(type);
    tensor->mutable_dims()->Add(dims.begin(), dims.end());
    tensor->set_data_location(onnx::TensorProto::EXTERNAL);
    return *this;
}

OnnxModel& OnnxModel::integers(const std::string& name, const std::vector<std::int64_t>& values,
                               bool scalar) {
    onnx::TensorProto* tensor = content_->model.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(kOnnxInt64);
    if (!scalar) {
        tensor->add_dims(static_cast<std::int64_t>(values.size()));
    }
    tensor->mutable_int64_data()->Add(values.begin(), values.end());
    return *this;
}

OnnxModel& OnnxModel::real(const std::string& name, double value) {
    onnx::TensorProto* tensor = content_->model.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(kOnnxFloat);
    tensor->add_float_data(static_cast<float>(value));
    return *this;
}

OnnxModel& OnnxModel::reals(const std::string& name, const std::vector<double>& values) {
    real(name, 0);
    auto* list = content_->model.mutable_graph()->mutable_initializer();
    onnx::TensorProto* tensor = list->Mutable(list->size() - 1);
    tensor->clear_float_data();
    tensor->add_dims(static_cast<std::int64_t>(values.size()));
    for (const double value : values) {
        tensor->add_float_data(static_cast<float>(value));
    }
    return *this;
}

OnnxModel& OnnxModel::node(const std::string& op, const std::vector<std::string>& inputs,
                           const std::vector<std::string>& outputs,
                           const OnnxAttributes& attributes, const std::string& domain) {
    onnx::NodeProto* node = content_->model.mutable_graph()->add_node();
    node->set_op_type(op);
    node->set_domain(domain);
    node->set_name(outputs.at(0) + "_node");
    for (const std::string& input : inputs) {
        node->add_input(input);
    }
    for (const std::string& output : outputs) {
        node->add_output(output);
    }
    for (const auto& [name, value] : attributes) {
        onnx::AttributeProto* attribute = node->add_attribute();
        attribute->set_name(name);
        if (const auto* integer = std::get_if<std::int64_t>(&value)) {
            attribute->set_type(onnx::AttributeProto::INT);
            attribute->set_i(*integer);
        } else if (const auto* number = std::get_if<double>(&value)) {
            attribute->set_type(onnx::AttributeProto::FLOAT);
            attribute->set_f(static_cast<float>(*number));
        } else if (const auto* text = std::get_if<std::string>(&value)) {
            attribute->set_type(onnx::AttributeProto::STRING);
            attribute->set_s(*text);
        } else {
            const auto& list = std::get<std::vector<std::int64_t>>(value);
            attribute->set_type(onnx::AttributeProto::INTS);
            attribute->mutable_ints()->Add(list.begin(), list.end());
        }
    }
    return *this;
}

std::string OnnxModel::bytes() const {
    return content_->model.SerializeAsString();
}

std::map<std::string, std::vector<std::int64_t>> OnnxModel::inferred() const {
    onnx::ModelProto model = content_->model;
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(),
                                       onnx::ShapeInferenceOptions(false, 1, true));
    std::map<std::string, std::vector<std::int64_t>> shapes;
    const auto add = [&](const onnx::ValueInfoProto& info) {
        if (!info.type().tensor_type().has_shape()) {
            return;
        }
        std::vector<std::int64_t>& dims = shapes[info.name()];
        dims.clear();
        for (const auto& dim : info.type().tensor_type().shape().dim()) {
            dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
        }
    };
    for (const auto& info : model.graph().value_info()) {
        add(info);
    }
    for (const auto& info : model.graph().output()) {
        add(info);
    }
    return shapes;
}

}  // namespace memwall::test
