// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/point_runner.hpp"

#include <cctype>
#include <filesystem>
#include <new>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "sim/child_process.hpp"
#include "study/execute.hpp"
#include "study/run_check.hpp"
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

/// The faults with the bare names of their files: tables are the same wherever those lie.
std::string reason_of(const InputError& error) {
    std::vector<Diagnostic> faults = error.faults();
    for (Diagnostic& fault : faults) {
        fault.where.file = std::filesystem::path(fault.where.file).filename().string();
    }
    return InputError(std::move(faults)).what();
}

/// Whether `text` has `word` in it, no letters beside it.
bool names_word(const std::string& text, const std::string& word) {
    const auto part_of_word = [&](std::size_t at) {
        return at < text.size() &&
               (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
    };
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        if (!part_of_word(at - 1) && !part_of_word(at + word.size())) {
            return true;
        }
    }
    return false;
}

/// A fault without a place gets that of the last setting whose key it names.
Diagnostic placed(Diagnostic fault, const Settings& settings) {
    if (fault.where.line > 0) {
        return fault;
    }
    for (const Setting& setting : settings) {
        if (names_word(fault.message, setting.path.substr(setting.path.rfind('.') + 1))) {
            fault.where = setting.value.mark();
        }
    }
    return fault;
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
    const Settings settings = sweep_.settings(point);
    try {
        Point made = loader_.load(settings, engine);
        if (broken(settings, *made.machine) == nullptr) {
            check_run(*made.network, *made.machine, made.run);
        }
        return made;
    } catch (const InputError& error) {
        std::vector<Diagnostic> faults;
        for (const Diagnostic& fault : error.faults()) {
            faults.push_back(placed(fault, settings));
        }
        throw InputError(std::move(faults));
    }
}

void PointRunner::warm_up(std::int64_t point, std::optional<Engine> engine) {
    try {
        instantiate(point, engine);
    } catch (const InputError&) {  // its record tells
    }
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
        record.totals = totals_of(execute(*made.network, *made.machine, made.run, {}, {}));
    } catch (const InputError& error) {
        failed(FailureCause::input, reason_of(error));
    } catch (const std::bad_alloc&) {
        failed(FailureCause::memory, "out of memory");
    } catch (const ChildEnded& error) {
        failed(FailureCause::killed, error.what());
    } catch (const Interrupted&) {
        throw;
    } catch (const std::exception& error) {
        failed(FailureCause::internal, error.what());
    }
    return record;
}

}  // namespace memwall
