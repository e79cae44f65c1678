// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/sweep_progress.hpp"

#include <fmt/format.h>

namespace memwall {
namespace {

constexpr std::chrono::milliseconds kPause{100};

}  // namespace

std::string rough_time(double seconds) {
    constexpr double kMinute = 60;
    constexpr double kHour = 3600;
    constexpr double kFewMinutes = 100;
    if (seconds < 1) {
        return "less than a second";
    }
    if (seconds < kFewMinutes) {
        return fmt::format("{:.0f} s", seconds);
    }
    return seconds < kFewMinutes * kMinute ? fmt::format("{:.0f} min", seconds / kMinute)
                                           : fmt::format("{:.1f} h", seconds / kHour);
}

SweepProgress::SweepProgress(const std::string& label, std::int64_t points, std::int64_t found)
    : bar_(label), points_(points), found_(found), start_(Clock::now()) {}

void SweepProgress::add(const Record& record) {
    ++run_;
    failed_ += record.status == PointStatus::failed ? 1 : 0;
    show();
}

void SweepProgress::show() {
    const auto now = Clock::now();
    if (now - drawn_ < kPause) {
        return;
    }
    drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(run_) / seconds : 0;
    const std::int64_t left = points_ - found_ - run_;
    std::string detail = fmt::format(": {} of {}", found_ + run_, points_);
    if (failed_ > 0) {
        detail += fmt::format(", {} failed", failed_);
    }
    if (rate > 0) {
        detail +=
            fmt::format(", {:.3g}/s, {} left", rate, rough_time(static_cast<double>(left) / rate));
    }
    bar_.show(points_ > 0 ? static_cast<double>(found_ + run_) / static_cast<double>(points_) : 1,
              detail);
}

}  // namespace memwall
