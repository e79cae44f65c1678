// SPDX-License-Identifier: Apache-2.0
// How far a sweep is: points, rate, time left.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "study/progress.hpp"
#include "study/sweep/record.hpp"

namespace memwall {

class SweepProgress {
public:
    /// `found` of the points were there already.
    SweepProgress(const std::string& label, std::int64_t points, std::int64_t found);

    void add(const Record& record);
    /// Draws, at most ten times a second.
    void show();

private:
    using Clock = std::chrono::steady_clock;

    ProgressBar bar_;
    std::int64_t points_, found_;
    std::int64_t run_ = 0, failed_ = 0;
    Clock::time_point start_, drawn_;
};

/// "3 s", "12 min", "5.2 h": a time that nobody needs to the second.
std::string rough_time(double seconds);

}  // namespace memwall
