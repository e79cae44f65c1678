// SPDX-License-Identifier: Apache-2.0
#include "arch/technology.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace memwall {

const char* name(Status status) {
    switch (status) {
        case Status::published:
            return "published";
        case Status::derived:
            return "derived";
        case Status::assumed:
            return "assumed";
        case Status::calibrated:
            return "calibrated";
    }
    fail("unknown status");
}

Sourced times(const Sourced& number, double factor) {
    const Status status = number.status == Status::published ? Status::derived : number.status;
    return {number.value * factor, number.low * factor, number.high * factor, status,
            number.source};
}

Sourced sum(const Sourced& a, const Sourced& b) {
    const Status status =
        std::max({a.status, b.status, Status::derived});  // the less sure of the two
    return {a.value + b.value, a.low + b.low, a.high + b.high, status, a.source + "; " + b.source};
}

namespace {

const std::vector<std::string>& status_names() {
    static const std::vector<std::string> kNames = {"published", "derived", "assumed",
                                                    "calibrated"};
    return kNames;
}

/// Reads {value, low, high, status, source}; `unit` turns the text of a quantity into a bare
/// number.
template <class Unit>
Sourced read_sourced(const YamlValue& value, const std::string& what, Diagnostics& faults) {
    MapReader reader(value, what, faults);
    const auto number = [&](std::string_view key, double fallback) {
        if constexpr (std::same_as<Unit, double>) {
            return reader.optional<double>(key, fallback);
        } else {
            return reader.optional<Unit>(key, Unit(fallback)).count();
        }
    };
    Sourced sourced;
    if (!reader.has("value")) {
        reader.required_value("value");
    }
    sourced.value = number("value", 0);
    sourced.low = number("low", sourced.value);
    sourced.high = number("high", sourced.value);
    sourced.status =
        static_cast<Status>(reader.required_choice("status", status_names()).value_or(0));
    sourced.source = reader.required<std::string>("source");
    if (sourced.value < 0 || sourced.low > sourced.value || sourced.high < sourced.value) {
        reader.error("value", what + ": expected 0 <= low <= value <= high");
    }
    reader.finish();
    return sourced;
}

}  // namespace

template <class Unit>
Sourced required_sourced(MapReader& reader, std::string_view key) {
    if (!reader.has(key)) {
        reader.required_value(key);
        return {};
    }
    return read_sourced<Unit>(*reader.value(key), "'" + std::string(key) + "'", reader.faults());
}

template Sourced required_sourced<Joules>(MapReader&, std::string_view);
template Sourced required_sourced<Watts>(MapReader&, std::string_view);
template Sourced required_sourced<SquareMillimetres>(MapReader&, std::string_view);

namespace {

template <class Unit>
std::map<Precision, Sourced> by_precision(MapReader& reader, std::string_view key) {
    std::map<Precision, Sourced> table;
    for (const auto& entry : reader.required_entries(key)) {
        const auto precision = parse_precision(entry.key);
        if (!precision) {
            reader.faults().error(entry.key_mark, "unknown precision '" + entry.key + "'" +
                                                      suggestion(entry.key, precision_names()));
            continue;
        }
        table[*precision] =
            read_sourced<Unit>(entry.value, "'" + std::string(key) + "'", reader.faults());
    }
    return table;
}

std::vector<SramPoint> sram_points(MapReader& reader) {
    std::vector<SramPoint> points;
    for (const YamlValue& item : reader.required_items("sram_read_per_byte")) {
        MapReader point(item, "SRAM point", reader.faults());
        SramPoint read;
        read.macro = point.required_positive<Bytes>("macro");
        read.joules_per_byte = required_sourced<Joules>(point, "energy");
        point.finish();
        points.push_back(read);
    }
    const auto smaller = [](const SramPoint& a, const SramPoint& b) { return a.macro < b.macro; };
    std::sort(points.begin(), points.end(), smaller);
    if (points.size() < 2) {
        reader.misfit("sram_read_per_byte", "at least two SRAM points");
    }
    return points;
}

/// y at x on the straight line through two points, in logarithms of both axes.
double log_log(double x, double x0, double y0, double x1, double y1) {
    const double slope = std::log(y1 / y0) / std::log(x1 / x0);
    return y0 * std::pow(x / x0, slope);
}

}  // namespace

