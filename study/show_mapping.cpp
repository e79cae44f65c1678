// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
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

/// How often the mapped program goes round in the window: what is shown is of one of these.
std::int64_t rounds_of(const MappedRun& run) {
    return run.result.scenario.counted_items() / run.mapping.program.items_per_round;
}

Joules a_round(Joules energy, const MappedRun& run) {
    return Joules(energy.count() / static_cast<double>(rounds_of(run)));
}

Seconds seconds_a_round(const MappedRun& run) {
    return Seconds(run.result.totals.window.count() / static_cast<double>(rounds_of(run)));
}

TensorTraffic& traffic_at(std::vector<MemoryTraffic>& traffic, const std::string& memory,
                          TensorRole tensor) {
    const auto there = std::find_if(traffic.begin(), traffic.end(),
                                    [&](const MemoryTraffic& row) { return row.memory == memory; });
    MemoryTraffic& row =
        there == traffic.end() ? traffic.emplace_back(MemoryTraffic{memory, {}}) : *there;
    const auto known = std::find_if(row.tensors.begin(), row.tensors.end(),
                                    [&](const TensorTraffic& at) { return at.tensor == tensor; });
    return known == row.tensors.end() ? row.tensors.emplace_back(TensorTraffic{tensor, {}, {}})
                                      : *known;
}

/// What a round of layers moves, in bytes by memory and tensor: those of the ledger.
std::vector<MemoryTraffic> traffic_of(const MappedRun& run,
                                      const std::vector<std::size_t>& layers) {
    std::vector<MemoryTraffic> sums;
    const auto bytes = [&](Bytes all) { return Bytes(all.count() / rounds_of(run)); };
    for (const std::size_t l : layers) {
        for (const MemoryTraffic& memory : run.result.layers[l].traffic) {
            for (const TensorTraffic& tensor : memory.tensors) {
                TensorTraffic& sum = traffic_at(sums, memory.memory, tensor.tensor);
                sum.read += bytes(tensor.read);
                sum.write += bytes(tensor.write);
            }
        }
    }
    return sums;
}

Json json_of_traffic(const std::vector<MemoryTraffic>& traffic) {
    Json rows = Json::array();
    for (const MemoryTraffic& memory : traffic) {
        for (const TensorTraffic& tensor : memory.tensors) {
            rows.push_back({{"memory", memory.memory},
                            {"tensor", name(tensor.tensor)},
                            {"read", tensor.read.count()},
                            {"written", tensor.write.count()}});
        }
    }
    return rows;
}

