// SPDX-License-Identifier: Apache-2.0
// An experiment: design points by name, each run at every precision and batch, compared with one of
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/quantity.hpp"
#include "base/yaml.hpp"
#include "study/overrides.hpp"

namespace memwall {

/// Grow the capacity at the path `by` until the machine is as large as the point `as`.
struct SameArea {
    std::string as;
    std::string by;
};

/// A machine under a name of its own, with some keys overridden.
struct DesignPoint {
    std::string name;
    std::string machine;
    std::vector<Override> set;
    std::optional<SameArea> same_area;
};

/// From which capacity on a design point is as good as the reference.
struct CrossoverQuestion {
    std::string point;
    std::string vary;  ///< path of a capacity in the machine's file
    Bytes from, to;
};

struct Experiment {
    std::string name;
    std::string question;
    std::string network;
    std::string reference;  ///< the point that the others are compared with
    std::string engine;     ///< "" is the default
    std::vector<DesignPoint> points;
    std::vector<std::string> precisions;  ///< "" is the network's own
    std::vector<std::int64_t> batches;
    std::optional<CrossoverQuestion> crossover;

    [[nodiscard]] const DesignPoint& point(const std::string& name) const;
};

/// Faults go to `faults`; the result makes no sense if there are any.
Experiment load_experiment(const YamlValue& root, Diagnostics& faults);

}  // namespace memwall