// MODEL: SRAM read energy grows as a power of the macro's size between published points
// (Horowitz 2014, Jouppi 2021: 8 KiB, 32 KiB, 1 MiB).
Sourced Technology::sram_read_energy(Bytes macro) const {
    ensure(sram_read.size() >= 2, "a technology has at least two SRAM points");
    std::size_t upper = 1;
    while (upper + 1 < sram_read.size() && sram_read[upper].macro < macro) {
        ++upper;
    }
    const SramPoint& a = sram_read[upper - 1];
    const SramPoint& b = sram_read[upper];
    const auto x = static_cast<double>(macro.count());
    const auto x0 = static_cast<double>(a.macro.count());
    const auto x1 = static_cast<double>(b.macro.count());
    const auto at = [&](double Sourced::*field) {
        return log_log(x, x0, a.joules_per_byte.*field, x1, b.joules_per_byte.*field);
    };
    Sourced energy{at(&Sourced::value), at(&Sourced::low), at(&Sourced::high), Status::derived,
                   "log-log in macro size between points of " + name};
    for (const SramPoint* point : {&a, &b}) {
        if (point->macro == macro) {
            energy = point->joules_per_byte;
        }
    }
    return energy;
}

namespace {

MemoryCells read_cells(const YamlValue::Entry& entry, Diagnostics& faults) {
    MapReader reader(entry.value, "cells '" + entry.key + "'", faults);
    MemoryCells cells;
    cells.read = required_sourced<Joules>(reader, "read_per_byte");
    cells.write = required_sourced<Joules>(reader, "write_per_byte");
    cells.area = required_sourced<SquareMillimetres>(reader, "area_per_mib");
    cells.standby = required_sourced<Watts>(reader, "standby_per_mib");
    cells.stacked = reader.optional<bool>("stacked", false);
    reader.finish();
    return cells;
}

}  // namespace

Technology load_technology(const YamlValue& root, Diagnostics& faults) {
    MapReader reader(root, "technology file", faults);
    if (reader.has("memwall") && reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    Technology tech;
    tech.name = reader.required<std::string>("technology");
    tech.node_nm = reader.required<double>("node_nm");
    reader.optional<std::string>("source", "");
    tech.mac = by_precision<Joules>(reader, "mac");
    tech.gated_mac_fraction = required_sourced<double>(reader, "gated_mac_fraction");
    tech.add = by_precision<Joules>(reader, "add");
    tech.vector_operation = required_sourced<Joules>(reader, "vector_operation");
    tech.sram_read = sram_points(reader);
    tech.sram_write_ratio = required_sourced<double>(reader, "sram_write_ratio");
    tech.register_file = required_sourced<Joules>(reader, "register_file_per_byte");
    tech.wire = required_sourced<Joules>(reader, "wire_per_byte_mm");
    tech.router = required_sourced<Joules>(reader, "router_per_byte");
    tech.sram_area = required_sourced<SquareMillimetres>(reader, "sram_area_per_mib");
    tech.mac_area = by_precision<SquareMillimetres>(reader, "mac_area");
    tech.sram_leakage = required_sourced<Watts>(reader, "sram_leakage_per_mib");
    tech.logic_leakage = required_sourced<Watts>(reader, "logic_leakage_per_mm2");
    tech.clock = required_sourced<Joules>(reader, "clock_per_cycle_mm2");
    if (const YamlValue* issue = reader.value("operand_issue_per_byte")) {
        tech.operand_issue = read_sourced<Joules>(*issue, "'operand_issue_per_byte'", faults);
    }
    for (const YamlValue::Entry& entry : reader.optional_entries("cells")) {
        if (entry.key == kSramCells) {
            faults.error(entry.key_mark, "'sram' has keys of its own; expected other cells");
            continue;
        }
        tech.cells[entry.key] = read_cells(entry, faults);
    }
    reader.finish();
    return tech;
}

}  // namespace memwall
