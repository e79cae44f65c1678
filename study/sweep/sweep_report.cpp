// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.hpp"
#include "study/sweep/magnitude.hpp"
#include "study/sweep/point_runner.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

constexpr std::size_t kMostRows = 20;

/// The last part of a path: "capacity".
std::string short_name(const std::string& path) {
    const std::size_t dot = path.rfind('.');
    return dot == std::string::npos ? path : path.substr(dot + 1);
}

/// Short where that is enough to tell the parameters apart.
std::vector<std::string> titles(const std::vector<std::string>& paths) {
    std::vector<std::string> names;
    for (const std::string& path : paths) {
        const auto same = std::count_if(paths.begin(), paths.end(), [&](const std::string& other) {
            return short_name(other) == short_name(path);
        });
        names.push_back(same > 1 ? path : short_name(path));
    }
    return names;
}

/// A number as people read it; any other text as it is.
std::string readable(const std::string& text) {
    const Parsed<double> parsed = parse_number(text);
    const auto* number = std::get_if<0>(&parsed);
    return number == nullptr ? text : fmt::format("{:.4g}", *number);
}

std::size_t column_of(const SweepTable& table, const std::string& name) {
    const auto& columns = table.columns();
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) -
                                    columns.begin());
}

/// How many axes of the sweep change a number, each by itself; zipped parameters are one axis.
std::size_t numeric_axes(const Sweep& sweep) {
    const std::vector<std::int64_t> sizes = sweep.space.sizes();
    const Settings first = sweep.space.at(0);
    std::size_t count = 0;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        std::vector<std::int64_t> entries(sizes.size(), 0);
        entries[axis] = sizes[axis] - 1;
        const Settings last = sweep.space.at(sweep.space.point(entries));
        count += std::any_of(first.begin(), first.end(), [&](const Setting& setting) {
            const std::string text = parameter_text(last, setting.path);
            return text != setting.text() && read_magnitude(text) && read_magnitude(setting.text());
        });
    }
    return count;
}

/// `best`: the settings of a point that ended well.
std::string plot_command(const std::filesystem::path& folder, const Sweep& sweep,
                         const Settings& best) {
    constexpr std::int64_t kMostBars = 60;
    const std::size_t axes = numeric_axes(sweep);
    std::string script = axes >= 2 ? "heatmap.py" : "lines.py";
    if (axes == 0) {
        script = sweep.space.size() <= kMostBars ? "bars.py" : "pareto.py";
    } else if (sweep.tree.find("samples") != nullptr) {
        script = "pareto.py";  // they lie anywhere
    }
    const std::string network = parameter_text(best, "network");
    const bool of_one = script == "heatmap.py" && !network.empty();
    return "scripts/plot/" + script + " " + (folder / "results.csv").string() + " " +
           (folder / "plot.png").string() + (of_one ? " --network " + network : "");
}

}  // namespace

std::string sweep_report(const Sweep& sweep, const SweepTable& table,
                         const std::filesystem::path& folder) {
    std::vector<Table::Column> columns = {{"point"}};
    for (const std::string& title : titles(sweep.space.paths())) {
        columns.push_back({title});
    }
    std::vector<std::size_t> objectives;
    for (const Objective& objective : sweep.objectives) {
        columns.push_back({objective.metric});
        objectives.push_back(column_of(table, objective.metric));
    }
    Table shown(columns);
    std::size_t rows = 0;
    for (const std::int64_t point : table.ranked()) {
        if (table.front_of(point) != 1 || ++rows > kMostRows) {
            continue;
        }
        const SweepRow row = table.row(point);
        std::vector<std::string> cells = {row.cells[0]};
        for (std::size_t p = 1; p <= table.parameter_count(); ++p) {
            cells.push_back(row.cells[p]);
        }
        for (const std::size_t objective : objectives) {
            cells.push_back(readable(row.cells.at(objective)));
        }
        shown.add(cells);
    }
    std::string text = sweep.question.empty() ? "" : sweep.question + "\n\n";
    const std::string tables = "tables: " + (folder / "results.csv").string() + ", " +
                               (folder / "results.sqlite").string() + "\n";
    if (rows == 0) {
        return text + "No point ended well and within the constraints.\n\n" + tables;
    }
    text += "The Pareto front (" + std::to_string(rows) + (rows == 1 ? " point" : " points") +
            "):\n" + shown.text();
    if (rows > kMostRows) {
        text += "... and " + std::to_string(rows - kMostRows) +
                " more: pareto_front = 1 in the table\n";
    }
    const Settings best = sweep.space.at(table.ranked().front());
    return text + "\n" + tables + "plot:   " + plot_command(folder, sweep, best) + "\n";
}

}  // namespace memwall
