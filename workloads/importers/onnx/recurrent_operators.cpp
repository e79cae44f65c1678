// SPDX-License-Identifier: Apache-2.0
// RNN, LSTM and GRU cells, unrolled over the steps of a sequence.
#include <algorithm>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers::onnx {
namespace {

constexpr std::size_t kBias = 3;
constexpr std::size_t kState = 5;
constexpr std::size_t kCell = 6;
constexpr std::size_t kPeepholes = 7;

/// A kind of cell.
struct Kind {
    const char* op;
    std::int64_t gates;
};

/// What a recurrent node says of itself.
struct Cells {
    std::int64_t steps = 1, features = 1, hidden = 1, directions = 1;
    bool batch_first = false;
    Precision weights = Precision::fp32;
};

Cells cells_of(NodeReader& node, std::int64_t gates) {
    const Value& input = node.activation(0);
    const Value& weights = node.constant(1);
    const Value& recurrent = node.constant(2);
    Cells cells;
    cells.batch_first = node.integer("layout", 0) != 0;
    cells.directions = node.word("direction", "forward") == "bidirectional" ? 2 : 1;
    if (input.rank() != 3 || weights.rank() != 3 || recurrent.rank() != 3) {
        throw NotExpressible{"needs a sequence and weights of three axes"};
    }
    if (input.dims[cells.batch_first ? 0 : 1] != node.graph().batch()) {
        throw NotExpressible{"sequences " + text_of(input.dims) + ", but a batch of " +
                             std::to_string(node.graph().batch())};
    }
    words_of(weights.dims);
    cells.steps = input.dims[cells.batch_first ? 1 : 0];
    cells.features = input.dims[2];
    cells.hidden = recurrent.dims[2];
    cells.weights = weights.precision;
    if (weights.dims != Dims{cells.directions, gates * cells.hidden, cells.features} ||
        recurrent.dims != Dims{cells.directions, gates * cells.hidden, cells.hidden}) {
        throw Contradiction{"weights of shape " + text_of(weights.dims) + " and " +
                            text_of(recurrent.dims) + " for a sequence " + text_of(input.dims)};
    }
    return cells;
}

bool is_read(NodeReader& node, std::size_t output) {
    const std::vector<std::string>& outputs = node.node().outputs;
    return output < outputs.size() && !outputs[output].empty() &&
           node.graph().uses(outputs[output]) > 0;
}

/// Zeros, as far as is known.
bool is_nothing(const Value& state) {
    const auto& numbers = state.constant.numbers;
    return state.is_constant() &&
           (!numbers || std::all_of(numbers->begin(), numbers->end(),
                                    [](double number) { return number == 0; }));
}

/// The name of what one direction starts from, [1, hidden]; "" where that is nothing.
std::string state_of(NodeReader& node, std::size_t input, const Cells& cells,
                     std::int64_t direction, const std::string& part) {
    if (!node.has(input) || is_nothing(node.input(input))) {
        return "";
    }
    Value state = node.input(input);
    if (words_of(state.dims) != node.graph().batch() * cells.directions * cells.hidden) {
        throw Contradiction{"a state of shape " + text_of(state.dims) + " for " +
                            std::to_string(cells.directions) + " by " +
                            std::to_string(cells.hidden) + " units"};
    }
    if (state.is_constant()) {
        // Numbers that are the same for all items come in with each.
        const std::string name = node.node().inputs[input];
        node.graph().add_input(name, {node.graph().batch(), cells.directions, cells.hidden},
                               state.precision);
        state = *node.graph().find(name);
    }
    std::string all = node.graph().read(state, {cells.directions, cells.hidden});
    if (cells.directions == 1) {
        return all;
    }
    DraftLayer layer = node.start("slice", part);
    layer.inputs = {all};
    layer.set("begin", direction).set("end", direction + 1);
    return node
        .finish_as(std::move(layer), {1, cells.hidden}, {1, cells.hidden}, state.precision,
                   std::nullopt, SIZE_MAX)
        .source;
}

/// The function of a plain cell.
std::string function_of(const NodeReader& node, std::int64_t direction) {
    const std::vector<std::string> stated = node.words("activations");
    const auto at = static_cast<std::size_t>(direction);
    std::string function = at < stated.size() ? lower(stated[at]) : "tanh";
    if (function != "tanh" && function != "relu") {
        throw NotExpressible{"the activation function '" + stated[at] + "'"};
    }
    return function;
}

/// The initialisers that two nodes have to share for all of their parameters to be the same.
std::string parameters_of(const NodeReader& node, std::int64_t direction) {
    std::string tensors = node.node().op + " " + std::to_string(direction);
    for (const std::size_t input : {std::size_t{1}, std::size_t{2}, kBias, kPeepholes}) {
        tensors += "\n" + (node.has(input) ? node.input(input).tensor : "");
    }
    return node.constant(1).tensor.empty() ? "" : tensors;
}

/// One direction; the results of all steps or of the last.
Value add_cells(NodeReader& node, const Kind& kind, const Cells& cells, bool all,
                std::int64_t direction) {
    const std::string part = cells.directions == 1 ? "" : direction == 0 ? "_on" : "_back";
    const Value input = node.activation(0);
    const std::string state = state_of(node, kState, cells, direction, part + "_state");
    const std::string cell = state_of(node, kCell, cells, direction, part + "_cell");
    if (state.empty() && !cell.empty()) {
        throw NotExpressible{"a cell before the first step without a state"};
    }
    DraftLayer layer = node.start(kind.op, part);
    layer.inputs = {node.graph().read(input, {cells.steps, cells.features})};
    for (const std::string& before : {state, cell}) {
        if (!before.empty()) {
            layer.inputs.push_back(before);
        }
    }
    layer.set("hidden", cells.hidden).set_flag("bias", node.has(kBias));
    if (kind.gates == 1 && function_of(node, direction) == "relu") {
        layer.set_text("activation", "relu");
    }
    if (node.has(kPeepholes)) {
        layer.set_flag("peepholes", true);
    }
    layer.set_text("result", all ? "all" : "last");
    node.graph().share_weights(layer, parameters_of(node, direction),
                               {cells.hidden, cells.features}, cells.weights);
    const std::int64_t rows = all ? cells.steps : 1;
    return node.finish_as(std::move(layer), {rows, cells.hidden}, {rows, cells.hidden},
                          input.precision, cells.weights, SIZE_MAX);
}

Value add_directions(NodeReader& node, const Kind& kind, const Cells& cells, bool all) {
    std::vector<Value> made;
    for (std::int64_t direction = 0; direction < cells.directions; ++direction) {
        made.push_back(add_cells(node, kind, cells, all, direction));
    }
    if (cells.directions == 1) {
        return made[0];
    }
    const std::int64_t rows = all ? cells.steps : 1;
    const std::int64_t columns = cells.directions * cells.hidden;
    DraftLayer both = node.start("concat", "_both");
    both.inputs = {made[0].source, made[1].source};
    both.set("axis", 1);
    return node.finish_as(std::move(both), {rows, columns}, {rows, columns}, made[0].precision,
                          std::nullopt, SIZE_MAX);
}

// MODEL: the last cell of an LSTM that only leaves the model is no traffic; its functions are the
// usual ones, whatever the node states.
void read_cells(NodeReader& node, const Kind& kind) {
    const Cells cells = cells_of(node, kind.gates);
    const auto& outputs = node.node().outputs;
    if (is_read(node, 2) &&
        !(node.graph().is_output(outputs[2]) && node.graph().uses(outputs[2]) == 1)) {
        throw NotExpressible{"its last cell is read by another node"};
    }
    const bool all = is_read(node, 0);
    const std::int64_t batch = node.graph().batch();
    Value result = add_directions(node, kind, cells, all);
    Value last = result;
    if (all && is_read(node, 1)) {
        const std::int64_t columns = cells.directions * cells.hidden;
        DraftLayer slice = node.start("slice", "_last");
        slice.inputs = {result.source};
        slice.set("begin", cells.steps - 1);
        last = node.finish_as(std::move(slice), {1, columns}, {1, columns}, result.precision,
                              std::nullopt, SIZE_MAX);
    }
    result.dims = cells.batch_first ? Dims{batch, cells.steps, cells.directions, cells.hidden}
                                    : Dims{cells.steps, cells.directions, batch, cells.hidden};
    last.dims = cells.batch_first ? Dims{batch, cells.directions, cells.hidden}
                                  : Dims{cells.directions, batch, cells.hidden};
    node.set_output(2, last);  // of as many words; nobody reads it here
    if (all) {
        node.set_output(0, std::move(result));
    }
    node.set_output(1, std::move(last));
}

}  // namespace

void read_rnn(NodeReader& node) {
    read_cells(node, {"rnn", 1});
}

void read_lstm(NodeReader& node) {
    read_cells(node, {"lstm", 4});
}

void read_gru(NodeReader& node) {
    read_cells(node, {"gru", 3});
}

}  // namespace memwall::importers::onnx
