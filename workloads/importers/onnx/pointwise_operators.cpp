// SPDX-License-Identifier: Apache-2.0
// Element by element: sums and products, activation functions, and what only changes formats.
#include <algorithm>
#include <array>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers::onnx {
namespace {

/// An operand of these dims as it is seen beside a result of `out`: of as many axes, ones in front,
/// and without the axis that the result's item leaves out.
Shape beside(const Dims& dims, const Dims& out, const Item& item, std::int64_t batch) {
    Dims padded(out.size() - dims.size(), 1);
    padded.insert(padded.end(), dims.begin(), dims.end());
    if (item.dropped == 1) {
        padded.erase(padded.begin() + static_cast<std::ptrdiff_t>(item.batch_axis));
        return padded;
    }
    if (!padded.empty() && padded[item.batch_axis] % batch == 0) {
        padded[item.batch_axis] /= batch;
    }
    return padded.empty() ? Shape{1} : padded;
}

/// Whether the last layer is one whose weights can take a sum of a number for each output.
bool takes_bias(NodeReader& node, const Value& value, const std::string& name,
                const Constant& constant) {
    const DraftLayer* before = node.graph().draft().find_layer(value.source);
    if (before == nullptr || node.graph().uses(name) != 1 ||
        (before->op != "linear" && before->op != "conv") || value.dims.empty()) {
        return false;
    }
    const auto flag = std::find_if(before->keys.begin(), before->keys.end(),
                                   [](const auto& entry) { return entry.key == "bias"; });
    const bool channels_last = before->op == "linear";
    const std::int64_t outputs = channels_last ? value.source_shape.back() : value.source_shape[0];
    std::int64_t words = 1;
    for (const std::int64_t dim : constant.dims) {
        words *= std::clamp<std::int64_t>(dim, 0, 1 << 20);
    }
    const bool along =
        channels_last ? !constant.dims.empty() && constant.dims.back() == outputs &&
                            value.dims.back() == outputs
                      : constant.dims.size() + 1 >= value.dims.size() &&
                            constant.dims[constant.dims.size() + 1 - value.dims.size()] == outputs;
    return flag != before->keys.end() && flag->value.text() == "false" && words == outputs && along;
}

struct Function {
    const char* onnx;
    const char* op;
};

/// Conditions are numbers, 0 or 1: both hold where the smaller one does.
const char* op_of(std::string_view name) {
    constexpr std::array kOps = {Function{"Sub", "sub"},
                                 Function{"Div", "div"},
                                 Function{"Mul", "mul"},
                                 Function{"Max", "maximum"},
                                 Function{"Or", "maximum"},
                                 Function{"Min", "minimum"},
                                 Function{"And", "minimum"},
                                 Function{"BitwiseOr", "maximum"},
                                 Function{"BitwiseAnd", "minimum"},
                                 Function{"BitwiseXor", "compare"},
                                 Function{"BitShift", "mul"},
                                 Function{"Mod", "div"},
                                 Function{"Xor", "compare"},
                                 Function{"Equal", "compare"},
                                 Function{"Greater", "compare"},
                                 Function{"Less", "compare"},
                                 Function{"GreaterOrEqual", "compare"},
                                 Function{"LessOrEqual", "compare"}};
    const auto* found = std::find_if(kOps.begin(), kOps.end(),
                                     [&](const Function& each) { return name == each.onnx; });
    return found == kOps.end() ? "add" : found->op;
}

/// A sum or product of the inputs at these positions.
void add_elementwise(NodeReader& node, const std::string& op,
                     const std::vector<std::size_t>& positions) {
    Dims dims = node.input(positions[0]).dims;
    Precision precision = Precision::int1;
    std::vector<const Value*> read;
    const Value* constant = nullptr;
    const bool all_constant =
        std::all_of(positions.begin(), positions.end(),
                    [&](std::size_t each) { return node.input(each).is_constant(); });
    for (const std::size_t position : positions) {
        const Value& value = node.input(position);
        const auto wider = broadcast(dims, value.dims);
        if (!wider) {
            throw Contradiction{"shapes do not meet: " + text_of(dims) + " and " +
                                text_of(value.dims)};
        }
        dims = *wider;
        if (all_constant) {
            continue;
        }
        if (value.is_activation()) {
            read.push_back(&value);
            precision = read.size() == 1 ? value.precision : widest(precision, value.precision);
        } else if (constant == nullptr || op == "where") {
            // What is chosen by or from constants lies beside the vector unit: the largest counts.
            const bool larger =
                constant == nullptr || words_of(value.dims) > words_of(constant->dims);
            constant = larger ? &value : constant;
        } else {
            throw NotExpressible{"more than one constant"};
        }
    }
    if (all_constant) {
        return node.set_output(0, unknown_constant(node.input(positions.back()), dims));
    }
    const std::int64_t batch = node.graph().batch();
    const Item item = node.graph().item(dims);
    if (item.shape.size() > 4) {
        throw NotExpressible{"its result has " + std::to_string(item.shape.size()) +
                             " axes, of one item"};
    }
    DraftLayer layer = node.start(op);
    for (const Value* value : read) {
        layer.inputs.push_back(node.graph().read(*value, beside(value->dims, dims, item, batch)));
    }
    if (constant != nullptr) {
        layer.set_list("constant", words_of(constant->dims) == 1
                                       ? Dims{1}
                                       : beside(constant->dims, dims, item, batch));
    }
    node.finish(std::move(layer), dims, precision);
}

/// Functions of each element by their names here and there. A clip is a least and a most, whatever
/// they are; Celu and Selu differ from Elu in factors; angles are one operation as a sine is.
// MODEL: a running sum is one addition for each element.
constexpr std::array kFunctions = {
    Function{"Relu", "relu"},
    Function{"LeakyRelu", "leaky_relu"},
    Function{"PRelu", "prelu"},
    Function{"Elu", "elu"},
    Function{"Celu", "elu"},
    Function{"Selu", "elu"},
    Function{"Sigmoid", "sigmoid"},
    Function{"Tanh", "tanh"},
    Function{"Softplus", "softplus"},
    Function{"HardSigmoid", "hard_sigmoid"},
    Function{"HardSwish", "hard_swish"},
    Function{"Clip", "relu6"},
    Function{"Mish", "mish"},
    Function{"Gelu", "gelu"},
    Function{"QuickGelu", "silu"},
    Function{"Silu", "silu"},
    Function{"Shrink", "relu6"},
    Function{"ThresholdedRelu", "leaky_relu"},
    Function{"QLinearSigmoid", "sigmoid"},
    Function{"QLinearLeakyRelu", "leaky_relu"},
    Function{"CumSum", "add"},
    Function{"IsInf", "compare"},
    Function{"IsNaN", "compare"},
    Function{"Abs", "abs"},
    Function{"Acos", "sin"},
    Function{"Acosh", "sin"},
    Function{"Asin", "sin"},
    Function{"Asinh", "sin"},
    Function{"Atan", "sin"},
    Function{"Atanh", "sin"},
    Function{"Cosh", "sin"},
    Function{"Sinh", "sin"},
    Function{"Tan", "sin"},
    Function{"Ceil", "round"},
    Function{"Cos", "cos"},
    Function{"Erf", "erf"},
    Function{"Exp", "exp"},
    Function{"Floor", "round"},
    Function{"Log", "log"},
    Function{"Reciprocal", "reciprocal"},
    Function{"Round", "round"},
    Function{"Sign", "round"},
    Function{"Sin", "sin"},
    Function{"Sqrt", "sqrt"},
};

const char* function_op(const std::string& name) {
    const auto* found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                     [&](const Function& each) { return name == each.onnx; });
    return found == kFunctions.end() ? nullptr : found->op;
}

