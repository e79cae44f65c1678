// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "study/figures.hpp"
#include "study/show.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

std::string outermost_name(const Machine& machine, const Mapping& mapping) {
    return mapping.outermost.valid() ? machine.component(mapping.outermost).name : "";
}

std::string json_of(const Network& network, const Machine& machine, const Mapping& mapping,
                    const std::optional<ShownStage>& stage) {
    Json json = {{"network", network.name()},
                 {"machine", machine.name()},
                 {"batch", network.batch()},
                 {"sub_batch", mapping.sub_batch},
                 {"outermost_memory", outermost_name(machine, mapping)},
                 {"network_bound_bytes", mapping.network_bound.count()}};
    if (stage) {
        json["stage"] = {{"number", stage->number}, {"of", stage->count}, {"cards", stage->cards}};
    }
    json["layers"] = Json::array();
    for (const LayerMapping& layer : mapping.layers) {
        json["layers"].push_back({{"name", network.layer(layer.layer).name},
                                  {"op", network.layer(layer.layer).op},
                                  {"mapping", layer.summary},
                                  {"fused", layer.fused},
                                  {"utilization", layer.utilization},
                                  {"compulsory_bytes", layer.bound.compulsory.count()},
                                  {"lower_bound_bytes", layer.bound.bytes().count()},
                                  {"bound_applies", layer.bound_applies}});
        if (layer.loops.empty()) {
            continue;
        }
        Json& nest = json["layers"].back();
        nest["loops"] = layer.loops;
        nest["search"] = layer.search;
        nest["traffic_words"] = Json::array();
        for (const MappedTraffic& row : layer.traffic) {
            nest["traffic_words"].push_back({{"memory", row.memory},
                                             {"tensor", name(row.tensor)},
                                             {"read_for_below", row.read_below},
                                             {"written_from_above", row.written_above},
                                             {"written_from_below", row.written_below},
                                             {"read_for_above", row.read_above}});
        }
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string csv_of(const Network& network, const Machine& machine, const Mapping& mapping) {
    std::string csv = csv_line({"machine", "network", "layer", "op", "mapping", "fused",
                                "utilization", "lower_bound_bytes", "bound_applies"});
    for (const LayerMapping& layer : mapping.layers) {
        csv +=
            csv_line({machine.name(), network.name(), network.layer(layer.layer).name,
                      network.layer(layer.layer).op, layer.summary, layer.fused ? "true" : "false",
                      shortest(layer.utilization), std::to_string(layer.bound.bytes().count()),
                      layer.bound_applies ? "true" : "false"});
    }
    return csv;
}

/// The loop nest of a layer, and the words of every operand at every memory.
std::string nest_text(const Layer& layer, const LayerMapping& mapping) {
    std::string text = "\n" + layer.name + ": " + mapping.search + "\n" + mapping.loops;
    Table table({{"memory", Align::left},
                 {"tensor", Align::left},
                 {"read for below"},
                 {"written from above"},
                 {"written from below"},
                 {"read for above"}});
    const auto words = [](std::int64_t count) { return count > 0 ? format_count(count) : ""; };
    for (const MappedTraffic& row : mapping.traffic) {
        table.add({row.memory, name(row.tensor), words(row.read_below), words(row.written_above),
                   words(row.written_below), words(row.read_above)});
    }
    return text + "\n" + table.text();
}

std::string table_of(const Network& network, const Machine& machine, const Mapping& mapping) {
    Table table({{"layer", Align::left},
                 {"op", Align::left},
                 {"utilization"},
                 {"I/O lower bound"},
                 {"mapping", Align::left}});
    for (const LayerMapping& layer : mapping.layers) {
        const bool computes = network.layer(layer.layer).macs() > 0;
        table.add({network.layer(layer.layer).name, network.layer(layer.layer).op,
                   computes ? percent(layer.utilization) : "",
                   layer.bound_applies ? format_bytes(layer.bound.bytes()) : "", layer.summary});
    }
    std::string text = fmt::format("{} on {}: batch {}, {} at a time", network.name(),
                                   machine.name(), network.batch(), mapping.sub_batch);
    if (mapping.outermost.valid()) {
        text += fmt::format("; any schedule moves at least {} at {} a batch",
                            format_bytes(mapping.network_bound), outermost_name(machine, mapping));
    }
    text += "\n\n" + table.text();
    for (const LayerMapping& layer : mapping.layers) {
        text += layer.loops.empty() ? "" : nest_text(network.layer(layer.layer), layer);
    }
    return text;
}

}  // namespace

std::string stage_line(const std::optional<ShownStage>& stage) {
    return stage ? fmt::format("stage {} of {}, {} to {}, on {} card{}\n", stage->number,
                               stage->count, stage->first, stage->last, stage->cards,
                               stage->cards == 1 ? "" : "s, of which one is shown")
                 : "";
}

Shown show_mapping(const Network& network, const Machine& machine, const Mapping& mapping,
                   const std::optional<ShownStage>& stage) {
    return {
        [&network, &machine, &mapping, stage] { return json_of(network, machine, mapping, stage); },
        [&] { return csv_of(network, machine, mapping); },
        [&network, &machine, &mapping, stage] {
            return stage_line(stage) + table_of(network, machine, mapping);
        }};
}

}  // namespace memwall
