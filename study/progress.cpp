// SPDX-License-Identifier: Apache-2.0
#include "study/progress.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace memwall {
namespace {

constexpr int kWidth = 40;

}  // namespace

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
    if (drawn_ >= 0) {
        std::cerr << "\r\033[K" << std::flush;
    }
}

void ProgressBar::show(double fraction) {
    show(fraction, "");
}

void ProgressBar::show(double fraction, const std::string& detail) {
    const int percent = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * 100);
    if (!terminal_ || (percent == drawn_ && detail == detail_)) {
        return;
    }
    drawn_ = percent;
    detail_ = detail;
    const int full = percent * kWidth / 100;
    std::cerr << fmt::format("\r\033[K[{}{}] {:3} % {}{}",
                             std::string(static_cast<std::size_t>(full), '#'),
                             std::string(static_cast<std::size_t>(kWidth - full), ' '), percent,
                             label_, detail)
              << std::flush;
}

void ProgressBar::tell_once(const std::string& line) {
    if (!told_) {
        tell(line);
        told_ = true;
    }
}

void ProgressBar::tell(const std::string& line) {
    std::cerr << (drawn_ >= 0 ? "\r\033[K" : "") << line << std::flush;
}

std::string resources_used(std::chrono::steady_clock::time_point start) {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    const auto kilobytes = [](int who) {
        rusage usage{};
        ::getrusage(who, &usage);
        return usage.ru_maxrss;
    };
    const long most = std::max(kilobytes(RUSAGE_SELF), kilobytes(RUSAGE_CHILDREN));
    return fmt::format("{:.2f} s, {} MB", wall.count(), most / 1024);
}

}  // namespace memwall
