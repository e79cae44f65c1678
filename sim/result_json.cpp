// SPDX-License-Identifier: Apache-2.0
#include "sim/result_json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "sim/provenance_json.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<Action, 6> kOperations = {Action::mac,         Action::gated_mac,
                                               Action::skipped_mac, Action::recomputed_mac,
                                               Action::accumulate,  Action::vector};

double finite(double value) {
    ensure(std::isfinite(value), "a result has finite numbers only");
    return value;
}

template <class Tag>
double finite(Quantity<Tag, double> quantity) {
    return finite(quantity.count());
}

Json number_or_null(const std::optional<Seconds>& value) {
    return value ? Json(finite(*value)) : Json(nullptr);
}

Json by_kind(const EnergyByKind& energies) {
    Json json = Json::object();
    for (const EnergyKind kind : kEnergyKinds) {
        json[name(kind)] = finite(energies[static_cast<std::size_t>(kind)]);
    }
    return json;
}

Json by_status(const EnergyByStatus& energies) {
    Json json = Json::object();
    for (const Status status : kStatuses) {
        json[name(status)] = finite(energies[static_cast<std::size_t>(status)]);
    }
    return json;
}

/// Numbers that a phase does not have are null.
Json scenario_json(const Scenario& scenario) {
    const LanguageLoad load = scenario.language.value_or(LanguageLoad{0, 0, 0, 0, 0});
    const auto or_null = [](std::int64_t value) { return value > 0 ? Json(value) : Json(nullptr); };
    Json json = {{"phase", name(scenario.phase)},
                 {"batch", scenario.batch},
                 {"users", or_null(load.users)},
                 {"prompt", or_null(load.prompt)},
                 {"chunk", or_null(load.chunk)},
                 {"output_tokens", or_null(load.output_tokens)},
                 {"context", or_null(load.context)},
                 {"items", scenario.items},
                 {"warmup_items", scenario.warmup_items},
                 {"cold", scenario.cold},
                 {"optimizer", nullptr},
                 {"extrapolation", nullptr},
                 {"repeated_blocks", nullptr},
                 {"composed_cards", nullptr}};
    if (const auto& training = scenario.training) {
        json["prompt"] = or_null(training->tokens);
        json["optimizer"] = name(training->optimizer);
    }
    if (const auto& extrapolation = scenario.extrapolation) {
        json["extrapolation"] = {{"contexts", extrapolation->contexts},
                                 {"checked_context", extrapolation->checked},
                                 {"error_percent", finite(100 * extrapolation->error)}};
    }
    if (const auto& repeated = scenario.repeated) {
        json["repeated_blocks"] = {{"stands", repeated->stands},
                                   {"layers", repeated->layers},
                                   {"blocks", repeated->blocks},
                                   {"error_percent", finite(100 * repeated->error)}};
    }
    if (const auto& composed = scenario.composed) {
        json["composed_cards"] = {{"cards", composed->cards},
                                  {"run", composed->run},
                                  {"error_percent", finite(100 * composed->error)}};
    }
    return json;
}

Json pipeline_json(const std::optional<PipelineResult>& pipeline) {
    if (!pipeline) {
        return nullptr;
    }
    Json json = {{"cards", pipeline->cards},
                 {"instances", pipeline->instances},
                 {"limit", pipeline->by_round_trip ? "round_trip" : "stage"},
                 {"slowest_stage_s", finite(pipeline->slowest())},
                 {"round_trip_s", finite(pipeline->round_trip)},
                 {"hop_s", finite(pipeline->hop)},
                 {"overhead_s", finite(pipeline->overhead)},
                 {"most_users", pipeline->most_users()},
                 {"static_power_w", finite(pipeline->static_power)},
                 {"dynamic_power_w", finite(pipeline->dynamic_power)},
                 {"stages", Json::array()}};
    for (const StageResult& stage : pipeline->stages) {
        json["stages"].push_back({{"first", stage.first},
                                  {"last", stage.last},
                                  {"cards", stage.cards},
                                  {"interval_s", finite(stage.interval)},
                                  {"latency_s", finite(stage.latency)},
                                  {"held_bytes", stage.held.count()},
                                  {"most_users", stage.most_users}});
        if (stage.between_servers) {
            json["stages"].back()["between_servers_s"] = finite(*stage.between_servers);
        }
        if (stage.over_link) {
            json["stages"].back()["over_link_s"] = finite(*stage.over_link);
        }
        if (stage.exchange) {
            json["stages"].back()["exchange"] = {{"all_reduces", stage.exchange->all_reduces},
                                                 {"way_s", finite(stage.exchange->way)},
                                                 {"sent_bytes", stage.exchange->sent.count()}};
        }
        if (const auto& split = stage.split) {
            json["stages"].back()["split"] = {
                {"weights_s", finite(split->weights)},     {"sums_s", finite(split->sums)},
                {"attention_s", finite(split->attention)}, {"norms_s", finite(split->norms)},
                {"others_s", finite(split->others)},       {"exchange_s", finite(split->exchange)}};
        }
    }
    return json;
}

