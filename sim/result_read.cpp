// SPDX-License-Identifier: Apache-2.0
#include "sim/result_read.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "sim/result_node.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;
using Node = ResultNode;

std::optional<Seconds> seconds_or_null(const Node& node) {
    return node.is_null() ? std::nullopt : std::optional(Seconds(node.number()));
}

constexpr std::array<Bound, kBoundCount> kBounds = {
    Bound::compute,      Bound::vector, Bound::dram, Bound::buffer,
    Bound::interconnect, Bound::link,   Bound::host, Bound::latency};

constexpr std::array<TensorRole, kTensorRoleCount + 1> kTensorRoles = {
    TensorRole::weights,      TensorRole::inputs, TensorRole::outputs,
    TensorRole::partial_sums, TensorRole::state,  TensorRole::instructions};

template <class T, std::size_t n>
std::array<Joules, n> energies(const Node& node, const std::array<T, n>& kinds) {
    std::array<Joules, n> energies{};
    for (std::size_t k = 0; k < n; ++k) {
        energies[k] = Joules(node.at(name(kinds[k])).number());
    }
    return energies;
}

Phase phase_of(const Node& node) {
    const std::string wanted = node.text();
    for (std::size_t p = 0; p < phase_names().size(); ++p) {
        if (phase_names()[p] == wanted) {
            return static_cast<Phase>(p);
        }
    }
    node.wrong("unknown phase '" + wanted + "'" + suggestion(wanted, phase_names()));
}

Scenario read_scenario(const Node& node) {
    Scenario scenario;
    scenario.phase = phase_of(node.at("phase"));
    scenario.batch = node.at("batch").count();
    scenario.items = node.at("items").count();
    scenario.warmup_items = node.at("warmup_items").count();
    scenario.cold = node.at("cold").flag();
    if (!node.at("users").is_null()) {
        const auto number = [&](const char* key) {
            return node.at(key).is_null() ? 0 : node.at(key).count();
        };
        scenario.language = LanguageLoad{number("users"), number("prompt"), number("output_tokens"),
                                         number("context"), number("chunk")};
    }
    if (const Node optimizer = node.at("optimizer"); !optimizer.is_null()) {
        const Node tokens = node.at("prompt");
        scenario.training =
            TrainingLoad{parse_optimizer(optimizer.text()), tokens.is_null() ? 0 : tokens.count()};
    }
    if (const Node extrapolation = node.at("extrapolation"); !extrapolation.is_null()) {
        Extrapolation read;
        for (const Node& context : extrapolation.at("contexts").items()) {
            read.contexts.push_back(context.count());
        }
        read.checked = extrapolation.at("checked_context").count();
        read.error = extrapolation.at("error_percent").number() / 100;
        scenario.extrapolation = read;
    }
    if (const Node repeated = node.at("repeated_blocks"); !repeated.is_null()) {
        scenario.repeated = RepeatedBlocks{
            repeated.at("stands").text(), repeated.at("layers").count(),
            repeated.at("blocks").count(), repeated.at("error_percent").number() / 100};
    }
    if (const Node composed = node.at("composed_cards"); !composed.is_null()) {
        scenario.composed = ComposedCards{composed.at("cards").count(), composed.at("run").count(),
                                          composed.at("error_percent").number() / 100};
    }
    return scenario;
}

void read_times(const Node& node, Totals& totals) {
    totals.seconds = Seconds(node.at("seconds").number());
    totals.cycles = Cycles(node.at("cycles").count());
    totals.clock = node.at("clock_domain").text();
    totals.latency = {
        Seconds(node.at("latency_s").number()), seconds_or_null(node.at("latency_p50_s")),
        seconds_or_null(node.at("latency_p99_s")), seconds_or_null(node.at("latency_max_s"))};
    if (node.has("stream") && !node.at("stream").is_null()) {
        const Node stream = node.at("stream");
        const auto part = [&](const char* key) { return Seconds(stream.at(key).number()); };
        totals.stream = StreamResult{part("fill_s"), part("interval_s"), part("drain_s")};
    }
    totals.first_token = seconds_or_null(node.at("first_token_s"));
    totals.throughput = node.at("throughput_per_s").number();
    totals.window = Seconds(node.at("window_s").number());
    totals.load_seconds = Seconds(node.at("load").at("seconds").number());
}