void pass_on(NodeReader& node, Precision precision) {
    Value value = node.repeated_input(0);
    value.precision = precision;
    node.set_output(0, std::move(value));
}

}  // namespace

Value add_function(NodeReader& node, const Value& value, const std::string& op,
                   const std::string& part) {
    const Value read = node.graph().in_order(value);
    DraftLayer layer = node.start(op, part);
    layer.inputs = {read.source};
    if (op == "mul" || op == "sub" || op == "add" || op == "compare") {
        layer.set_list("constant", {1});  // a number beside it
    }
    return node.finish_as(std::move(layer), Shape(read.source_shape), Dims(read.dims),
                          read.precision);
}

Value add_product_of(NodeReader& node, const Value& a, const Value& b, const std::string& part) {
    const Value first = node.graph().in_order(a);
    DraftLayer layer = node.start("mul", part);
    layer.inputs = {first.source, node.graph().read(b, first.source_shape)};
    return node.finish_as(std::move(layer), Shape(first.source_shape), Dims(first.dims),
                          widest(first.precision, b.precision));
}

Value add_bias(NodeReader& node, const Value& value, std::int64_t features,
               const std::string& part) {
    const Shape shape = node.graph().item(value.dims).shape;
    DraftLayer sum = node.start("add", part);
    sum.inputs = {node.graph().read(value, shape)};
    Shape constant(shape.size(), 1);
    constant.back() = features;
    sum.set_list("constant", constant);
    return node.finish_as(std::move(sum), shape, Dims(value.dims), value.precision);
}