Json tensor_parallel_json(const std::optional<TensorParallelResult>& shared) {
    return !shared ? Json(nullptr)
                   : Json({{"cards", shared->cards},
                           {"collectives_s", finite(shared->collectives)},
                           {"sent_bytes", shared->sent.count()},
                           {"most_users", shared->most_users},
                           {"undivided_layers", shared->undivided},
                           {"copied_layers", shared->copied}});
}

Json memory_json(const std::optional<TrainingMemory>& memory) {
    return !memory ? Json(nullptr)
                   : Json({{"parameters", memory->parameters.count()},
                           {"masters", memory->masters.count()},
                           {"optimizer", memory->optimizer.count()},
                           {"gradients", memory->gradients.count()},
                           {"saved", memory->saved.count()},
                           {"peak_live", memory->peak_live.count()},
                           {"total", memory->total().count()}});
}

Json power_cap_json(const std::optional<ClockUnderCap>& cap) {
    return !cap ? Json(nullptr)
                : Json({{"power_w", finite(cap->cap)},
                        {"clock_hz", cap->clock.count()},
                        {"own_clock_hz", cap->own_clock.count()},
                        {"holds", cap->holds}});
}

Json server_json(const std::optional<ServerResult>& server) {
    return !server ? Json(nullptr)
                   : Json({{"servers", finite(server->servers)},
                           {"host_w", finite(server->host)},
                           {"fans_w", finite(server->fans)},
                           {"network_w", finite(server->network)},
                           {"power_w", finite(server->power)},
                           {"power_low_w", finite(server->power_low)},
                           {"power_high_w", finite(server->power_high)},
                           {"energy_per_item_j", finite(server->energy_per_item)}});
}

Json stream_json(const std::optional<StreamResult>& stream) {
    return !stream ? Json(nullptr)
                   : Json({{"fill_s", finite(stream->fill)},
                           {"interval_s", finite(stream->interval)},
                           {"drain_s", finite(stream->drain)}});
}

Json totals_json(const Totals& totals) {
    Json json = {{"seconds", finite(totals.seconds)},
                 {"cycles", totals.cycles.count()},
                 {"clock_domain", totals.clock},
                 {"latency_s", finite(totals.latency.mean)},
                 {"latency_p50_s", number_or_null(totals.latency.p50)},
                 {"latency_p99_s", number_or_null(totals.latency.p99)},
                 {"latency_max_s", number_or_null(totals.latency.most)},
                 {"first_token_s", number_or_null(totals.first_token)},
                 {"throughput_per_s", finite(totals.throughput)},
                 {"item", totals.item},
                 {"power_w", finite(totals.power)},
                 {"power_scope", totals.power_scope},
                 {"energy_j", finite(totals.energy)},
                 {"energy_low_j", finite(totals.energy_low)},
                 {"energy_high_j", finite(totals.energy_high)}};
    json["stream"] = stream_json(totals.stream);
    json["power_cap"] = power_cap_json(totals.power_cap);
    json["with_servers"] = server_json(totals.server);
    json["energy_by_kind_j"] = by_kind(totals.by_kind);
    json["energy_by_status_j"] = by_status(totals.by_status);
    json["window_s"] = finite(totals.window);
    json["items"] = totals.items;
    json["items_together"] = totals.items_together;
    json["energy_per_item_j"] = finite(totals.energy_per_item);
    json["macs"] = totals.macs;
    json["operations"] = Json::object();
    for (std::size_t o = 0; o < kOperations.size(); ++o) {
        json["operations"][name(kOperations[o])] = totals.operations[o];
    }
    json["utilization"] = finite(totals.utilization);
    json["arithmetic_intensity"] =
        totals.arithmetic_intensity ? Json(finite(*totals.arithmetic_intensity)) : Json(nullptr);
    json["peak_memory_bytes"] = Json::object();
    for (const auto& [memory, bytes] : totals.peak_memory) {
        json["peak_memory_bytes"][memory] = bytes.count();
    }
    json["pipeline"] = pipeline_json(totals.pipeline);
    json["tensor_parallel"] = tensor_parallel_json(totals.tensor_parallel);
    json["training_memory_bytes"] = memory_json(totals.training);
    json["area_mm2"] = totals.area ? Json(finite(*totals.area)) : Json(nullptr);
    json["load"] = {{"seconds", finite(totals.load_seconds)},
                    {"energy_j", finite(totals.load_energy)}};
    const AtLowerBound& bound = totals.at_lower_bound;
    json["at_lower_bound"] = {{"seconds", finite(bound.seconds)},
                              {"energy_j", finite(bound.energy)},
                              {"bytes", bound.bytes.count()}};
    json["stalls"] = totals.stalls;
    json["steps"] = totals.steps;
    json["events"] = totals.events;
    return json;
}