void read_energies(const Node& node, Totals& totals) {
    totals.power = Watts(node.at("power_w").number());
    totals.power_scope = node.at("power_scope").text();
    totals.energy = Joules(node.at("energy_j").number());
    totals.energy_low = Joules(node.at("energy_low_j").number());
    totals.energy_high = Joules(node.at("energy_high_j").number());
    totals.by_kind = energies(node.at("energy_by_kind_j"), kEnergyKinds);
    totals.by_status = energies(node.at("energy_by_status_j"), kStatuses);
    totals.energy_per_item = Joules(node.at("energy_per_item_j").number());
    totals.load_energy = Joules(node.at("load").at("energy_j").number());
    const Node bound = node.at("at_lower_bound");
    totals.at_lower_bound = {Seconds(bound.at("seconds").number()),
                             Joules(bound.at("energy_j").number()),
                             Bytes(bound.at("bytes").count())};
}

std::optional<TrainingMemory> read_training_memory(const Node& node) {
    if (node.is_null()) {
        return std::nullopt;
    }
    const auto bytes = [&](const char* key) { return Bytes(node.at(key).count()); };
    return TrainingMemory{bytes("parameters"), bytes("masters"), bytes("optimizer"),
                          bytes("gradients"),  bytes("saved"),   bytes("peak_live")};
}

std::optional<PipelineResult> read_pipeline(const Node& node) {
    if (node.is_null()) {
        return std::nullopt;
    }
    PipelineResult pipeline;
    pipeline.cards = node.at("cards").count();
    pipeline.instances = node.at("instances").count();
    pipeline.by_round_trip = node.at("limit").text() == "round_trip";
    pipeline.round_trip = Seconds(node.at("round_trip_s").number());
    pipeline.hop = Seconds(node.at("hop_s").number());
    pipeline.overhead = Seconds(node.has("overhead_s") ? node.at("overhead_s").number() : 0);
    pipeline.static_power = Watts(node.at("static_power_w").number());
    pipeline.dynamic_power = Watts(node.at("dynamic_power_w").number());
    for (const Node& stage : node.at("stages").items()) {
        pipeline.stages.push_back(
            {stage.at("first").text(), stage.at("last").text(), stage.at("cards").count(),
             Seconds(stage.at("interval_s").number()), Seconds(stage.at("latency_s").number()),
             Bytes(stage.at("held_bytes").count()), stage.at("most_users").count()});
        if (stage.has("between_servers_s")) {
            pipeline.stages.back().between_servers =
                Seconds(stage.at("between_servers_s").number());
        }
        if (stage.has("over_link_s")) {
            pipeline.stages.back().over_link = Seconds(stage.at("over_link_s").number());
        }
        if (stage.has("exchange")) {
            const Node exchange = stage.at("exchange");
            pipeline.stages.back().exchange = {exchange.at("all_reduces").count(),
                                               Seconds(exchange.at("way_s").number()),
                                               Bytes(exchange.at("sent_bytes").count())};
        }
        if (stage.has("split")) {
            const Node split = stage.at("split");
            const auto part = [&](const char* key) { return Seconds(split.at(key).number()); };
            pipeline.stages.back().split = {part("weights_s"),   part("sums_s"),
                                            part("attention_s"), part("norms_s"),
                                            part("others_s"),    part("exchange_s")};
        }
    }
    return pipeline;
}

std::optional<TensorParallelResult> read_tensor_parallel(const Node& node) {
    if (node.is_null()) {
        return std::nullopt;
    }
    TensorParallelResult shared;
    shared.cards = node.at("cards").count();
    shared.collectives = Seconds(node.at("collectives_s").number());
    shared.sent = Bytes(node.at("sent_bytes").count());
    shared.most_users = node.at("most_users").count();
    for (const Node& layer : node.at("undivided_layers").items()) {
        shared.undivided.push_back(layer.text());
    }
    if (node.has("copied_layers")) {
        for (const Node& layer : node.at("copied_layers").items()) {
            shared.copied.push_back(layer.text());
        }
    }
    return shared;
}