std::string json_of(const Network& network, const Machine& machine, const MappedRun& run,
                    const std::optional<ShownStage>& stage) {
    const Mapping& mapping = run.mapping;
    Json json = {{"network", network.name()},
                 {"machine", machine.name()},
                 {"batch", network.batch()},
                 {"sub_batch", mapping.sub_batch},
                 {"outermost_memory", outermost_name(machine, mapping)},
                 {"network_bound_bytes", mapping.network_bound.count()},
                 {"seconds_a_sub_batch", seconds_a_round(run).count()},
                 {"energy_a_sub_batch_j", a_round(run.result.totals.energy, run).count()}};
    if (stage) {
        json["stage"] = {{"number", stage->number}, {"of", stage->count}, {"cards", stage->cards}};
    }
    json["layers"] = Json::array();
    for (const LayerMapping& layer : mapping.layers) {
        const std::size_t l = layer.layer.position();
        const LayerResult& of = run.result.layers[l];
        json["layers"].push_back({{"name", network.layer(layer.layer).name},
                                  {"op", network.layer(layer.layer).op},
                                  {"mapping", layer.summary},
                                  {"fused", layer.fused},
                                  {"utilization", layer.utilization},
                                  {"compulsory_bytes", layer.bound.compulsory.count()},
                                  {"lower_bound_bytes", layer.bound.bytes().count()},
                                  {"bound_applies", layer.bound_applies},
                                  {"seconds", of.adds.count()},
                                  {"energy_j", a_round(of.energy, run).count()},
                                  {"traffic_bytes", json_of_traffic(traffic_of(run, {l}))}});
        Json& nest = json["layers"].back();
        if (!layer.loops.empty()) {
            nest["loops"] = layer.loops;
            nest["search"] = layer.search;
        }
        for (const MappedTraffic& row : layer.traffic) {
            nest["traffic_words"].push_back({{"memory", row.memory},
                                             {"tensor", name(row.tensor)},
                                             {"read_for_below", row.read_below},
                                             {"written_from_above", row.written_above},
                                             {"written_from_below", row.written_below},
                                             {"read_for_above", row.read_above},
                                             {"read_bytes", row.read.count()},
                                             {"written_bytes", row.written.count()}});
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

/// The words of every operand at every memory, and its bytes.
std::string words_text(const LayerMapping& mapping) {
    Table table({{"words", Align::left},
                 {"tensor", Align::left},
                 {"read for below"},
                 {"written from above"},
                 {"written from below"},
                 {"read for above"},
                 {"bytes read"},
                 {"written"}});
    const auto words = [](std::int64_t count) { return count > 0 ? format_count(count) : ""; };
    for (const MappedTraffic& row : mapping.traffic) {
        table.add({row.memory, name(row.tensor), words(row.read_below), words(row.written_above),
                   words(row.written_below), words(row.read_above), words(row.read.count()),
                   words(row.written.count())});
    }
    return table.text();
}

/// What a layer, and what runs on its way out, moves at every memory.
std::string bytes_text(const Machine& machine, const MappedRun& run, std::size_t layer) {
    std::vector<std::size_t> together = {layer};
    for (std::size_t l = 0; l < run.mapping.layers.size(); ++l) {
        if (run.mapping.layers[l].within == LayerId(layer)) {
            together.push_back(l);
        }
    }
    Table table({{"memory", Align::left}, {"tensor", Align::left}, {"bytes read"}, {"written"}});
    const auto text = [](Bytes bytes) {
        return bytes.count() > 0 ? format_count(bytes.count()) : "";
    };
    std::vector<MemoryTraffic> traffic = traffic_of(run, together);
    std::stable_sort(traffic.begin(), traffic.end(),
                     [&](const MemoryTraffic& a, const MemoryTraffic& b) {
                         return machine.find(a.memory) < machine.find(b.memory);
                     });
    for (const MemoryTraffic& memory : traffic) {
        for (const TensorTraffic& tensor : memory.tensors) {
            table.add({memory.memory, name(tensor.tensor), text(tensor.read), text(tensor.write)});
        }
    }
    return table.text();
}

/// The loop nest of a layer, and what it moves.
std::string nest_text(const Layer& layer, const Machine& machine, const MappedRun& run,
                      std::size_t l) {
    const LayerMapping& mapping = run.mapping.layers[l];
    return "\n" + layer.name + (mapping.search.empty() ? "" : ": " + mapping.search) + "\n" +
           mapping.loops + "\n" +
           (mapping.traffic.empty() ? bytes_text(machine, run, l) : words_text(mapping));
}

/// What an objective that is neither time nor energy alone has come to, of a round.
std::string objective_text(const MappedRun& run, MappingObjective objective) {
    if (objective != MappingObjective::energy_delay) {
        return "";
    }
    return fmt::format(
        ", energy times delay {:.4g} J s",
        a_round(run.result.totals.energy, run).count() * seconds_a_round(run).count());
}

std::string table_of(const Network& network, const Machine& machine, const MappedRun& run,
                     MappingObjective objective, const std::optional<LayerId>& alone) {
    const Mapping& mapping = run.mapping;
    Table table({{"layer", Align::left},
                 {"op", Align::left},
                 {"adds time"},
                 {"energy"},
                 {"utilization"},
                 {"I/O lower bound"},
                 {"mapping", Align::left}});
    const auto is_shown = [&](const LayerMapping& layer) {
        return !alone || layer.layer == *alone;
    };
    for (const LayerMapping& layer : mapping.layers) {
        if (!is_shown(layer)) {
            continue;
        }
        const bool computes = network.layer(layer.layer).macs() > 0;
        const LayerResult& of = run.result.layers[layer.layer.position()];
        const Joules energy = a_round(of.energy, run);
        table.add({of.name, of.op, of.adds.count() > 0 ? format_seconds(of.adds) : "",
                   energy.count() > 0 ? format_joules(energy) : "",
                   computes ? percent(layer.utilization) : "",
                   layer.bound_applies ? format_bytes(layer.bound.bytes()) : "", layer.summary});
    }
    std::string text = fmt::format("{} on {}: batch {}, {} at a time", network.name(),
                                   machine.name(), network.batch(), mapping.sub_batch);
    if (mapping.outermost.valid()) {
        text += fmt::format("; any schedule moves at least {} at {} a batch",
                            format_bytes(mapping.network_bound), outermost_name(machine, mapping));
    }
    text += fmt::format("\n{} at a time take {} and {} by the analytic engine{}\n\n",
                        mapping.sub_batch, format_seconds(seconds_a_round(run)),
                        format_joules(a_round(run.result.totals.energy, run)),
                        objective_text(run, objective));
    text += table.text();
    for (const LayerMapping& layer : mapping.layers) {
        text += layer.loops.empty() || !is_shown(layer)
                    ? ""
                    : nest_text(network.layer(layer.layer), machine, run, layer.layer.position());
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

Shown show_mapping(const Network& network, const Machine& machine, const MappedRun& run,
                   MappingObjective objective, const std::optional<ShownStage>& stage,
                   const std::optional<LayerId>& alone) {
    return {[&network, &machine, &run, stage] { return json_of(network, machine, run, stage); },
            [&] { return csv_of(network, machine, run.mapping); },
            [&network, &machine, &run, objective, stage, alone] {
                return stage_line(stage) + table_of(network, machine, run, objective, alone);
            }};
}

}  // namespace memwall