Json traffic_json(const std::vector<MemoryTraffic>& memories) {
    Json json = Json::object();
    for (const MemoryTraffic& memory : memories) {
        for (const TensorTraffic& tensor : memory.tensors) {
            json[memory.memory][name(tensor.tensor)] = {{"read", tensor.read.count()},
                                                        {"write", tensor.write.count()}};
        }
    }
    return json;
}

Json late_json(const LayerResult& layer, const std::vector<LayerResult>& layers) {
    Json json = Json::array();
    for (const LateResult& late : layer.late) {
        json.push_back(
            {{"unit", late.unit},
             {"steps", late.steps},
             {"most_s", finite(late.most)},
             {"sum_s", finite(late.sum)},
             {"waited_for", name(late.cause)},
             {"of_layer", late.of_layer ? Json(layers[*late.of_layer].name) : Json(nullptr)},
             {"of_unit", late.of_unit}});
    }
    return json;
}

Json layer_json(const LayerResult& layer, const std::vector<LayerResult>& layers) {
    Json json = {{"name", layer.name},
                 {"op", layer.op},
                 {"macs", layer.macs},
                 {"start_s", finite(layer.start)},
                 {"end_s", finite(layer.end)},
                 {"adds_s", finite(layer.adds)},
                 {"bound_by", layer.bound_by ? Json(name(*layer.bound_by)) : Json(nullptr)},
                 {"utilization", finite(layer.utilization)},
                 {"exposed_s", number_or_null(layer.exposed)},
                 {"queued_s", finite(layer.queued)},
                 {"stalls", layer.stalls},
                 {"energy_j", finite(layer.energy)}};
    json["late"] = late_json(layer, layers);
    json["energy_by_kind_j"] = by_kind(layer.by_kind);
    json["traffic_bytes"] = traffic_json(layer.traffic);
    json["lower_bound_bytes"] = Json::object();
    if (layer.lower_bound) {
        json["lower_bound_bytes"][layer.lower_bound->first] = layer.lower_bound->second.count();
    }
    json["bound_applies"] = layer.bound_applies;
    json["mapping"] = layer.mapping;
    json["fused_with"] = layer.fused_with ? Json(layers[*layer.fused_with].name) : Json(nullptr);
    return json;
}

Json action_json(const ActionResult& action) {
    Json json = {{"action", action.action}};
    json["tensor"] = action.tensor ? Json(name(*action.tensor)) : Json(nullptr);
    json["precision"] = action.precision ? Json(name(*action.precision)) : Json(nullptr);
    json["unit"] = action.unit;
    json["count"] = action.unit == "second" ? Json(finite(action.seconds)) : Json(action.count);
    json["energy_j"] = finite(action.energy);
    json["energy_kind"] = name(action.kind);
    json["status"] = name(action.status);
    return json;
}

Json component_json(const ComponentResult& component) {
    Json json = {
        {"name", component.name},
        {"kind", component.kind},
        {"instances", component.instances},
        {"capacity_bytes", component.capacity ? Json(component.capacity->count()) : Json(nullptr)},
        {"busy_max_s", finite(component.busy_max)},
        {"busy_mean_s", finite(component.busy_mean)},
        {"energy_j", finite(component.energy)}};
    json["actions"] = Json::array();
    for (const ActionResult& action : component.actions) {
        json["actions"].push_back(action_json(action));
    }
    return json;
}

Json run_json(const RunResult& run) {
    Json json = {{"machine", run.machine},
                 {"network", run.network},
                 {"engine", run.engine},
                 {"batch", run.scenario.batch},
                 {"precision", run.precision},
                 {"kept_precision", run.kept_precision},
                 {"dense_pruned_layers", run.dense_pruned_layers},
                 {"sparse_support", run.sparse_support},
                 {"wider_lanes", run.wider_lanes},
                 {"trained_at", run.trained_at},
                 {"overrides", run.overrides}};
    for (const DramRate& rate : run.dram_rates) {
        json["dram_rates"].push_back({{"dram", rate.dram},
                                      {"stated_bytes_per_s", finite(rate.stated)},
                                      {"own_bytes_per_s", finite(rate.own)}});
    }
    json["scenario"] = scenario_json(run.scenario);
    json["totals"] = totals_json(run.totals);
    json["layers"] = Json::array();
    for (const LayerResult& layer : run.layers) {
        json["layers"].push_back(layer_json(layer, run.layers));
    }
    json["components"] = Json::array();
    for (const ComponentResult& component : run.components) {
        json["components"].push_back(component_json(component));
    }
    return json;
}

}  // namespace

std::string to_json(const Result& result) {
    Json json = {{"schema", kResultSchema}};
    json["provenance"] = provenance_json(result.provenance);
    json["runs"] = Json::array();
    for (const RunResult& run : result.runs) {
        json["runs"].push_back(run_json(run));
    }
    if (!result.findings.empty()) {
        json["findings"] = result.findings;
    }
    // Names from files may hold bytes that are no UTF-8: they are replaced, not an error.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace memwall
