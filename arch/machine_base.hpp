// SPDX-License-Identifier: Apache-2.0
// A machine that is said to be another one but for some keys.
#pragma once

#include <functional>
#include <string>

#include "base/yaml.hpp"

namespace memwall {

/// Gives the YAML of the machine of that name; throws InputError where there is none.
using MachineReader = std::function<YamlValue(const std::string& name, const SourceMark& where)>;

/// The tree of a machine file whose key `extends` names another: that one's, with the keys of this
/// one in place of its own, map by map. A file without the key stays as it is. What is wrong goes
/// to `faults`.
YamlValue with_base(const YamlValue& root, const MachineReader& read, Diagnostics& faults);

}  // namespace memwall
