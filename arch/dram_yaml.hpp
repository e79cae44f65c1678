// SPDX-License-Identifier: Apache-2.0
// A kind of DRAM from its YAML file, which a machine's `dram` names as its type.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "base/yaml.hpp"

namespace memwall {

/// Gives the YAML of a kind of DRAM by name; throws InputError where there is none.
using DramLookup = std::function<YamlValue(const std::string& name, const SourceMark& where)>;

/// The keys of a `dram` component with those of its `type` that it does not give itself; without a
/// type, its own. What the type's file says of its numbers goes to `provenance`.
YamlValue with_dram_type(const YamlValue& component, const std::string& name,
                         const DramLookup& drams, std::vector<Provenance>& provenance,
                         Diagnostics& faults);

/// Reads a list of where numbers come from: {PATH: {status, source}}, each path after `prefix`.
void read_provenance(MapReader& file, const std::string& prefix,
                     std::vector<Provenance>& provenance);

/// A file of configs/dram by itself, as a component of 1 TiB. Faults go to `faults`.
Component load_dram(const YamlValue& file, Diagnostics& faults);

}  // namespace memwall
