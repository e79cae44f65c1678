// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/sweep_table.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/csv.hpp"
#include "study/sweep/metrics.hpp"
#include "study/sweep/point_runner.hpp"

namespace memwall {

Costs costs_of(const Sweep& sweep, const std::vector<std::string>& totals) {
    Costs costs;
    for (const Objective& objective : sweep.objectives) {
        const auto cost = objective.cost(totals.at(total_index(objective.metric)));
        if (!cost) {
            return {};
        }
        costs.push_back(*cost);
    }
    return costs;
}

std::vector<const Constraint*> broken_constraints(const Sweep& sweep, std::int64_t point,
                                                  const std::vector<std::string>& totals) {
    std::vector<const Constraint*> broken;
    for (const Constraint& constraint : sweep.constraints) {
        const std::string value = constraint.on_parameter
                                      ? parameter_text(sweep.settings(point), constraint.name)
                                      : totals.at(total_index(constraint.name));
        if (!constraint.holds(value)) {
            broken.push_back(&constraint);
        }
    }
    return broken;
}

SweepTable::SweepTable(const Sweep& sweep, const std::filesystem::path& shards,
                       const std::string& plan, const std::vector<SweepPass>& passes)
    : sweep_(sweep), reader_(shards), parameters_(sweep.space.paths()) {
    const std::int64_t points = sweep.space.size();
    passes_.assign(passes.size(), PointIndex(points));
    fronts_.assign(static_cast<std::size_t>(points), 0);
    excluded_.assign(static_cast<std::size_t>(points), nullptr);
    reader_.scan([&](const ShardHead& head, Record&& record, const RecordPlace& place) {
        for (std::size_t pass = 0; pass < passes.size(); ++pass) {
            const auto& only = passes[pass].only;
            if (head.plan == plan && head.pass == passes[pass].name &&
                (!only || std::binary_search(only->begin(), only->end(), record.point))) {
                passes_[pass].add(record, place);
            }
        }
    });
    columns_ = {"point"};
    columns_.insert(columns_.end(), parameters_.begin(), parameters_.end());
    columns_.insert(columns_.end(), {"status", "reason", "pareto_front"});
    const std::vector<std::string> names = total_names();
    for (std::size_t metric = 0; metric < names.size(); ++metric) {
        if (std::find(parameters_.begin(), parameters_.end(), names[metric]) == parameters_.end()) {
            metrics_.push_back(metric);
            columns_.push_back(names[metric]);
        }
    }
    rank();
}

/// The record that counts, of the last pass that has one.
Record SweepTable::record_at(std::int64_t point) const {
    for (std::size_t pass = passes_.size(); pass-- > 0;) {
        if (passes_[pass].has(point)) {
            return reader_.read(passes_[pass].place(point));
        }
    }
    return {};
}

void SweepTable::rank() {
    std::map<std::string, std::pair<std::vector<std::int64_t>, std::vector<Costs>>> by_network;
    for (std::int64_t point = 0; point < passes_.front().size(); ++point) {
        const bool done = std::any_of(passes_.begin(), passes_.end(), [&](const PointIndex& pass) {
            return pass.has(point) && pass.status(point) == PointStatus::done;
        });
        if (!done) {
            continue;
        }
        const Record record = record_at(point);
        if (record.status != PointStatus::done) {
            continue;
        }
        const std::vector<std::string> totals = csv_cells(record.totals);
        const auto broken = broken_constraints(sweep_, point, totals);
        if (!broken.empty()) {
            excluded_[static_cast<std::size_t>(point)] = broken.front();
            continue;
        }
        Costs own = costs_of(sweep_, totals);
        if (!own.empty()) {
            auto& [points, costs] = by_network[totals.at(total_index("network"))];
            points.push_back(point);
            costs.push_back(std::move(own));
            ranked_.push_back(point);
        }
    }
    for (const auto& [network, compared] : by_network) {
        add_fronts(compared.first, compared.second);
    }
    std::stable_sort(ranked_.begin(), ranked_.end(),
                     [&](std::int64_t a, std::int64_t b) { return front_of(a) < front_of(b); });
}

void SweepTable::add_fronts(const std::vector<std::int64_t>& points,
                            const std::vector<Costs>& costs) {
    const std::vector<std::size_t> fronts = pareto_fronts(costs);
    for (std::size_t p = 0; p < points.size(); ++p) {
        fronts_[static_cast<std::size_t>(points[p])] = static_cast<std::uint32_t>(fronts[p]);
    }
}

std::size_t SweepTable::front_of(std::int64_t point) const {
    return fronts_.at(static_cast<std::size_t>(point));
}

std::vector<std::string> SweepTable::first_parameters() const {
    std::vector<std::string> texts;
    for (const Setting& setting : sweep_.space.at(0)) {
        texts.push_back(setting.text());
    }
    return texts;
}

SweepRow SweepTable::row(std::int64_t point) const {
    return row_of(record_at(point));
}

SweepRow SweepTable::row_of(const Record& record) const {
    const std::vector<std::string> totals = csv_cells(record.totals);
    const Constraint* excluded = excluded_[static_cast<std::size_t>(record.point)];
    SweepRow row;
    row.point = record.point;
    row.cells = {std::to_string(record.point)};
    for (const Setting& setting : sweep_.space.at(record.point)) {
        row.cells.push_back(setting.text());
    }
    const std::size_t front = front_of(record.point);
    row.cells.emplace_back(name(excluded != nullptr ? PointStatus::excluded : record.status));
    row.cells.push_back(excluded != nullptr ? "not " + excluded->text : record.reason);
    row.cells.push_back(front == 0 ? "" : std::to_string(front));
    for (const std::size_t metric : metrics_) {
        row.cells.push_back(totals.at(metric));
    }
    return row;
}

void SweepTable::for_each_row(const std::function<void(const SweepRow&)>& use) const {
    for (std::int64_t point = 0; point < passes_.front().size(); ++point) {
        const Record record = record_at(point);
        if (!record.totals.empty()) {  // else it was not run
            use(row_of(record));
        }
    }
}

std::int64_t SweepTable::count(PointStatus status) const {
    std::int64_t count = 0;
    for (std::int64_t point = 0; point < passes_.front().size(); ++point) {
        for (std::size_t pass = passes_.size(); pass-- > 0;) {
            if (passes_[pass].has(point)) {
                const bool excluded = excluded_[static_cast<std::size_t>(point)] != nullptr;
                const PointStatus found =
                    excluded ? PointStatus::excluded : passes_[pass].status(point);
                count += found == status ? 1 : 0;
                break;
            }
        }
    }
    return count;
}

}  // namespace memwall
