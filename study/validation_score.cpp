// SPDX-License-Identifier: Apache-2.0
#include "study/validation_score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

Verdict verdict_of(const ValidationRow& row, double error, bool in_band) {
    if (row.calibrated) {
        return Verdict::calibrated;
    }
    if (in_band) {
        return row.counted ? Verdict::within : Verdict::shown;
    }
    if (row.known_miss) {
        const bool grown = std::abs(error) > std::abs(row.known_miss->error) + kKnownMissGrowth ||
                           std::signbit(error) != std::signbit(row.known_miss->error);
        return grown ? Verdict::grown : Verdict::known_miss;
    }
    return row.counted ? Verdict::outside : Verdict::shown;
}

/// Four digits, without an exponent: "42,460", "1.028", "0.01495".
std::string figure(double value) {
    return std::abs(value) >= 1000 ? format_count(std::llround(value))
                                   : fmt::format("{:.4g}", value);
}

std::string unit_of(ErrorBand::Kind kind) {
    return kind == ErrorBand::Kind::percent ? "%" : "points";
}

/// What a reader has to see first comes first; equal verdicts by the size of the error.
bool comes_before(const ScoredRow& a, const ScoredRow& b) {
    return a.verdict != b.verdict ? a.verdict < b.verdict : std::abs(a.error) > std::abs(b.error);
}

std::string rows_table(std::vector<ScoredRow> rows) {
    std::stable_sort(rows.begin(), rows.end(), comes_before);
    Table table({{"", Align::left},
                 {"the model's", Align::left},
                 {"row", Align::left},
                 {"machine", Align::left},
                 {"workload", Align::left},
                 {"metric", Align::left},
                 {"published"},
                 {"model"},
                 {"unit", Align::left},
                 {"difference"},
                 {"band"},
                 {"envelope"}});
    for (const ScoredRow& scored : rows) {
        const ValidationRow& row = scored.row;
        const std::string unit = unit_of(row.band.kind);
        table.add({name(scored.verdict), standing(row), row.id, row.run.machine.value_or(""),
                   row.workload,
                   row.metric.name + (row.metric.layer.empty() ? "" : " of " + row.metric.layer),
                   figure(row.published), figure(scored.predicted), row.unit,
                   fmt::format("{:+.1f} {}", scored.error, unit),
                   fmt::format("{:g} {}", row.band.most, unit),
                   scored.envelope ? figure(*scored.envelope) : ""});
    }
    return table.text();
}

std::string misses_text(const std::vector<ScoredRow>& rows) {
    std::string text;
    for (const ScoredRow& scored : rows) {
        const auto& miss = scored.row.known_miss;
        if (miss && scored.in_band) {
            text += "note: " + scored.row.id +
                    " is a known miss and lies within its band: take known_miss away\n";
        } else if (miss) {
            text += fmt::format("{}: {:+.1f} {} ({:+.1f} known): {}\n", scored.row.id, scored.error,
                                unit_of(scored.row.band.kind), miss->error, miss->reason);
        }
    }
    return text;
}

std::string notes_text(const std::vector<ScoredRow>& rows) {
    std::string text;
    for (const ScoredRow& scored : rows) {
        text += scored.note.empty() ? "" : "\n" + scored.row.id + ":\n" + scored.note;
    }
    return text;
}

}  // namespace

const char* standing(const ValidationRow& row) {
    return row.calibrated ? "calibrated" : row.over ? "derived" : "predicted";
}

const char* name(Verdict verdict) {
    switch (verdict) {
        case Verdict::outside:
            return "OUTSIDE";
        case Verdict::grown:
            return "GROWN";
        case Verdict::known_miss:
            return "known miss";
        case Verdict::within:
            return "within";
        case Verdict::shown:
            return "shown";
        case Verdict::calibrated:
            return "calibrated";
    }
    fail("unknown verdict");
}

ScoredRow score(ValidationRow row, double predicted, std::optional<double> envelope) {
    ScoredRow scored;
    scored.predicted = predicted;
    scored.envelope = envelope;
    scored.error = row.band.kind == ErrorBand::Kind::percent ? 100 * (predicted / row.published - 1)
                                                             : predicted - row.published;
    scored.in_band = std::abs(scored.error) <= row.band.most;
    scored.verdict = verdict_of(row, scored.error, scored.in_band);
    scored.row = std::move(row);
    return scored;
}

std::vector<GroupScore> group_scores(const std::vector<ScoredRow>& rows) {
    std::vector<GroupScore> groups;
    std::vector<std::vector<double>> errors;
    for (const ScoredRow& scored : rows) {
        if (!scored.row.counted) {
            continue;
        }
        auto group = std::find_if(groups.begin(), groups.end(), [&](const GroupScore& one) {
            return one.group == scored.row.group;
        });
        if (group == groups.end()) {
            groups.push_back({scored.row.group, 0, 0, 0, ""});
            errors.emplace_back();
            group = groups.end() - 1;
        }
        const double size = std::abs(scored.error);
        errors[static_cast<std::size_t>(group - groups.begin())].push_back(size);
        ++group->counted;
        if (group->worst_id.empty() || size > group->worst) {
            group->worst = size;
            group->worst_id = scored.row.id;
        }
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
        std::vector<double>& sizes = errors[g];
        std::sort(sizes.begin(), sizes.end());
        const std::size_t middle = sizes.size() / 2;
        groups[g].median =
            sizes.size() % 2 == 1 ? sizes[middle] : (sizes[middle - 1] + sizes[middle]) / 2;
    }
    return groups;
}

std::vector<std::string> failures(const std::vector<ScoredRow>& rows) {
    std::vector<std::string> ids;
    for (const ScoredRow& scored : rows) {
        if (scored.verdict == Verdict::outside || scored.verdict == Verdict::grown) {
            ids.push_back(scored.row.id);
        }
    }
    return ids;
}

std::string validation_report(const std::vector<ScoredRow>& rows) {
    Table groups(
        {{"group", Align::left}, {"rows"}, {"median"}, {"worst"}, {"which is", Align::left}});
    for (const GroupScore& group : group_scores(rows)) {
        groups.add({group.group, std::to_string(group.counted), fmt::format("{:.1f}", group.median),
                    fmt::format("{:.1f}", group.worst), group.worst_id});
    }
    const std::string misses = misses_text(rows);
    return rows_table(rows) + "\n" + groups.text() + (misses.empty() ? "" : "\n" + misses) +
           notes_text(rows);
}

}  // namespace memwall
