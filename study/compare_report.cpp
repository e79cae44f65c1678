// SPDX-License-Identifier: Apache-2.0
#include "study/compare_report.hpp"

#include <fmt/format.h>

#include <functional>

#include "base/parse.hpp"
#include "study/figures.hpp"
#include "study/findings.hpp"
#include "study/run_report.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

/// One row: a figure of a run, and of the same run at its I/O lower bound ("" where that says
/// nothing).
struct Row {
    std::string title;
    std::function<std::string(const RunResult&)> value;
    std::function<std::string(const RunResult&)> at_bound;
};

std::string nothing(const RunResult& /*run*/) {
    return "";
}

std::vector<Row> rows(const RunResult& first) {
    const std::string& item = first.totals.item;
    const ItemFigures base = item_figures(first);
    std::vector<Row> rows;
    rows.push_back({item + "s/s", [](const auto& run) { return rate(run.totals.throughput); },
                    [](const auto& run) { return rate(item_figures(run).per_second_at_bound); }});
    rows.push_back(
        {"  ratio",
         [=](const auto& run) { return factor(run.totals.throughput / base.per_second); },
         [=](const auto& run) {
             return factor(item_figures(run).per_second_at_bound / base.per_second);
         }});
    rows.push_back({"latency",
                    [](const auto& run) { return format_seconds(run.totals.latency.mean); },
                    nothing});
    rows.push_back({"power", [](const auto& run) { return format_watts(run.totals.power); },
                    [](const auto& run) {
                        const AtLowerBound& bound = run.totals.at_lower_bound;
                        return bound.seconds.count() > 0
                                   ? format_watts(bound.energy / bound.seconds)
                                   : "";
                    }});
    rows.push_back(
        {"energy a " + item,
         [](const auto& run) { return format_joules(run.totals.energy_per_item); },
         [](const auto& run) { return format_joules(item_figures(run).energy_at_bound); }});
    rows.push_back(
        {"  ratio",
         [=](const auto& run) { return factor(ratio(item_figures(run).energy, base.energy)); },
         [=](const auto& run) {
             return factor(ratio(item_figures(run).energy_at_bound, base.energy));
         }});
    for (const EnergyKind kind : kEnergyKinds) {
        rows.push_back({"  " + words(kind),
                        [=](const auto& run) { return percent(share_of(run, kind)); }, nothing});
    }
    rows.push_back(
        {"utilization", [](const auto& run) { return percent(run.totals.utilization); }, nothing});
    rows.push_back({"MACs a byte off chip",
                    [](const auto& run) {
                        return run.totals.arithmetic_intensity
                                   ? fmt::format("{:.0f}", *run.totals.arithmetic_intensity)
                                   : "none moved";
                    },
                    nothing});
    rows.push_back({"area",
                    [](const auto& run) {
                        return run.totals.area ? fmt::format("{:.0f} mm2", run.totals.area->count())
                                               : "unknown";
                    },
                    nothing});
    return rows;
}

std::string energy_table(const std::vector<const RunResult*>& runs) {
    std::vector<Table::Column> columns = {{"", Align::left}};
    for (const RunResult* run : runs) {
        columns.push_back({run->machine, Align::right});
        columns.push_back({"at its I/O lower bound", Align::right});
    }
    Table table(std::move(columns));
    for (const Row& row : rows(*runs.front())) {
        std::vector<std::string> cells = {row.title};
        for (const RunResult* run : runs) {
            cells.push_back(row.value(*run));
            cells.push_back(row.at_bound(*run));
        }
        table.add(std::move(cells));
    }
    return table.text();
}

}  // namespace

std::string compare_report(const std::vector<const RunResult*>& runs,
                           const std::vector<std::string>& findings) {
    std::string text;
    for (const RunResult* run : runs) {
        text += run_title(*run) + "\n";
    }
    text += "\n" + energy_table(runs) + "\n";
    for (const RunResult* run : runs) {
        text += run_notes(*run);
    }
    text += "\n";
    return text + findings_text(findings);
}

}  // namespace memwall
