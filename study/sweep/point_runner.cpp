// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/point_runner.hpp"

#include <new>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "study/execute.hpp"
#include "study/sweep/metrics.hpp"

namespace memwall {
namespace {

std::string totals_of(const RunResult& run) {
    std::vector<std::string> cells;
    for (const SweepMetric& metric : metrics()) {
        cells.push_back(metric.text(run));
    }
    std::string line = csv_line(cells);
    line.pop_back();
    return line;
}

/// The cells of a point that was not run: its area and nothing else.
std::string totals_without_run(const Machine& machine) {
    RunResult none;
    none.totals.area = machine.area();
    std::vector<std::string> cells(metrics().size());
    const std::size_t area = total_index(kAreaMetric);
    cells[area] = metrics()[area].text(none);
    std::string line = csv_line(cells);
    line.pop_back();
    return line;
}

}  // namespace

std::string parameter_text(const Settings& settings, const std::string& path) {
    std::string text;
    for (const Setting& setting : settings) {
        if (setting.path == path) {
            text = setting.text();
        }
    }
    return text;
}

const Constraint* PointRunner::broken(const Settings& settings, const Machine& machine) const {
    for (const Constraint& constraint : sweep_.constraints) {
        if (constraint.on_parameter) {
            if (!constraint.holds(parameter_text(settings, constraint.name))) {
                return &constraint;
            }
        } else if (constraint.name == kAreaMetric &&
                   !constraint.holds(shortest(machine.area().count()))) {
            return &constraint;
        }
    }
    return nullptr;
}

Point PointRunner::instantiate(std::int64_t point, std::optional<Engine> engine) {
    return loader_.load(sweep_.settings(point), engine);
}

Record PointRunner::run(std::int64_t point, std::optional<Engine> engine) {
    Record record;
    record.point = point;
    const auto failed = [&](FailureCause cause, const std::string& reason) {
        record.status = PointStatus::failed;
        record.cause = cause;
        record.reason = on_one_line(reason);
        record.totals = std::string(metrics().size() - 1, ',');
    };
    try {
        const Settings settings = sweep_.settings(point);
        const Point made = loader_.load(settings, engine);
        record.key = made.key;
        if (const Constraint* constraint = broken(settings, *made.machine)) {
            record.status = PointStatus::excluded;
            record.reason = "not " + constraint->text;
            record.totals = totals_without_run(*made.machine);
            return record;
        }
        record.totals = totals_of(execute(*made.network, *made.machine, made.run, {}, nullptr));
    } catch (const InputError& error) {
        failed(FailureCause::input, error.what());
    } catch (const std::bad_alloc&) {
        failed(FailureCause::memory, "out of memory");
    } catch (const Interrupted&) {
        throw;
    } catch (const std::exception& error) {
        failed(FailureCause::internal, error.what());
    }
    return record;
}

}  // namespace memwall
