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

namespace {

/// Of what is made of two numbers: the less sure of the two, never published.
Status status_of_both(const Sourced& a, const Sourced& b) {
    return std::max({a.status, b.status, Status::derived});
}

}  // namespace

Sourced sum(const Sourced& a, const Sourced& b) {
    return {a.value + b.value, a.low + b.low, a.high + b.high, status_of_both(a, b),
            a.source + "; " + b.source};
}

Sourced product(const Sourced& a, const Sourced& b) {
    return {a.value * b.value, a.low * b.low, a.high * b.high, status_of_both(a, b),
            a.source + "; " + b.source};
}

Sourced power(double base, const Sourced& exponent) {
    const double at_low = std::pow(base, exponent.low);
    const double at_high = std::pow(base, exponent.high);
    return {std::pow(base, exponent.value), std::min(at_low, at_high), std::max(at_low, at_high),
            exponent.status, exponent.source};
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
    if (value.is_scalar()) {
        faults.error(value.mark(),
                     what + ": expected a figure with its source, such as {value: " + value.text() +
                         ", status: assumed, source: \"...\"}, found '" + value.text() + "'");
        return {};
    }
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

/// A table `key` of a figure at sizes of a macro.
template <class Unit>
std::vector<SramPoint> sram_points(MapReader& reader, std::string_view key,
                                   std::string_view figure) {
    std::vector<SramPoint> points;
    for (const YamlValue& item : reader.required_items(key)) {
        MapReader point(item, "SRAM point", reader.faults());
        SramPoint read;
        read.macro = point.required_positive<Bytes>("macro");
        read.figure = required_sourced<Unit>(point, figure);
        point.finish();
        points.push_back(read);
    }
    const auto smaller = [](const SramPoint& a, const SramPoint& b) { return a.macro < b.macro; };
    std::sort(points.begin(), points.end(), smaller);
    if (points.size() < 2) {
        reader.misfit(key, "at least two SRAM points");
    }
    return points;
}

/// y at x on the straight line through two points, in logarithms of both axes.
double log_log(double x, double x0, double y0, double x1, double y1) {
    const double slope = std::log(y1 / y0) / std::log(x1 / x0);
    return y0 * std::pow(x / x0, slope);
}

/// A table's figure at a size: log-log between the nearest points, the ends' slope beyond them.
Sourced at_size(const std::vector<SramPoint>& points, Bytes size, const std::string& technology) {
    ensure(points.size() >= 2, "a technology has at least two SRAM points");
    std::size_t upper = 1;
    while (upper + 1 < points.size() && points[upper].macro < size) {
        ++upper;
    }
    const SramPoint& a = points[upper - 1];
    const SramPoint& b = points[upper];
    for (const SramPoint* point : {&a, &b}) {
        if (point->macro == size) {
            return point->figure;
        }
    }
    const auto x = static_cast<double>(size.count());
    const auto x0 = static_cast<double>(a.macro.count());
    const auto x1 = static_cast<double>(b.macro.count());
    const auto at = [&](double Sourced::*field) {
        return log_log(x, x0, a.figure.*field, x1, b.figure.*field);
    };
    return {at(&Sourced::value), at(&Sourced::low), at(&Sourced::high), Status::derived,
            "log-log in macro size between points of " + technology};
}

/// What falls by a power that grows: the interval of its inverse.
Sourced inverse(const Sourced& number) {
    return {1 / number.value, 1 / number.high, 1 / number.low, number.status, number.source};
}

}  // namespace

Sourced with_ports(const Sourced& of_one, const SramMacro& macro, const Sourced& exponent) {
    return macro.ports > 1 ? product(of_one, power(static_cast<double>(macro.ports), exponent))
                           : of_one;
}

// MODEL: SRAM read energy grows as a power of the macro's size between published points
// (Horowitz 2014, Jouppi 2021: 8 KiB, 32 KiB, 1 MiB; words of 64 bit, one port), and from the
// register file's, 128 B, to the smallest of them. The energy of a byte falls as a power of the
// word's width and grows as one of the ports; so do access time, area and leakage with the ports
// (CACTI 7). A macro's size changes its area a byte by less than what CACTI leaves open.
Sourced Technology::sram_read_energy(const SramMacro& macro) const {
    Sourced energy = register_file_energy(macro.size);
    if (macro.width != SramMacro().width) {
        const double wider = static_cast<double>(macro.width.count()) /
                             static_cast<double>(SramMacro().width.count());
        energy = product(energy, inverse(power(wider, sram_form.width_energy)));
    }
    return with_ports(energy, macro, sram_form.ports_energy);
}

Sourced Technology::sram_access(const SramMacro& macro) const {
    return with_ports(at_size(sram_access_time, macro.size, name), macro,
                      sram_form.ports_access_time);
}

// MODEL: a register file's energy a byte grows with its bank on the line (log-log) from the
// published one, 128 B, to the smallest macro of SRAM, and is that of SRAM from there on; no bank
// is cheaper than the published one.
Sourced Technology::register_file_energy(Bytes bank) const {
    if (bank <= kRegisterFileBank) {
        return register_file;
    }
    std::vector<SramPoint> points = sram_read;
    points.insert(points.begin(), {kRegisterFileBank, register_file});
    return at_size(points, bank, name);
}

namespace {

SramForm read_form(MapReader& technology) {
    SramForm form;
    const YamlValue& value = technology.required_value("sram_form");
    if (!technology.has("sram_form")) {
        return form;
    }
    MapReader reader(value, "'sram_form'", technology.faults());
    form.width_energy = required_sourced<double>(reader, "width_energy");
    form.ports_energy = required_sourced<double>(reader, "ports_energy");
    form.ports_access_time = required_sourced<double>(reader, "ports_access_time");
    form.ports_area = required_sourced<double>(reader, "ports_area");
    form.ports_leakage = required_sourced<double>(reader, "ports_leakage");
    reader.finish();
    return form;
}

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
    if (const YamlValue* supply = reader.value("supply")) {
        tech.supply = read_sourced<Volts>(*supply, "'supply'", faults);
    }
    tech.mac = by_precision<Joules>(reader, "mac");
    tech.gated_mac_fraction = required_sourced<double>(reader, "gated_mac_fraction");
    tech.add = by_precision<Joules>(reader, "add");
    tech.vector_operation = required_sourced<Joules>(reader, "vector_operation");
    tech.sram_read = sram_points<Joules>(reader, "sram_read_per_byte", "energy");
    tech.sram_access_time = sram_points<Seconds>(reader, "sram_access_time", "time");
    tech.sram_form = read_form(reader);
    tech.sram_write_ratio = required_sourced<double>(reader, "sram_write_ratio");
    tech.register_file = required_sourced<Joules>(reader, "register_file_per_byte");
    tech.wire = required_sourced<Joules>(reader, "wire_per_byte_mm");
    tech.wire_delay = required_sourced<Seconds>(reader, "wire_delay_per_mm");
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
