// SPDX-License-Identifier: Apache-2.0
// Network files that give only parameters to a template: `extends: decoder`.
#pragma once

#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/yaml_value.hpp"

namespace memwall {

/// The tree of the template of a name (or path); throws InputError where there is none. `where` is
/// the place that asks for it.
using TemplateReader = std::function<YamlValue(const std::string& name, const SourceMark& where)>;

/// `root` with what it does not say itself taken from the template that it extends: inputs, layers,
/// precision and the parameters' values. A tree without `extends` comes back as it is. Faults:
/// parameters that the template does not have, layers or inputs of its own, templates that extend
/// each other.
YamlValue with_template(const YamlValue& root, const TemplateReader& read, Diagnostics& faults);

}  // namespace memwall
