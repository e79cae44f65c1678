// SPDX-License-Identifier: Apache-2.0
#include "study/shown_scenarios.hpp"

#include <nlohmann/json.hpp>

#include <utility>

#include "base/parse.hpp"
#include "study/figures.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

std::int64_t room_for_users(const Totals& totals) {
    return totals.pipeline          ? totals.pipeline->most_users()
           : totals.tensor_parallel ? totals.tensor_parallel->most_users
                                    : 0;
}

/// "round trip", "slowest stage", or of layers "compute 61 %, weights 20 %".
std::string bound_text(const RunResult& run) {
    if (run.totals.pipeline) {
        return run.totals.pipeline->by_round_trip ? "round trip" : "slowest stage";
    }
    std::string text;
    for (const BoundShare& share : bound_shares(run)) {
        text += (text.empty() ? "" : ", ") + std::string(name(share.bound)) + " " +
                percent(share.share);
    }
    return text;
}

}  // namespace

ScenarioFigures figures_of(ShownScenario scenario, const RunResult& run) {
    ScenarioFigures figures;
    figures.scenario = std::move(scenario);
    figures.item = run.totals.item;
    figures.throughput = run.totals.throughput;
    figures.latency = run.totals.latency.mean;
    figures.power = run.totals.power;
    figures.energy_per_item = run.totals.energy_per_item;
    figures.most_users = room_for_users(run.totals);
    figures.bound_by = bound_text(run);
    return figures;
}

std::string scenarios_text(const std::vector<ScenarioFigures>& scenarios) {
    if (scenarios.empty()) {
        return "";
    }
    Table table({{"scenario", Align::left},
                 {"machine", Align::left},
                 {"workload", Align::left},
                 {"a second"},
                 {"", Align::left},
                 {"latency"},
                 {"power"},
                 {"energy of one"},
                 {"room for users"},
                 {"bound by", Align::left}});
    for (const ScenarioFigures& each : scenarios) {
        table.add({each.scenario.id, each.scenario.run.machine.value_or(""), each.scenario.workload,
                   rate(each.throughput), each.item + "s", format_seconds(each.latency),
                   format_watts(each.power), format_joules(each.energy_per_item),
                   each.most_users > 0 ? format_count(each.most_users) : "", each.bound_by});
    }
    return "\nshown, without a published figure:\n" + table.text();
}

nlohmann::ordered_json scenarios_json(const std::vector<ScenarioFigures>& scenarios) {
    using Json = nlohmann::ordered_json;
    Json json = Json::array();
    for (const ScenarioFigures& each : scenarios) {
        json.push_back({{"id", each.scenario.id},
                        {"machine", each.scenario.run.machine.value_or("")},
                        {"workload", each.scenario.workload},
                        {"item", each.item},
                        {"throughput_per_s", each.throughput},
                        {"latency_s", each.latency.count()},
                        {"power_w", each.power.count()},
                        {"energy_per_item_j", each.energy_per_item.count()},
                        {"most_users", each.most_users > 0 ? Json(each.most_users) : Json(nullptr)},
                        {"bound_by", each.bound_by},
                        {"source", each.scenario.source}});
    }
    return json;
}

}  // namespace memwall
