// SPDX-License-Identifier: Apache-2.0
// A key that a sweep sets, with its places in the sweep file.
#pragma once

#include <string>
#include <vector>

#include "base/yaml.hpp"

namespace memwall {

/// A path as --set takes it ("machine.components.dram.channels") and a value. Both remember where
/// the sweep file says so, so that a fault of a point is told at that place.
struct Setting {
    std::string path;
    YamlValue value;
    SourceMark where;  ///< of the path

    /// The value on one line, as it stands in tables.
    [[nodiscard]] std::string text() const;
};

using Settings = std::vector<Setting>;

/// "batch = 4, machine.clock = 400MHz".
std::string values_text(const Settings& settings);

}  // namespace memwall
