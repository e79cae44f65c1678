// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/op.hpp"

namespace memwall {
namespace {

std::vector<Op> make_builtin_ops() {
    using Form = OpForm;
    using namespace ops;
    std::vector<Op> list = {
        {"conv", 1, 1, Form::compute, read_conv},
        {"conv_transpose", 1, 1, Form::compute, read_conv_transpose},
        {"linear", 1, 1, Form::compute, read_linear},
        {"matmul", 2, 2, Form::compute, read_matmul},
        {"lstm", 1, 3, Form::compute, read_lstm},
        {"gru", 1, 2, Form::compute, read_gru},
        {"attention", 3, 3, Form::compute, read_attention},
        {"cache", 1, 1, Form::append, read_cache},
        {"embedding", 1, 1, Form::compute, read_embedding},
        {"position_embedding", 1, 1, Form::compute, read_position_embedding},
        {"moe", 1, 1, Form::compute, read_moe},
        {"rotary", 1, 1, Form::compute, read_rotary},
        {"max_pool", 1, 1, Form::compute, read_max_pool},
        {"average_pool", 1, 1, Form::compute, read_average_pool},
        {"global_pool", 1, 1, Form::compute, read_global_pool},
        {"mean", 1, 1, Form::compute, read_mean},
        {"resize", 1, 1, Form::compute, read_resize},
        {"add", 1, kAnyNumberOfInputs, Form::compute, read_add},
        {"sub", 1, 2, Form::compute, read_sub},
        {"mul", 1, kAnyNumberOfInputs, Form::compute, read_mul},
        {"div", 1, 2, Form::compute, read_div},
        {"relu", 1, 1, Form::compute, read_relu},
        {"gelu", 1, 1, Form::compute, read_gelu},
        {"silu", 1, 1, Form::compute, read_silu},
        {"sigmoid", 1, 1, Form::compute, read_sigmoid},
        {"tanh", 1, 1, Form::compute, read_tanh},
        {"relu6", 1, 1, Form::compute, read_relu6},
        {"leaky_relu", 1, 1, Form::compute, read_leaky_relu},
        {"prelu", 1, 1, Form::compute, read_prelu},
        {"elu", 1, 1, Form::compute, read_elu},
        {"softplus", 1, 1, Form::compute, read_softplus},
        {"mish", 1, 1, Form::compute, read_mish},
        {"swish", 1, 1, Form::compute, read_silu},
        {"hard_sigmoid", 1, 1, Form::compute, read_hard_sigmoid},
        {"hard_swish", 1, 1, Form::compute, read_hard_swish},
        {"softmax", 1, 1, Form::compute, read_softmax},
        {"batch_norm", 1, 1, Form::scale, read_batch_norm},
        {"layer_norm", 1, 1, Form::compute, read_layer_norm},
        {"rms_norm", 1, 1, Form::compute, read_rms_norm},
        {"group_norm", 1, 1, Form::compute, read_group_norm},
        {"instance_norm", 1, 1, Form::compute, read_instance_norm},
        {"local_response_norm", 1, 1, Form::compute, read_local_response_norm},
        {"concat", 2, kAnyNumberOfInputs, Form::join, read_concat},
        {"slice", 1, 1, Form::part, read_slice},
        {"pad", 1, 1, Form::compute, read_pad},
        {"transpose", 1, 1, Form::compute, read_transpose},
        {"reshape", 1, 1, Form::compute, read_reshape},
        {"flatten", 1, 1, Form::compute, read_flatten},
        {"lower_triangle", 1, 1, Form::compute, read_lower_triangle},
    };
    for (std::size_t later = 0; later < list.size(); ++later) {
        for (std::size_t op = 0; op < later; ++op) {
            ensure(std::string_view(list[op].name) != list[later].name, "two ops of one name");
        }
    }
    return list;
}

}  // namespace

const std::vector<Op>& builtin_ops() {
    static const std::vector<Op> list = make_builtin_ops();
    return list;
}

const Op* find_op(std::string_view name) {
    const std::vector<Op>& list = builtin_ops();
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const Op& op) { return name == op.name; });
    return found == list.end() ? nullptr : &*found;
}

std::vector<std::string> op_names() {
    std::vector<std::string> names;
    for (const Op& op : builtin_ops()) {
        names.emplace_back(op.name);
    }
    return names;
}

Expansion::Expansion(LayerPlan plan) {
    LayerPart only;
    only.plan = std::move(plan);
    parts.push_back(std::move(only));
}

std::nullopt_t PlanRequest::fault(const std::string& message) const {
    faults.error(where, "layer '" + layer + "': " + message);
    return std::nullopt;
}

}  // namespace memwall