void read_binary(NodeReader& node) {
    std::vector<std::size_t> positions;
    for (std::size_t input = 0; input < node.node().inputs.size(); ++input) {
        positions.push_back(input);
    }
    if (positions.size() == 1) {
        return pass_on(node, node.input(0).precision);
    }
    if (node.node().op == "Add" && positions.size() == 2) {
        for (const std::size_t at : {0U, 1U}) {
            const Value& value = node.input(at);
            const Value& other = node.input(1 - at);
            if (value.is_activation() && other.is_constant() &&
                takes_bias(node, value, node.node().inputs[at], other.constant)) {
                node.graph().draft().find_layer(value.source)->replace_flag("bias", true);
                return node.set_output(0, Value(value));
            }
        }
    }
    add_elementwise(node, op_of(node.node().op), positions);
}

void read_qlinear_binary(NodeReader& node) {
    // a, its scale and zero point, b, its own, and those of the result.
    add_elementwise(node, node.node().op == "QLinearMul" ? "mul" : "add", {0, 3});
}

void read_where(NodeReader& node) {
    add_elementwise(node, "where", {0, 1, 2});
}

void read_mean_of(NodeReader& node) {
    read_binary(node);
    const Value sum = *node.graph().find(node.node().outputs.at(0));
    if (sum.is_activation() && node.node().inputs.size() > 1) {
        add_function(node, sum, "mul", "_mean");
    }
}

void read_not(NodeReader& node) {
    add_function(node, Value(node.activation(0)), "sub");
}

// MODEL: a square is a product; any other power is a logarithm, a product and an exponential.
void read_power(NodeReader& node) {
    const Value& base = node.activation(0);
    const auto& numbers = node.input(1).constant.numbers;
    const bool known = numbers && numbers->size() == 1;
    if (known && ((*numbers)[0] == 0.5 || (*numbers)[0] == -1)) {
        add_function(node, Value(base), (*numbers)[0] == 0.5 ? "sqrt" : "reciprocal");
        return;
    }
    if (!known || (*numbers)[0] != 2) {
        Value value = base;
        for (const char* op : {"log", "mul", "exp"}) {
            value = add_function(node, value, op, std::string("_") + op);
        }
        return;
    }
    add_product_of(node, Value(base), Value(base), "");
}

void read_negative(NodeReader& node) {
    add_function(node, Value(node.activation(0)), "mul");
}

