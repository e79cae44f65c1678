// SPDX-License-Identifier: Apache-2.0
#include "study/sourced_rows.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "study/table.hpp"

namespace memwall {

using Json = nlohmann::ordered_json;

namespace {

void add_table(const std::string& path, const std::map<Precision, Sourced>& table, const char* unit,
               std::vector<SourcedRow>& rows) {
    for (const auto& [key, number] : table) {
        rows.push_back({path + "." + name(key), number, unit});
    }
}

void add_points(const std::string& path, const std::vector<SramPoint>& points, const char* unit,
                std::vector<SourcedRow>& rows) {
    for (const SramPoint& point : points) {
        rows.push_back({path + " of " + format_bytes(point.macro), point.figure, unit});
    }
}

}  // namespace

std::vector<SourcedRow> rows_of(const Technology& technology) {
    std::vector<SourcedRow> rows;
    if (technology.supply) {
        rows.push_back({"supply", *technology.supply, "V"});
    }
    add_table("mac", technology.mac, "J", rows);
    rows.push_back({"gated_mac_fraction", technology.gated_mac_fraction, ""});
    add_table("add", technology.add, "J", rows);
    rows.push_back({"vector_operation", technology.vector_operation, "J"});
    add_points("sram_read_per_byte", technology.sram_read, "J", rows);
    add_points("sram_access_time", technology.sram_access_time, "s", rows);
    rows.push_back({"sram_form.width_energy", technology.sram_form.width_energy, ""});
    rows.push_back({"sram_form.ports_energy", technology.sram_form.ports_energy, ""});
    rows.push_back({"sram_form.ports_access_time", technology.sram_form.ports_access_time, ""});
    rows.push_back({"sram_form.ports_area", technology.sram_form.ports_area, ""});
    rows.push_back({"sram_form.ports_leakage", technology.sram_form.ports_leakage, ""});
    rows.push_back({"sram_write_ratio", technology.sram_write_ratio, ""});
    rows.push_back({"register_file_per_byte", technology.register_file, "J"});
    rows.push_back({"wire_per_byte_mm", technology.wire, "J"});
    rows.push_back({"wire_delay_per_mm", technology.wire_delay, "s"});
    rows.push_back({"router_per_byte", technology.router, "J"});
    rows.push_back({"sram_area_per_mib", technology.sram_area, "mm2"});
    add_table("mac_area", technology.mac_area, "mm2", rows);
    rows.push_back({"sram_leakage_per_mib", technology.sram_leakage, "W"});
    rows.push_back({"logic_leakage_per_mm2", technology.logic_leakage, "W"});
    rows.push_back({"clock_per_cycle_mm2", technology.clock, "J"});
    if (technology.operand_issue) {
        rows.push_back({"operand_issue_per_byte", *technology.operand_issue, "J"});
    }
    for (const auto& [name, cells] : technology.cells) {
        rows.push_back({name + ".read_per_byte", cells.read, "J"});
        rows.push_back({name + ".write_per_byte", cells.write, "J"});
        rows.push_back({name + ".area_per_mib", cells.area, "mm2"});
        rows.push_back({name + ".standby_per_mib", cells.standby, "W"});
    }
    return rows;
}

std::vector<SourcedRow> rows_of(const Component& component) {
    std::vector<SourcedRow> rows;
    for (const EnergyEntry& entry : component.energies) {
        const std::string unit = unit_of(entry.action);
        const char* article = unit.find_first_of("aeiou") == 0 ? " an " : " a ";
        std::string path = component.name + ": " + name(entry.action) + article + unit;
        if (entry.precision) {
            path += std::string(" at ") + name(*entry.precision);
        }
        rows.push_back({path, entry.joules, "J"});
    }
    if (const auto* memory = std::get_if<MemoryConfig>(&component.config);
        memory != nullptr && memory->access.value > 0) {
        rows.push_back({component.name + ": access time", memory->access, "s"});
    }
    if (component.static_power.value > 0) {
        rows.push_back(
            {component.name + ": " + component.static_power_name(), component.static_power, "W"});
    }
    if (component.refresh_power.value > 0) {
        rows.push_back({component.name + ": refresh", component.refresh_power, "W"});
    }
    if (component.clock_power.value > 0) {
        rows.push_back({component.name + ": clock", component.clock_power, "W"});
    }
    return rows;
}

std::vector<SourcedRow> rows_of(const Machine& machine) {
    std::vector<SourcedRow> rows;
    for (const Component& component : machine.components()) {
        const std::vector<SourcedRow> own = rows_of(component);
        rows.insert(rows.end(), own.begin(), own.end());
    }
    if (const auto& server = machine.parts().server) {
        rows.push_back({"server: host", server->host, "W"});
        rows.push_back({"server: fans", server->fans, "W"});
        rows.push_back({"server: network", server->network, "W"});
    }
    return rows;
}

Json rows_json(const std::vector<SourcedRow>& rows) {
    Json json = Json::array();
    for (const SourcedRow& row : rows) {
        json.push_back({{"number", row.path},
                        {"value", row.number.value},
                        {"low", row.number.low},
                        {"high", row.number.high},
                        {"unit", row.unit},
                        {"status", name(row.number.status)},
                        {"source", row.number.source}});
    }
    return json;
}

Json provenance_json(const std::vector<Provenance>& provenance) {
    Json json = Json::array();
    for (const Provenance& entry : provenance) {
        json.push_back({{"path", entry.path},
                        {"value", entry.value},
                        {"status", name(entry.status)},
                        {"source", entry.source}});
    }
    return json;
}

std::string value_text(double value, const std::string& unit) {
    if (value == 0 || unit.empty()) {
        return fmt::format("{:.4g}", value);
    }
    return unit == "J"   ? format_joules(Joules(value))
           : unit == "W" ? format_watts(Watts(value))
           : unit == "s" ? format_seconds(Seconds(value))
                         : fmt::format("{:.4g} {}", value, unit);
}

std::string rows_csv(const std::string& owner, const std::vector<SourcedRow>& rows) {
    std::string csv =
        csv_line({"owner", "number", "value", "low", "high", "unit", "status", "source"});
    for (const SourcedRow& row : rows) {
        csv += csv_line({owner, row.path, shortest(row.number.value), shortest(row.number.low),
                         shortest(row.number.high), row.unit, name(row.number.status),
                         row.number.source});
    }
    return csv;
}

std::string rows_table(const std::vector<SourcedRow>& rows) {
    Table table({{"number", Align::left},
                 {"value"},
                 {"low"},
                 {"high"},
                 {"status", Align::left},
                 {"source", Align::left}});
    for (const SourcedRow& row : rows) {
        table.add({row.path, value_text(row.number.value, row.unit),
                   value_text(row.number.low, row.unit), value_text(row.number.high, row.unit),
                   name(row.number.status), row.number.source});
    }
    return table.text();
}

std::string provenance_table(const std::vector<Provenance>& provenance) {
    Table choices({{"choice", Align::left}, {"status", Align::left}, {"source", Align::left}});
    for (const Provenance& entry : provenance) {
        choices.add({entry.path, name(entry.status), entry.source});
    }
    return choices.text();
}

std::string rows_summary(const std::vector<SourcedRow>& rows) {
    std::array<std::size_t, 4> counts{};
    for (const SourcedRow& row : rows) {
        ++counts[static_cast<std::size_t>(row.number.status)];
    }
    return fmt::format("{} numbers: {} published, {} derived, {} assumed, {} calibrated\n",
                       rows.size(), counts[0], counts[1], counts[2], counts[3]);
}

}  // namespace memwall
