// SPDX-License-Identifier: Apache-2.0
// A progress bar on standard error, where that is a terminal; and what the program took, at the
// end.
#pragma once

#include <chrono>
#include <string>

namespace memwall {

class ProgressBar {
public:
    explicit ProgressBar(std::string label);
    ~ProgressBar();  ///< clears the line
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ProgressBar(ProgressBar&&) = delete;
    ProgressBar& operator=(ProgressBar&&) = delete;

    /// `fraction` from 0 to 1; draws only where something visible changes.
    void show(double fraction);
    /// The same with words behind the label, which may change while the fraction stays.
    void show(double fraction, const std::string& detail);

    /// A line above the bar.
    void tell(const std::string& line);
    /// The same; once, since later ones say much the same.
    void tell_once(const std::string& line);

private:
    std::string label_;
    bool terminal_;
    int drawn_ = -1;
    bool told_ = false;
    std::string detail_;
};

/// "0.42 s, 85 MB" of this process and its children, since the process began with `start`.
std::string resources_used(std::chrono::steady_clock::time_point start);

}  // namespace memwall
