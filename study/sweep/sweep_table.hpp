// SPDX-License-Identifier: Apache-2.0
// The table of a sweep: its points in order, each with its parameters, how it ended, and its
// totals.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "study/sweep/pareto.hpp"
#include "study/sweep/store.hpp"
#include "study/sweep/sweep_file.hpp"

namespace memwall {

/// Records of one pass, "first" or "then-ENGINE", of all points or of some.
struct SweepPass {
    std::string name;
    std::optional<std::vector<std::int64_t>> only = std::nullopt;  ///< ascending
};

struct SweepRow {
    std::int64_t point = 0;
    std::vector<std::string> cells;  ///< of SweepTable::columns()
};

/// Reads the shards of a folder once to know what is there; the rows are then read one by one, so
/// that a table of any length needs little memory.
class SweepTable {
public:
    /// `plan` and `passes` say which records belong to it: of a point that several passes ran, the
    /// last one of `passes` counts.
    SweepTable(const Sweep& sweep, const std::filesystem::path& shards, const std::string& plan,
               const std::vector<SweepPass>& passes);

    /// point, the parameters, status, reason, pareto_front, then the metrics.
    [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
    [[nodiscard]] std::size_t parameter_count() const { return parameters_.size(); }
    /// The texts of the parameters at the first point.
    [[nodiscard]] std::vector<std::string> first_parameters() const;
    /// The row of a point that was run.
    [[nodiscard]] SweepRow row(std::int64_t point) const;
    void for_each_row(const std::function<void(const SweepRow&)>& use) const;

    [[nodiscard]] std::int64_t count(PointStatus status) const;
    /// Points that ended well and break no constraint: front by front, within a front by number.
    /// Each network has fronts of its own.
    [[nodiscard]] const std::vector<std::int64_t>& ranked() const { return ranked_; }
    /// 0 for a point that is on none.
    [[nodiscard]] std::size_t front_of(std::int64_t point) const;

private:
    void rank();
    /// Adds the fronts of points that can be compared: those of one network.
    void add_fronts(const std::vector<std::int64_t>& points, const std::vector<Costs>& costs);
    [[nodiscard]] Record record_at(std::int64_t point) const;
    [[nodiscard]] SweepRow row_of(const Record& record) const;

    const Sweep& sweep_;
    ShardReader reader_;
    std::vector<PointIndex> passes_;
    std::vector<std::string> parameters_;
    std::vector<std::size_t> metrics_;  ///< those that are no parameters
    std::vector<std::string> columns_;
    std::vector<std::int64_t> ranked_;
    std::vector<std::uint32_t> fronts_;        ///< by point; 0: none
    std::vector<const Constraint*> excluded_;  ///< by point, the constraint that its result breaks
};

/// The costs of totals under the objectives; empty where one of them has no number.
Costs costs_of(const Sweep& sweep, const std::vector<std::string>& totals);
/// The constraints that a point breaks, by what it sets and what came out.
std::vector<const Constraint*> broken_constraints(const Sweep& sweep, std::int64_t point,
                                                  const std::vector<std::string>& totals);

}  // namespace memwall
