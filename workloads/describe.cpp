// SPDX-License-Identifier: Apache-2.0
#include "workloads/describe.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "workloads/liveness.hpp"

namespace memwall {
namespace {

/// Whether the weights are those of another layer.
bool shares_weights(const Network& network, const Layer& layer) {
    return layer.weights.valid() && network.tensor(layer.weights).name != layer.name + ".weights";
}

std::string note(const Network& network, const Layer& layer) {
    if (layer.folded_into.valid()) {
        return "folded into " + network.layer(layer.folded_into).name + " at no cost";
    }
    if (layer.no_work) {
        const std::string first = "same words as " + network.tensor(layer.inputs[0]).name;
        const std::size_t others = layer.inputs.size() - 1;
        return others == 0   ? first
               : others == 1 ? first + " and " + network.tensor(layer.inputs[1]).name
                             : first + " and " + std::to_string(others) + " others";
    }
    if (layer.weights.valid() && network.tensor(layer.weights).sparsity) {
        return "pruned to " + network.tensor(layer.weights).sparsity->text();
    }
    if (shares_weights(network, layer)) {
        return "uses " + network.tensor(layer.weights).name;
    }
    if (layer.epilogue_of.valid()) {
        return "may end " + network.layer(layer.epilogue_of).name;
    }
    return "";
}

double macs_per_byte(std::int64_t macs, Bytes bytes) {
    return bytes.count() == 0 ? 0 : static_cast<double>(macs) / static_cast<double>(bytes.count());
}

/// Bytes of weights that a layer reads: of a table or of experts those that are drawn.
Bytes read_weights(const Layer& layer) {
    const Operand* weights = layer.space.find(TensorRole::weights);
    return weights == nullptr ? Bytes(0)
                              : stored_bytes(touched_words(weights->projection, layer.space.box()),
                                             weights->precision);
}

/// The same of a network: weights that several layers share once, by the one that reads most.
Bytes read_weights(const Network& network) {
    std::map<TensorId, Bytes> most;
    for (const Layer& layer : network.layers()) {
        if (layer.weights.valid()) {
            Bytes& of = most[layer.weights];
            of = std::max(of, read_weights(layer));
        }
    }
    Bytes sum;
    for (const auto& [tensor, bytes] : most) {
        sum += bytes;
    }
    return sum;
}

/// Bytes of a tensor that a layer reads, and writes back where it is brought up to date; what
/// several operands see of it counted once where that is all of it.
Bytes read_input(const Network& network, const Layer& layer, TensorId tensor) {
    std::int64_t words = 0;
    std::int64_t times = 1;
    for (const Operand& operand : layer.space.operands) {
        if (operand.tensor == tensor) {
            words = checked_add(words, touched_words(operand.projection, layer.space.box()));
            times = operand.updated ? 2 : times;
        }
    }
    return stored_bytes(checked_multiply(times, std::min(words, network.tensor_words(tensor))),
                        network.tensor(tensor).precision);
}

LayerRow row(const Network& network, const Layer& layer) {
    LayerRow row;
    row.name = layer.name;
    row.op = layer.op;
    for (const TensorId input : layer.inputs) {
        row.input_shapes.push_back(network.tensor(input).shape);
    }
    row.output_shape = network.tensor(layer.outputs[0]).shape;
    row.precision = text(layer.precision);
    row.note = note(network, layer);
    row.macs = layer.macs();
    row.vector_operations = layer.vector_operations();
    row.parameters = layer.other_parameters;
    if (layer.weights.valid()) {
        row.weights = network.tensor_words(layer.weights);
        row.weight_bytes = read_weights(layer);
        if (!shares_weights(network, layer)) {
            row.parameters = checked_add(row.parameters, row.weights);
        }
    }
    if (!layer.no_work) {
        for (const TensorId input : std::set(layer.inputs.begin(), layer.inputs.end())) {
            row.input_bytes += read_input(network, layer, input);
        }
        row.output_bytes =
            stored_bytes(touched_words(layer.space.outputs().projection, layer.space.box()),
                         layer.space.outputs().precision);
    }
    row.intensity = macs_per_byte(row.macs, row.bytes());
    return row;
}

}  // namespace

NetworkSummary describe(const Network& network) {
    NetworkSummary summary;
    summary.name = network.name();
    summary.source = network.source();
    summary.batch = network.batch();
    summary.macs = network.macs();
    summary.vector_operations = network.vector_operations();
    summary.weights = network.weights();
    summary.parameters = network.parameters();
    summary.weight_bytes = network.weight_bytes();
    for (const TensorId input : network.inputs()) {
        summary.input_bytes += network.tensor_bytes(input);
    }
    for (const TensorId output : network.outputs()) {
        summary.output_bytes += network.tensor_bytes(output);
    }
    summary.state_bytes = network.state_bytes();
    summary.peak_activation_bytes = network.peak_activation_bytes();
    summary.intensity = macs_per_byte(
        summary.macs, read_weights(network) + summary.input_bytes + summary.output_bytes);
    const std::vector<Bytes> live = live_bytes(network);
    for (const Layer& layer : network.layers()) {
        summary.layers.push_back(row(network, layer));
        summary.layers.back().live_bytes = live[summary.layers.size() - 1];
        if (summary.peak_layer.empty() &&
            summary.layers.back().live_bytes == summary.peak_activation_bytes) {
            summary.peak_layer = layer.name;
        }
    }
    if (network.trains()) {
        summary.training = TrainingSummary{training_memory(network), pass_counts(network)};
    }
    return summary;
}

std::vector<OpTotals> op_totals(const NetworkSummary& summary) {
    std::vector<OpTotals> all;
    for (const LayerRow& row : summary.layers) {
        auto totals = std::find_if(all.begin(), all.end(),
                                   [&](const OpTotals& each) { return each.op == row.op; });
        if (totals == all.end()) {
            all.push_back({row.op, 0, 0, 0, 0, Bytes(0)});
            totals = all.end() - 1;
        }
        ++totals->layers;
        totals->macs = checked_add(totals->macs, row.macs);
        totals->vector_operations = checked_add(totals->vector_operations, row.vector_operations);
        totals->weights = checked_add(totals->weights, row.weights);
        totals->bytes += row.bytes();
    }
    return all;
}

}  // namespace memwall
