// SPDX-License-Identifier: Apache-2.0
// Machines of design points: read once, then made with any further overrides.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "study/configs.hpp"
#include "study/experiment.hpp"
#include "study/load.hpp"

namespace memwall {

class DesignPoints {
public:
    /// Reads the files of all points and settles the capacities of those of the same area as
    /// another. Throws InputError. `overrides` are those of --set, below `machine.`.
    DesignPoints(const Experiment& experiment, const std::vector<Override>& overrides,
                 const Configs& configs, InputFiles& inputs);

    [[nodiscard]] const Machine& machine(const std::string& point) const;
    /// What makes the point differ from its machine's file.
    [[nodiscard]] const std::vector<Override>& overrides(const std::string& point) const;
    /// The point with one capacity of its own.
    [[nodiscard]] Machine with_capacity(const std::string& point, const std::string& path,
                                        Bytes capacity) const;

private:
    struct Point {
        YamlValue root;
        std::filesystem::path folder;
        std::vector<Override> overrides;
    };

    [[nodiscard]] Machine make(const Point& point, const std::vector<Override>& overrides) const;
    /// The most whole MiB with which the point is no larger than `area`.
    [[nodiscard]] Bytes capacity_for(const Point& point, const SameArea& same,
                                     SquareMillimetres area) const;

    const Configs& configs_;
    std::map<std::string, Point> points_;
    std::map<std::string, Machine> machines_;
};

}  // namespace memwall
