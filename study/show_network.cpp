// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "study/show.hpp"
#include "study/table.hpp"
#include "workloads/describe.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

std::string json_of(const NetworkSummary& summary) {
    Json json = {{"network", summary.name}, {"source", summary.source}, {"batch", summary.batch}};
    json["totals"] = {{"macs", summary.macs},
                      {"weights", summary.weights},
                      {"parameters", summary.parameters},
                      {"vector_operations", summary.vector_operations},
                      {"weight_bytes", summary.weight_bytes.count()},
                      {"input_bytes", summary.input_bytes.count()},
                      {"output_bytes", summary.output_bytes.count()},
                      {"peak_activation_bytes", summary.peak_activation_bytes.count()},
                      {"peak_layer", summary.peak_layer},
                      {"state_bytes", summary.state_bytes.count()},
                      {"arithmetic_intensity", summary.intensity}};
    json["totals"]["training_memory_bytes"] = nullptr;
    json["totals"]["passes"] = nullptr;
    if (const auto& training = summary.training) {
        const TrainingMemory& memory = training->memory;
        json["totals"]["training_memory_bytes"] = {
            {"parameters", memory.parameters.count()}, {"masters", memory.masters.count()},
            {"optimizer", memory.optimizer.count()},   {"gradients", memory.gradients.count()},
            {"saved", memory.saved.count()},           {"peak_live", memory.peak_live.count()},
            {"total", memory.total().count()}};
        json["totals"]["passes"] = Json::object();
        for (const PassCounts& pass : training->passes) {
            json["totals"]["passes"][name(pass.pass)] = {
                {"macs", pass.macs}, {"vector_operations", pass.vector_operations}};
        }
    }
    json["layers"] = Json::array();
    for (const LayerRow& row : summary.layers) {
        json["layers"].push_back({{"name", row.name},
                                  {"op", row.op},
                                  {"input_shapes", row.input_shapes},
                                  {"output_shape", row.output_shape},
                                  {"precision", row.precision},
                                  {"macs", row.macs},
                                  {"vector_operations", row.vector_operations},
                                  {"weights", row.weights},
                                  {"parameters", row.parameters},
                                  {"input_bytes", row.input_bytes.count()},
                                  {"weight_bytes", row.weight_bytes.count()},
                                  {"output_bytes", row.output_bytes.count()},
                                  {"live_activation_bytes", row.live_bytes.count()},
                                  {"arithmetic_intensity", row.intensity},
                                  {"note", row.note}});
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string csv_of(const NetworkSummary& summary) {
    std::string csv =
        csv_line({"network", "layer", "op", "input_shapes", "output_shape", "precision", "macs",
                  "vector_operations", "weights", "parameters", "input_bytes", "weight_bytes",
                  "output_bytes", "live_activation_bytes", "arithmetic_intensity", "note"});
    for (const LayerRow& row : summary.layers) {
        std::string shapes;
        for (const Shape& shape : row.input_shapes) {
            shapes += (shapes.empty() ? "" : " ") + text(shape);
        }
        csv += csv_line(
            {summary.name, row.name, row.op, shapes, text(row.output_shape), row.precision,
             std::to_string(row.macs), std::to_string(row.vector_operations),
             std::to_string(row.weights), std::to_string(row.parameters),
             std::to_string(row.input_bytes.count()), std::to_string(row.weight_bytes.count()),
             std::to_string(row.output_bytes.count()), std::to_string(row.live_bytes.count()),
             shortest(row.intensity), row.note});
    }
    return csv;
}

std::string count_or_blank(std::int64_t count) {
    return count == 0 ? "" : format_count(count);
}

std::string training_text(const TrainingSummary& training) {
    std::string text = "\nA training step\n";
    for (const PassCounts& pass : training.passes) {
        text += fmt::format("{}: {} MACs, {} other operations\n", name(pass.pass),
                            format_count(pass.macs), format_count(pass.vector_operations));
    }
    const TrainingMemory& memory = training.memory;
    text += fmt::format(
        "needs {}: {} of parameters, {} of their fp32 copies, {} of optimizer state, and at most "
        "{} of activations and gradients at once\n",
        format_bytes(memory.total()), format_bytes(memory.parameters), format_bytes(memory.masters),
        format_bytes(memory.optimizer), format_bytes(memory.peak_live));
    text += fmt::format("saves {} for the backward pass; gradients of parameters take {}\n",
                        format_bytes(memory.saved), format_bytes(memory.gradients));
    return text;
}

std::string table_of(const NetworkSummary& summary) {
    Table table({{"layer", Align::left},
                 {"op", Align::left},
                 {"output", Align::left},
                 {"precision", Align::left},
                 {"MACs"},
                 {"weights"},
                 {"parameters"},
                 {"bytes"},
                 {"live"},
                 {"MACs a byte"},
                 {"", Align::left}});
    for (const LayerRow& row : summary.layers) {
        table.add({row.name, row.op, text(row.output_shape), row.precision,
                   count_or_blank(row.macs), count_or_blank(row.weights),
                   count_or_blank(row.parameters),
                   row.bytes().count() == 0 ? "" : format_bytes(row.bytes()),
                   format_bytes(row.live_bytes),
                   row.macs == 0 ? "" : fmt::format("{:.1f}", row.intensity), row.note});
    }
    std::string text = fmt::format("{} (batch {})\n", summary.name, summary.batch);
    text += summary.source.empty() ? "" : summary.source + "\n";
    text += "\n" + table.text() + "\n";
    text += format_count(summary.macs) + " MACs, " + format_count(summary.vector_operations) +
            " other operations\n";
    text += format_count(summary.weights) + " weights, " + format_count(summary.parameters) +
            " parameters with biases and normalisation\n";
    text += fmt::format("{} of weights, {} of inputs, {} of outputs\n",
                        format_bytes(summary.weight_bytes), format_bytes(summary.input_bytes),
                        format_bytes(summary.output_bytes));
    text += fmt::format("at most {} of activations live at once, first at {}\n",
                        format_bytes(summary.peak_activation_bytes), summary.peak_layer);
    if (summary.state_bytes.count() > 0) {
        text += format_bytes(summary.state_bytes) + " of state, kept from item to item\n";
    }
    text += fmt::format("{:.1f} MACs a byte of weights, inputs and outputs\n", summary.intensity);
    return text + (summary.training ? training_text(*summary.training) : "");
}

}  // namespace

Shown show_network(const Network& network) {
    const NetworkSummary summary = describe(network);
    return {[summary] { return json_of(summary); }, [summary] { return csv_of(summary); },
            [summary] { return table_of(summary); }};
}

}  // namespace memwall
