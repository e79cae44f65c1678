// SPDX-License-Identifier: Apache-2.0
// Runs the points of a sweep one by one; whatever happens to a point is its record.
#pragma once

#include <optional>

#include "study/sweep/point_loader.hpp"
#include "study/sweep/record.hpp"
#include "study/sweep/sweep_file.hpp"

namespace memwall {

class PointRunner {
public:
    PointRunner(const Sweep& sweep, const Configs& configs) : sweep_(sweep), loader_(configs) {}

    /// Runs a point, with its own engine or another one. Throws Interrupted and nothing else.
    Record run(std::int64_t point, std::optional<Engine> engine);
    /// Makes a point without running it; throws InputError with its faults.
    Point instantiate(std::int64_t point, std::optional<Engine> engine);
    /// Reads what points have in common, for processes that are forked afterwards. Faults are told
    /// when the point is run.
    void warm_up(std::int64_t point, std::optional<Engine> engine);

private:
    /// The first constraint on parameters or area that does not hold; nullptr where all do.
    [[nodiscard]] const Constraint* broken(const Settings& settings, const Machine& machine) const;

    const Sweep& sweep_;
    PointLoader loader_;
};

/// What is asked of a parameter among the settings of a point: its text, "" where it is not set.
std::string parameter_text(const Settings& settings, const std::string& path);

}  // namespace memwall
