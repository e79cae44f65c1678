// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/parse.hpp"
#include "sim/assemble_result.hpp"
#include "study/component_text.hpp"
#include "study/show.hpp"
#include "study/sourced_rows.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string machine_json(const Machine& machine, const std::vector<MachineCheck>& checks) {
    Json json = {{"machine", machine.name()},
                 {"mapper", machine.parts().mapper},
                 {"technology", machine.parts().technology.name},
                 {"power_scope", machine.parts().power_scope},
                 {"area_mm2", machine.area().count()}};
    json["clocks"] = Json::object();
    for (const ClockDomain& clock : machine.clocks()) {
        json["clocks"][clock.name()] = {{"hz", clock.frequency().count()}};
    }
    for (const DramRate& rate : dram_rates(machine)) {
        json["dram_rates"].push_back({{"dram", rate.dram},
                                      {"stated_bytes_per_s", rate.stated.count()},
                                      {"own_bytes_per_s", rate.own.count()}});
    }
    json["power_cap"] = nullptr;
    if (const auto& cap = machine.parts().power_cap) {
        json["power_cap"] = {{"power_w", cap->power.count()},
                             {"voltage_slope", cap->voltage_slope},
                             {"lowest_voltage", cap->lowest_voltage},
                             {"lowest_clock_hz", cap->lowest_clock.count()},
                             {"clock_step_hz", cap->clock_step.count()}};
    }
    json["cards"] = nullptr;
    if (const auto& cards = machine.parts().cards) {
        json["cards"] = {{"count", cards->count}, {"parallel", name(cards->parallel)}};
        if (cards->tensor_parallel()) {
            json["cards"].update({{"link", cards->link}, {"collective", "ring"}});
        } else {
            json["cards"].update({{"hop_s", to_seconds(cards->hop).count()},
                                  {"overhead_s", to_seconds(cards->overhead).count()},
                                  {"together", cards->together}});
            if (cards->linked_pipeline()) {
                json["cards"]["link"] = cards->link;
            }
        }
    }
    json["published_figures"] = Json::array();
    for (const MachineCheck& check : checks) {
        json["published_figures"].push_back({{"validation", check.validation},
                                             {"figures", check.figures},
                                             {"calibrated", check.calibrated}});
    }
    json["components"] = Json::array();
    for (const Component& component : machine.components()) {
        json["components"].push_back({{"name", component.name},
                                      {"kind", name(component.kind)},
                                      {"instances", component.instances},
                                      {"summary", component_text(component)},
                                      {"static_power_w", component.idle_power()},
                                      {"clock_power_w", component.clock_power.value},
                                      {"area_mm2", component.area.count()}});
    }
    json["provenance"] = provenance_json(machine.parts().provenance);
    json["numbers"] = rows_json(rows_of(machine));
    return dumped(json);
}

std::string machine_table(const Machine& machine, const std::vector<MachineCheck>& checks) {
    std::string text = fmt::format("{}: technology {}, clock {}, mapper {}, {:.0f} mm2\n\n",
                                   machine.name(), machine.parts().technology.name,
                                   format_hertz(machine.clocks().front().frequency()),
                                   machine.parts().mapper, machine.area().count());
    text += checks_text(checks) + "\n\n";
    const auto& cards = machine.parts().cards;
    if (cards && cards->tensor_parallel()) {
        text += fmt::format(
            "{} cards, of each of which this is said; each has a part of every layer, and they "
            "exchange results by rings over {}\n\n",
            cards->count, cards->link);
    } else if (cards) {
        text += fmt::format(
            "{} cards, of each of which this is said; {} between two of them, and {} of each "
            "for what goes through; {} user{} together{}\n\n",
            cards->count, format_seconds(to_seconds(cards->hop)),
            format_seconds(to_seconds(cards->overhead)), cards->together,
            cards->together == 1 ? "" : "s",
            cards->linked_pipeline() ? ", handed on over " + cards->link : "");
    }
    const auto& server = machine.parts().server;
    if (server && !server->link.empty()) {
        text += fmt::format("servers of {} cards, which reach each other over {}\n\n",
                            server->cards, server->link);
    }
    if (const auto& supply = machine.parts().supply) {
        text +=
            fmt::format("at {}; the technology's own figures hold at {}\n\n", format_volts(*supply),
                        format_volts(Volts(machine.parts().technology.supply->value)));
    }
    for (const DramRate& rate : dram_rates(machine)) {
        text += "note: " + dram_rate_text(rate) + "\n\n";
    }
    if (const auto& cap = machine.parts().power_cap) {
        text += fmt::format(
            "power cap {}: the clock falls in steps of {} to no less than {}, the voltage by {:g} "
            "of "
            "that to no less than {:g}\n\n",
            format_watts(cap->power), format_hertz(cap->clock_step),
            format_hertz(cap->lowest_clock), cap->voltage_slope, cap->lowest_voltage);
    }
    Table components({{"component", Align::left},
                      {"kind", Align::left},
                      {"instances"},
                      {"", Align::left},
                      {"leakage"},
                      {"clock"},
                      {"area"}});
    const auto unless_zero = [](double value, const std::string& unit) {
        return value == 0 ? std::string() : value_text(value, unit);
    };
    for (const Component& component : machine.components()) {
        components.add({component.name, name(component.kind), format_count(component.instances),
                        component_text(component), unless_zero(component.idle_power(), "W"),
                        unless_zero(component.clock_power.value, "W"),
                        unless_zero(component.area.count(), "mm2")});
    }
    text += components.text() + "\n";
    if (!machine.parts().provenance.empty()) {
        text += provenance_table(machine.parts().provenance) + "\n";
    }
    const std::vector<SourcedRow> rows = rows_of(machine);
    return text + rows_table(rows) + rows_summary(rows);
}

}  // namespace

Shown show_machine(const Machine& machine, const std::vector<MachineCheck>& checks) {
    return {[&machine, checks] { return machine_json(machine, checks); },
            [&machine] { return rows_csv(machine.name(), rows_of(machine)); },
            [&machine, checks] { return machine_table(machine, checks); }};
}

Shown show_technology(const Technology& technology) {
    return {[&technology] {
                return dumped({{"technology", technology.name},
                               {"node_nm", technology.node_nm},
                               {"numbers", rows_json(rows_of(technology))}});
            },
            [&technology] { return rows_csv(technology.name, rows_of(technology)); },
            [&technology] {
                const std::vector<SourcedRow> rows = rows_of(technology);
                return technology.name + "\n\n" + rows_table(rows) + rows_summary(rows);
            }};
}

}  // namespace memwall