void add_activation(NodeReader& node, const Value& value, const std::string& name) {
    const char* op = function_op(name);
    if (op == nullptr) {
        throw NotExpressible{"the activation function '" + name + "'"};
    }
    add_function(node, Value(value), op, "_" + lower(name));
}

void read_unary(NodeReader& node) {
    const Value& value = node.input(0);
    if (value.is_constant()) {
        return node.set_output(0, unknown_constant(value, value.dims));
    }
    const char* op = function_op(node.node().op);
    ensure(op != nullptr, "every function of the list has its op");
    if (node.node().op == "CumSum") {
        const auto axis = whole_numbers(&node.input(1).constant);
        if (axis && axis->size() == 1) {
            node.graph().keep_apart(value, node.axis(axis->front(), value.rank()));
        } else {  // an axis that is computed may be any
            node.graph().keep_apart_from(value, 0);
        }
    }
    add_function(node, Value(value), op);
}

void read_softsign(NodeReader& node) {
    const Value value = node.graph().in_order(node.input(0));
    if (value.is_constant()) {
        return node.set_output(0, unknown_constant(value, value.dims));
    }
    const Value more =
        add_function(node, add_function(node, value, "abs", "_size"), "add", "_more");
    DraftLayer layer = node.start("div");
    layer.inputs = {value.source, more.source};
    node.finish_as(std::move(layer), Shape(value.source_shape), Dims(value.dims), value.precision);
}

void read_bias_gelu(NodeReader& node) {
    Value value = node.activation(0);
    if (node.has(1)) {
        const Value& bias = node.constant(1);
        if (takes_bias(node, value, node.node().inputs[0], bias.constant)) {
            node.graph().draft().find_layer(value.source)->replace_flag("bias", true);
        } else {
            value = add_bias(node, value, words_of(bias.dims), "_bias");
        }
    }
    add_function(node, value, "gelu");
}

void read_ignored(NodeReader& node) {
    if (node.node().op == "ReverseSequence") {
        const Value& value = node.input(0);
        node.graph().keep_apart(value, node.axis(node.integer("time_axis", 0), value.rank()));
    }
    pass_on(node, node.input(0).precision);
}

void read_cast(NodeReader& node) {
    const auto type = static_cast<ElementType>(node.integer("to", 1));
    const std::string fault = unreadable(type);
    if (!fault.empty()) {
        throw NotExpressible{"a cast to " + fault};
    }
    const bool known = type != ElementType::boolean;
    Value value = node.repeated_input(0);
    value.constant.type = type;
    value.precision = known ? precision_of(type) : value.precision;
    node.set_output(0, std::move(value));
}

// As Cast, to the format of another value.
void read_cast_like(NodeReader& node) {
    pass_on(node, node.input(1).precision);
}

// MODEL: a tensor between a QuantizeLinear and its DequantizeLinear is stored in the quantised
// format, and what reads it computes in it; the two cost nothing by themselves.
void read_quantize(NodeReader& node) {
    const std::int64_t type = node.integer("output_dtype", 0);
    const auto stated = static_cast<ElementType>(type);
    if (type != 0 && !unreadable(stated).empty()) {
        throw NotExpressible{"quantises to " + unreadable(stated)};
    }
    pass_on(node, node.has(2) ? node.input(2).precision
                  : type != 0 ? precision_of(stated)
                              : Precision::int8);
    // Of DynamicQuantizeLinear: a scale and a zero point.
    for (const std::size_t output : {1U, 2U}) {
        Value number;
        number.kind = Value::Kind::constant;
        number.precision = Precision::fp32;
        node.set_output(output, std::move(number));
    }
}

void read_dequantize(NodeReader& node) {
    Value value = node.input(0);
    // Sums of products, int32, go on as what the network computes in.
    node.set_output(0, std::move(value));
}

}  // namespace memwall::importers::onnx
