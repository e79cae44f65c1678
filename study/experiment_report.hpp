// SPDX-License-Identifier: Apache-2.0
// An experiment as text for people: a table a case, and what was found over all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/result.hpp"
#include "study/crossover.hpp"
#include "study/experiment.hpp"

namespace memwall {

/// All design points at one precision and batch.
struct ExperimentCase {
    std::string precision;
    std::int64_t batch = 1;
    std::vector<const RunResult*> runs;  ///< one a design point, in the order of the file
    std::optional<Crossover> crossover;

    [[nodiscard]] std::string title() const;
    [[nodiscard]] const RunResult& run(const std::string& point) const;
};

std::vector<std::string> experiment_findings(const Experiment& experiment,
                                             const std::vector<ExperimentCase>& cases);

std::string experiment_report(const Experiment& experiment,
                              const std::vector<ExperimentCase>& cases,
                              const std::vector<std::string>& findings);

}  // namespace memwall
