// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/operators.hpp"

#include <algorithm>

namespace memwall::importers::onnx {
namespace {

constexpr const char* kMicrosoft = "com.microsoft";

std::vector<Operator> make_operators() {
    std::vector<Operator> list = {
        {"", "Conv", read_conv},
        {"", "ConvInteger", read_conv_integer},
        {"", "ConvTranspose", read_conv_transpose},
        {"", "QLinearConv", read_qlinear_conv},
        {kMicrosoft, "FusedConv", read_conv},
        {"", "MaxPool", read_max_pool},
        {"", "AveragePool", read_average_pool},
        {"", "GlobalAveragePool", read_global_average_pool},
        {"", "GlobalMaxPool", read_global_max_pool},
        {"", "MatMul", read_matmul},
        {"", "MatMulInteger", read_matmul},
        {"", "QLinearMatMul", read_qlinear_matmul},
        {"", "Gemm", read_gemm},
        {kMicrosoft, "FusedMatMul", read_matmul},
        {kMicrosoft, "TransposeMatMul", read_matmul},
        {kMicrosoft, "FusedGemm", read_gemm},
        {kMicrosoft, "MatMulNBits", read_matmul_bits},
        {"", "Einsum", read_einsum},
        {"", "Attention", read_standard_attention},
        {"", "RotaryEmbedding", read_rotary},
        {kMicrosoft, "Attention", read_attention},
        {kMicrosoft, "QAttention", read_qattention},
        {kMicrosoft, "MultiHeadAttention", read_multi_head_attention},
        {kMicrosoft, "GroupQueryAttention", read_grouped_attention},
        {kMicrosoft, "RotaryEmbedding", read_rotary},
        {kMicrosoft, "EmbedLayerNormalization", read_embed_layer_norm},
        {"", "Add", read_binary},
        {"", "Sub", read_binary},
        {"", "Mul", read_binary},
        {"", "Div", read_binary},
        {"", "Sum", read_binary},
        {"", "Max", read_binary},
        {"", "Min", read_binary},
        {"", "And", read_binary},
        {"", "Or", read_binary},
        {"", "Equal", read_binary},
        {"", "Greater", read_binary},
        {"", "GreaterOrEqual", read_binary},
        {"", "Less", read_binary},
        {"", "LessOrEqual", read_binary},
        {"", "Not", read_not},
        {"", "Mean", read_mean_of},
        {"", "Where", read_where},
        {kMicrosoft, "QLinearAdd", read_qlinear_binary},
        {kMicrosoft, "QLinearMul", read_qlinear_binary},
        {"", "Pow", read_power},
        {"", "Neg", read_negative},
        {"", "Abs", read_unary},
        {"", "Ceil", read_unary},
        {"", "Cos", read_unary},
        {"", "Erf", read_unary},
        {"", "Exp", read_unary},
        {"", "Floor", read_unary},
        {"", "Log", read_unary},
        {"", "Reciprocal", read_unary},
        {"", "Round", read_unary},
        {"", "Sign", read_unary},
        {"", "Sin", read_unary},
        {"", "Softsign", read_unary},
        {"", "Sqrt", read_unary},
        {"", "Relu", read_unary},
        {"", "LeakyRelu", read_unary},
        {"", "PRelu", read_unary},
        {"", "Elu", read_unary},
        {"", "Celu", read_unary},
        {"", "Selu", read_unary},
        {"", "Sigmoid", read_unary},
        {"", "Tanh", read_unary},
        {"", "Softplus", read_unary},
        {"", "HardSigmoid", read_unary},
        {"", "HardSwish", read_unary},
        {"", "Clip", read_unary},
        {"", "Mish", read_unary},
        {"", "Gelu", read_unary},
        {kMicrosoft, "Gelu", read_unary},
        {kMicrosoft, "FastGelu", read_bias_gelu},
        {kMicrosoft, "BiasGelu", read_bias_gelu},
        {kMicrosoft, "QuickGelu", read_unary},
        {"", "Silu", read_unary},
        {"", "LSTM", read_lstm},
        {"", "GRU", read_gru},
        {"", "Softmax", read_softmax},
        {"", "LogSoftmax", read_softmax},
        {"", "BatchNormalization", read_batch_norm},
        {"", "LayerNormalization", read_layer_norm},
        {"", "RMSNormalization", read_rms_norm},
        {"", "SimplifiedLayerNormalization", read_rms_norm},
        {kMicrosoft, "SimplifiedLayerNormalization", read_rms_norm},
        {kMicrosoft, "SkipLayerNormalization", read_skip_layer_norm},
        {kMicrosoft, "SkipSimplifiedLayerNormalization", read_skip_layer_norm},
        {"", "InstanceNormalization", read_instance_norm},
        {"", "GroupNormalization", read_group_norm},
        {"", "LRN", read_local_response_norm},
        {"", "ReduceMean", read_mean},
        {"", "ReduceSum", read_reduction},
        {"", "ReduceMax", read_reduction},
        {"", "ReduceMin", read_reduction},
        {"", "ReduceSumSquare", read_reduction},
        {"", "ReduceL1", read_reduction},
        {"", "ReduceL2", read_reduction},
        {"", "ReduceLogSumExp", read_reduction},
        {"", "ArgMax", read_arg_max},
        {"", "ArgMin", read_arg_max},
        {"", "Identity", read_ignored},
        {"", "Dropout", read_ignored},
        {"", "Cast", read_cast},
        {"", "QuantizeLinear", read_quantize},
        {"", "DequantizeLinear", read_dequantize},
        {"", "DynamicQuantizeLinear", read_quantize},
        {kMicrosoft, "QuantizeLinear", read_quantize},
        {kMicrosoft, "DequantizeLinear", read_dequantize},
        {"", "Shape", read_shape},
        {"", "Size", read_size},
        {"", "Constant", read_constant},
        {"", "Reshape", read_reshape},
        {"", "Flatten", read_flatten},
        {"", "Squeeze", read_squeeze},
        {"", "Unsqueeze", read_unsqueeze},
        {"", "Transpose", read_transpose},
        {"", "Expand", read_expand},
        {"", "Tile", read_tile},
        {"", "Trilu", read_triangle},
        {"", "DepthToSpace", read_depth_to_space},
        {"", "SpaceToDepth", read_depth_to_space},
        {"", "Concat", read_concat},
        {"", "Split", read_split},
        {"", "Slice", read_slice},
        {"", "Gather", read_gather},
        {"", "Pad", read_pad},
        {"", "Resize", read_resize},
        {"", "Upsample", read_resize},
    };
    for (std::size_t later = 0; later < list.size(); ++later) {
        for (std::size_t one = 0; one < later; ++one) {
            ensure(std::string_view(list[one].name) != list[later].name ||
                       std::string_view(list[one].domain) != list[later].domain,
                   "two operators of one name");
        }
    }
    return list;
}

}  // namespace

const std::vector<Operator>& operators() {
    static const std::vector<Operator> list = make_operators();
    return list;
}

const Operator* find_operator(std::string_view domain, std::string_view name) {
    const std::vector<Operator>& list = operators();
    const auto found = std::find_if(list.begin(), list.end(), [&](const Operator& each) {
        return domain == each.domain && name == each.name;
    });
    return found == list.end() ? nullptr : &*found;
}

}  // namespace memwall::importers::onnx
