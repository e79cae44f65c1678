// SPDX-License-Identifier: Apache-2.0
#include "study/tensor_energies.hpp"

#include <fmt/format.h>

#include <array>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "study/run_report.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

/// By TensorRole; instructions move too.
constexpr std::size_t kRoles = kTensorRoleCount + 1;
using ByTensor = std::array<double, kRoles>;

/// Of the window, in joules an item.
ByTensor moved_by(const ComponentResult& component, const RunResult& run) {
    const double whole = run.totals.energy.count();
    const double items = whole > 0 ? whole / run.totals.energy_per_item.count() : 1;
    ByTensor moved{};
    for (const ActionResult& action : component.actions) {
        if (action.tensor && action.kind == EnergyKind::data_movement) {
            moved[static_cast<std::size_t>(*action.tensor)] += action.energy.count() / items;
        }
    }
    return moved;
}

double sum(const ByTensor& moved) {
    double all = 0;
    for (const double joules : moved) {
        all += joules;
    }
    return all;
}

}  // namespace

std::string tensor_energies(const RunResult& run) {
    ByTensor total{};
    for (const ComponentResult& component : run.components) {
        const ByTensor moved = moved_by(component, run);
        for (std::size_t role = 0; role < kRoles; ++role) {
            total[role] += moved[role];
        }
    }
    std::vector<Table::Column> columns = {{"J a " + run.totals.item, Align::left}};
    for (std::size_t role = 0; role < kRoles; ++role) {
        if (total[role] > 0) {
            columns.push_back({name(TensorRole(role))});
        }
    }
    columns.push_back({"all"});
    columns.push_back({"share"});
    Table table(columns);
    const auto add = [&](const std::string& title, const ByTensor& moved) {
        std::vector<std::string> cells = {title};
        for (std::size_t role = 0; role < kRoles; ++role) {
            if (total[role] > 0) {
                cells.push_back(moved[role] > 0 ? format_joules(Joules(moved[role])) : "");
            }
        }
        cells.push_back(format_joules(Joules(sum(moved))));
        cells.push_back(fmt::format("{:.1f} %", 100 * sum(moved) / sum(total)));
        table.add(cells);
    };
    for (const ComponentResult& component : run.components) {
        if (const ByTensor moved = moved_by(component, run); sum(moved) > 0) {
            add(component.name, moved);
        }
    }
    table.add_rule();
    add("all", total);
    return run_title(run) + "\n\nenergy of moving data\n\n" + table.text();
}

std::string tensor_energies_csv(const Result& result) {
    constexpr double kPicojoules = 1e12;
    std::string csv = csv_line({"machine", "network", "component", "tensor", "pj_per_item"});
    for (const RunResult& run : result.runs) {
        for (const ComponentResult& component : run.components) {
            const ByTensor moved = moved_by(component, run);
            for (std::size_t role = 0; role < kRoles; ++role) {
                if (moved[role] > 0) {
                    csv += csv_line({run.machine, run.network, component.name,
                                     name(TensorRole(role)), shortest(moved[role] * kPicojoules)});
                }
            }
        }
    }
    return csv;
}

}  // namespace memwall
