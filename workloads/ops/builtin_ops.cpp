// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "workloads/gradients/rules.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/op.hpp"

namespace memwall {
namespace {

std::vector<Op> make_builtin_ops() {
    using Form = OpForm;
    using namespace ops;
    std::vector<Op> list = {
        {"conv", 1, 1, Form::compute, read_conv, gradients::product, true},
        {"conv_transpose", 1, 1, Form::compute, read_conv_transpose, gradients::transposed_product,
         true},
        {"linear", 1, 1, Form::compute, read_linear, gradients::product},
        {"matmul", 2, 2, Form::compute, read_matmul, gradients::matmul},
        {"rnn", 1, 2, Form::compute, read_rnn},
        {"lstm", 1, 3, Form::compute, read_lstm},
        {"gru", 1, 2, Form::compute, read_gru},
        {"attention", 3, 3, Form::compute, read_attention},
        {"cache", 1, 1, Form::append, read_cache, gradients::rename},
        {"embedding", 1, 1, Form::compute, read_embedding, gradients::embedding},
        {"position_embedding", 1, 1, Form::compute, read_position_embedding,
         gradients::position_embedding},
        {"moe", 1, 1, Form::compute, read_moe},
        {"rotary", 1, 1, Form::compute, read_rotary, gradients::rotary},
        {"max_pool", 1, 1, Form::compute, read_max_pool, gradients::max_pool, true},
        {"average_pool", 1, 1, Form::compute, read_average_pool, gradients::average_pool, true},
        {"global_pool", 1, 1, Form::compute, read_global_pool, gradients::global_pool, true},
        {"mean", 1, 1, Form::compute, read_sum_over, gradients::mean},
        {"reduce_sum", 1, 1, Form::compute, read_sum_over, gradients::mean},
        {"reduce_max", 1, 1, Form::compute, read_extreme_over, gradients::extreme_over},
        {"reduce_min", 1, 1, Form::compute, read_extreme_over, gradients::extreme_over},
        {"resize", 1, 1, Form::compute, read_resize, gradients::resize, true},
        {"add", 1, kAnyNumberOfInputs, Form::compute, read_add, gradients::sum},
        {"sub", 1, 2, Form::compute, read_elementwise, gradients::difference},
        {"mul", 1, kAnyNumberOfInputs, Form::compute, read_mul, gradients::multiplied},
        {"div", 1, 2, Form::compute, read_elementwise, gradients::quotient},
        {"maximum", 1, kAnyNumberOfInputs, Form::compute, read_elementwise, gradients::extreme},
        {"minimum", 1, kAnyNumberOfInputs, Form::compute, read_elementwise, gradients::extreme},
        {"compare", 1, 2, Form::compute, read_elementwise, gradients::nowhere},
        {"where", 1, 3, Form::compute, read_where, gradients::chosen},
        {"abs", 1, 1, Form::compute, read_function, gradients::of_input},
        {"exp", 1, 1, Form::compute, read_function, gradients::of_result},
        {"log", 1, 1, Form::compute, read_function, gradients::of_input},
        {"sqrt", 1, 1, Form::compute, read_function, gradients::of_result},
        {"reciprocal", 1, 1, Form::compute, read_function, gradients::of_result},
        {"sin", 1, 1, Form::compute, read_function, gradients::of_input},
        {"cos", 1, 1, Form::compute, read_function, gradients::of_input},
        {"erf", 1, 1, Form::compute, read_function, gradients::of_input},
        {"round", 1, 1, Form::compute, read_function, gradients::nowhere},
        {"relu", 1, 1, Form::compute, read_relu, gradients::of_result},
        {"gelu", 1, 1, Form::compute, read_gelu, gradients::of_input},
        {"silu", 1, 1, Form::compute, read_silu, gradients::of_input},
        {"sigmoid", 1, 1, Form::compute, read_sigmoid, gradients::of_result},
        {"tanh", 1, 1, Form::compute, read_tanh, gradients::of_result},
        {"relu6", 1, 1, Form::compute, read_relu6, gradients::of_result},
        {"leaky_relu", 1, 1, Form::compute, read_leaky_relu, gradients::of_result},
        {"prelu", 1, 1, Form::compute, read_prelu, gradients::prelu},
        {"elu", 1, 1, Form::compute, read_elu, gradients::of_result},
        {"softplus", 1, 1, Form::compute, read_softplus, gradients::of_input},
        {"mish", 1, 1, Form::compute, read_mish, gradients::of_input},
        {"swish", 1, 1, Form::compute, read_silu, gradients::of_input},
        {"hard_sigmoid", 1, 1, Form::compute, read_hard_sigmoid, gradients::of_result},
        {"hard_swish", 1, 1, Form::compute, read_hard_swish, gradients::of_input},
        {"softmax", 1, 1, Form::compute, read_softmax, gradients::softmax},
        {"batch_norm", 1, 1, Form::scale, read_batch_norm, gradients::batch_norm},
        {"layer_norm", 1, 1, Form::compute, read_layer_norm, gradients::normalisation},
        {"rms_norm", 1, 1, Form::compute, read_rms_norm, gradients::normalisation},
        {"group_norm", 1, 1, Form::compute, read_group_norm, gradients::normalisation},
        {"instance_norm", 1, 1, Form::compute, read_instance_norm, gradients::normalisation},
        {"local_response_norm", 1, 1, Form::compute, read_local_response_norm,
         gradients::response_norm, true},
        {"concat", 2, kAnyNumberOfInputs, Form::join, read_concat, gradients::concat},
        {"slice", 1, 1, Form::part, read_slice, gradients::slice},
        {"pad", 1, 1, Form::compute, read_pad, gradients::pad},
        {"expand", 1, 1, Form::compute, read_expand, gradients::expand},
        {"transpose", 1, 1, Form::compute, read_transpose, gradients::transpose},
        {"reshape", 1, 1, Form::compute, read_reshape, gradients::rename},
        {"flatten", 1, 1, Form::compute, read_flatten, gradients::rename},
        {"lower_triangle", 1, 1, Form::compute, read_lower_triangle},
    };
    for (std::size_t later = 0; later < list.size(); ++later) {
        for (std::size_t op = 0; op < later; ++op) {
            ensure(std::string_view(list[op].name) != list[later].name, "two ops of one name");
        }
    }
    return list;
}

/// Kinds that no file can name: parts of composites that have a gradient.
struct PartGradient {
    std::string_view op;
    GradientRule gradient;
};
constexpr std::array kPartGradients = {
    PartGradient{"lstm_cell", gradients::lstm_cell},
    PartGradient{"lstm_hidden", gradients::lstm_hidden},
    PartGradient{"gru_hidden", gradients::gru_hidden},
    PartGradient{"select", gradients::select},
    PartGradient{"expert_linear", gradients::expert_product},
    PartGradient{"top_k", gradients::top_k},
    PartGradient{"combine", gradients::combine},
};

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

GradientRule find_gradient(std::string_view op) {
    if (const Op* known = find_op(op)) {
        return known->gradient;
    }
    const auto* part = std::find_if(kPartGradients.begin(), kPartGradients.end(),
                                    [&](const PartGradient& each) { return each.op == op; });
    return part == kPartGradients.end() ? nullptr : part->gradient;
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