std::optional<ServerResult> read_server(const Node& node) {
    if (node.is_null()) {
        return std::nullopt;
    }
    const auto watts = [&](const char* key) { return Watts(node.at(key).number()); };
    return ServerResult{node.at("servers").number(),
                        watts("host_w"),
                        watts("fans_w"),
                        watts("network_w"),
                        watts("power_w"),
                        watts("power_low_w"),
                        watts("power_high_w"),
                        Joules(node.at("energy_per_item_j").number())};
}

std::optional<ClockUnderCap> read_power_cap(const Node& node) {
    if (node.is_null()) {
        return std::nullopt;
    }
    return ClockUnderCap{Watts(node.at("power_w").number()), Hertz(node.at("clock_hz").count()),
                         Hertz(node.at("own_clock_hz").count()), node.at("holds").flag()};
}

Totals read_totals(const Node& node) {
    Totals totals;
    read_times(node, totals);
    read_energies(node, totals);
    totals.item = node.at("item").text();
    totals.items = node.at("items").count();
    totals.items_together = node.at("items_together").count();
    totals.macs = node.at("macs").count();
    for (std::size_t o = 0; o < totals.operations.size(); ++o) {
        const auto action = static_cast<Action>(static_cast<std::size_t>(Action::mac) + o);
        totals.operations[o] = node.at("operations").at(name(action)).count();
    }
    totals.utilization = node.at("utilization").number();
    if (const Node intensity = node.at("arithmetic_intensity"); !intensity.is_null()) {
        totals.arithmetic_intensity = intensity.number();
    }
    for (const auto& [memory, bytes] : node.at("peak_memory_bytes").entries()) {
        totals.peak_memory.emplace_back(memory, Bytes(bytes.count()));
    }
    if (const Node area = node.at("area_mm2"); !area.is_null()) {
        totals.area = SquareMillimetres(area.number());
    }
    totals.power_cap = read_power_cap(node.at("power_cap"));
    totals.server = read_server(node.at("with_servers"));
    totals.pipeline = read_pipeline(node.at("pipeline"));
    totals.tensor_parallel = read_tensor_parallel(node.at("tensor_parallel"));
    totals.training = read_training_memory(node.at("training_memory_bytes"));
    totals.stalls = node.at("stalls").count();
    totals.steps = node.at("steps").count();
    totals.events = node.at("events").count();
    return totals;
}

LayerResult read_layer(const Node& node) {
    LayerResult layer;
    layer.name = node.at("name").text();
    layer.op = node.at("op").text();
    layer.macs = node.at("macs").count();
    layer.start = Seconds(node.at("start_s").number());
    layer.end = Seconds(node.at("end_s").number());
    layer.adds = Seconds(node.at("adds_s").number());
    if (const Node bound = node.at("bound_by"); !bound.is_null()) {
        layer.bound_by = bound.named(kBounds);
    }
    layer.utilization = node.at("utilization").number();
    layer.exposed = seconds_or_null(node.at("exposed_s"));
    layer.queued = Seconds(node.at("queued_s").number());
    layer.stalls = node.at("stalls").count();
    layer.energy = Joules(node.at("energy_j").number());
    layer.by_kind = energies(node.at("energy_by_kind_j"), kEnergyKinds);
    layer.bound_applies = node.at("bound_applies").flag();
    layer.mapping = node.at("mapping").text();
    return layer;
}

ComponentResult read_component(const Node& node) {
    ComponentResult component;
    component.name = node.at("name").text();
    component.kind = node.at("kind").text();
    component.instances = node.at("instances").count();
    if (const Node capacity = node.at("capacity_bytes"); !capacity.is_null()) {
        component.capacity = Bytes(capacity.count());
    }
    component.busy_max = Seconds(node.at("busy_max_s").number());
    component.busy_mean = Seconds(node.at("busy_mean_s").number());
    component.energy = Joules(node.at("energy_j").number());
    for (const Node& entry : node.at("actions").items()) {
        ActionResult action;
        action.action = entry.at("action").text();
        if (const Node tensor = entry.at("tensor"); !tensor.is_null()) {
            action.tensor = tensor.named(kTensorRoles);
        }
        action.unit = entry.at("unit").text();
        action.energy = Joules(entry.at("energy_j").number());
        action.kind = entry.at("energy_kind").named(kEnergyKinds);
        action.status = entry.at("status").named(kStatuses);
        component.actions.push_back(std::move(action));
    }
    return component;
}

