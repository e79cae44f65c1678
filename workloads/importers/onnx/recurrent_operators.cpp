// SPDX-License-Identifier: Apache-2.0
// LSTM and GRU cells, unrolled over the steps of a sequence.
#include <algorithm>

#include "workloads/importers/onnx/operators.hpp"

namespace memwall::importers::onnx {
namespace {

/// What a recurrent node says of itself.
struct Cells {
    std::int64_t steps = 1, features = 1, hidden = 1, directions = 1;
    bool batch_first = false;
    bool bias = false;
    Precision weights = Precision::fp32;
};

Cells cells_of(const NodeReader& node, std::int64_t gates) {
    const Value& input = node.activation(0);
    const Value& weights = node.constant(1);
    const Value& recurrent = node.constant(2);
    Cells cells;
    cells.batch_first = node.integer("layout", 0) != 0;
    cells.directions = node.word("direction", "forward") == "bidirectional" ? 2 : 1;
    if (input.rank() != 3 || weights.rank() != 3 || recurrent.rank() != 3) {
        throw NotExpressible{"needs a sequence and weights of three axes"};
    }
    words_of(weights.dims);
    cells.steps = input.dims[cells.batch_first ? 1 : 0];
    cells.features = input.dims[2];
    cells.hidden = recurrent.dims[2];
    cells.bias = node.has(3);
    cells.weights = weights.precision;
    if (weights.dims[0] != cells.directions || weights.dims[1] != gates * cells.hidden ||
        weights.dims[2] != cells.features) {
        throw Contradiction{"weights of shape " + text_of(weights.dims) + " for a sequence " +
                            text_of(input.dims)};
    }
    for (const std::size_t state : {5U, 6U}) {
        if (node.has(state) && !node.input(state).is_constant()) {
            throw NotExpressible{"a state before the first step that is no constant"};
        }
    }
    return cells;
}

bool is_read(NodeReader& node, std::size_t output) {
    const std::vector<std::string>& outputs = node.node().outputs;
    return output < outputs.size() && !outputs[output].empty() &&
           node.graph().uses(outputs[output]) > 0;
}

/// One direction; the results of all steps or of the last.
Value add_cells(NodeReader& node, const char* op, const Cells& cells, bool all,
                const std::string& part) {
    const Value& input = node.activation(0);
    DraftLayer layer = node.start(op, part);
    layer.inputs = {node.graph().read(input, {cells.steps, cells.features})};
    layer.set("hidden", cells.hidden).set_flag("bias", cells.bias);
    if (node.has(7)) {
        layer.set_flag("peepholes", true);
    }
    layer.set_text("result", all ? "all" : "last");
    const std::int64_t rows = all ? cells.steps : 1;
    return node.finish_as(std::move(layer), {rows, cells.hidden}, {rows, cells.hidden},
                          input.precision, cells.weights, SIZE_MAX);
}

void read_cells(NodeReader& node, const char* op, std::int64_t gates) {
    const Cells cells = cells_of(node, gates);
    if (is_read(node, 2)) {
        throw NotExpressible{"its cell state is read"};
    }
    const bool all = is_read(node, 0);
    const std::int64_t batch = node.graph().batch();
    std::vector<Value> made;
    for (std::int64_t direction = 0; direction < cells.directions; ++direction) {
        const std::string part = cells.directions == 1 ? "" : direction == 0 ? "_on" : "_back";
        made.push_back(add_cells(node, op, cells, all, part));
    }
    Value result = made[0];
    const std::int64_t rows = all ? cells.steps : 1;
    const std::int64_t columns = cells.directions * cells.hidden;
    if (cells.directions == 2) {
        DraftLayer both = node.start("concat", "_both");
        both.inputs = {made[0].source, made[1].source};
        both.set("axis", 1);
        result = node.finish_as(std::move(both), {rows, columns}, {rows, columns},
                                made[0].precision, std::nullopt, SIZE_MAX);
    }
    Value last = result;
    if (all && is_read(node, 1)) {
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
    if (all) {
        node.set_output(0, std::move(result));
    }
    node.set_output(1, std::move(last));
}

}  // namespace

void read_lstm(NodeReader& node) {
    read_cells(node, "lstm", 4);
}

void read_gru(NodeReader& node) {
    read_cells(node, "gru", 3);
}

}  // namespace memwall::importers::onnx
