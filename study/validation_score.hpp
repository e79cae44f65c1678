// SPDX-License-Identifier: Apache-2.0
// What came out for the rows of a validation: each one's error and verdict, and what a group's come
// to.
#pragma once

#include <string>
#include <vector>

#include "study/validation.hpp"

namespace memwall {

/// How a row stands. Only `outside` and `grown` make a validation fail.
enum class Verdict { outside, grown, known_miss, within, shown, calibrated };
const char* name(Verdict verdict);

struct ScoredRow {
    ValidationRow row;
    double predicted = 0;
    std::optional<double> envelope;  ///< predicted on the back of an envelope, where that can be
    double error = 0;                ///< predicted against published: per cent of it, or points
    bool in_band = false;
    Verdict verdict = Verdict::within;
    std::string note;  ///< what else its run shows; empty: nothing
};
/// "calibrated" where a parameter was set from the row, "derived" of a ratio of two runs, else
/// "predicted".
const char* standing(const ValidationRow& row);

ScoredRow score(ValidationRow row, double predicted, std::optional<double> envelope = {});

/// The counted rows of a group, by the size of their errors in per cent; of points, in points.
struct GroupScore {
    std::string group;
    std::size_t counted = 0;
    double median = 0;
    double worst = 0;
    std::string worst_id;
};
/// In the order of their first row; groups without counted rows are left out.
std::vector<GroupScore> group_scores(const std::vector<ScoredRow>& rows);

/// The rows that make the validation fail, in order.
std::vector<std::string> failures(const std::vector<ScoredRow>& rows);

std::string validation_report(const std::vector<ScoredRow>& rows);

}  // namespace memwall