using LayerPlaces = std::map<std::string, std::size_t>;

std::optional<std::size_t> place_or_null(const Node& layer, const LayerPlaces& places) {
    if (layer.is_null()) {
        return std::nullopt;
    }
    const auto place = places.find(layer.text());
    if (place == places.end()) {
        layer.wrong("expected a layer of the run, found '" + layer.text() + "'");
    }
    return place->second;
}

std::vector<LateResult> read_late(const Node& node, const LayerPlaces& places) {
    std::vector<LateResult> all;
    for (const Node& entry : node.items()) {
        LateResult& late = all.emplace_back();
        late.unit = entry.at("unit").text();
        late.steps = entry.at("steps").count();
        late.most = Seconds(entry.at("most_s").number());
        late.sum = Seconds(entry.at("sum_s").number());
        late.cause = entry.at("waited_for").named(kLateCauses);
        late.of_layer = place_or_null(entry.at("of_layer"), places);
        late.of_unit = entry.at("of_unit").text();
    }
    return all;
}

/// Names become positions when all layers are there.
void read_places(const std::vector<Node>& nodes, std::vector<LayerResult>& layers) {
    LayerPlaces places;
    for (std::size_t l = 0; l < layers.size(); ++l) {
        places.emplace(layers[l].name, l);
    }
    for (std::size_t l = 0; l < layers.size(); ++l) {
        if (nodes[l].has("fused_with")) {
            layers[l].fused_with = place_or_null(nodes[l].at("fused_with"), places);
        }
        if (nodes[l].has("late")) {
            layers[l].late = read_late(nodes[l].at("late"), places);
        }
    }
}

RunResult read_run(const Node& node) {
    RunResult run;
    run.machine = node.at("machine").text();
    run.network = node.at("network").text();
    run.engine = node.at("engine").text();
    run.precision = node.at("precision").text();
    run.kept_precision = node.at("kept_precision").texts();
    run.dense_pruned_layers = node.at("dense_pruned_layers").texts();
    run.sparse_support = node.at("sparse_support").text();
    run.wider_lanes = node.at("wider_lanes").texts();
    run.trained_at = node.at("trained_at").texts();
    run.overrides = node.at("overrides").texts();
    if (node.has("dram_rates")) {
        for (const Node& rate : node.at("dram_rates").items()) {
            run.dram_rates.push_back({rate.at("dram").text(),
                                      BytesPerSecond(rate.at("stated_bytes_per_s").number()),
                                      BytesPerSecond(rate.at("own_bytes_per_s").number())});
        }
    }
    run.scenario = read_scenario(node.at("scenario"));
    run.totals = read_totals(node.at("totals"));
    const std::vector<Node> layers = node.at("layers").items();
    for (const Node& layer : layers) {
        run.layers.push_back(read_layer(layer));
    }
    read_places(layers, run.layers);
    for (const Node& component : node.at("components").items()) {
        run.components.push_back(read_component(component));
    }
    return run;
}

}  // namespace

Result read_result(const std::string& text, const std::string& shown_as) {
    const Json json = Json::parse(text, nullptr, false);
    const Node root(json, "", shown_as);
    if (json.is_discarded()) {
        root.wrong("is no JSON");
    }
    if (const std::string schema = root.at("schema").text(); schema != kResultSchema) {
        root.wrong("expected schema '" + std::string(kResultSchema) + "', found '" + schema + "'");
    }
    Result result;
    for (const Node& run : root.at("runs").items()) {
        result.runs.push_back(read_run(run));
    }
    const Node provenance = root.at("provenance");
    result.provenance.mapper_effort = provenance.at("mapper_effort").text();
    for (const Node& input : provenance.at("inputs").items()) {
        result.provenance.inputs.push_back({input.at("path").text(), input.at("sha256").text()});
    }
    if (result.runs.empty()) {
        root.at("runs").wrong("expected at least one run");
    }
    if (json.contains("findings")) {
        result.findings = root.at("findings").texts();
    }
    return result;
}

}  // namespace memwall
