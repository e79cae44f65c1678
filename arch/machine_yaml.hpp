// SPDX-License-Identifier: Apache-2.0
// A machine from its YAML file.
#pragma once

#include <functional>
#include <string>

#include "arch/dram_yaml.hpp"
#include "arch/machine.hpp"
#include "base/yaml.hpp"

namespace memwall {

/// Gives the YAML of a technology by name; throws InputError where there is none.
using TechnologyLookup = std::function<YamlValue(const std::string& name, const SourceMark& where)>;

/// Builds and cross-checks a machine. Throws InputError with all faults of the file at once.
Machine load_machine(const YamlValue& root, const TechnologyLookup& technologies,
                     const DramLookup& drams);

}  // namespace memwall
