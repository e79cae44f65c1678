// SPDX-License-Identifier: Apache-2.0
// What an override puts in the place of a value.
#pragma once

#include <string>

#include "base/yaml_value.hpp"

namespace memwall {

/// `given`; but where `before` is a number with its status and source ({value, low, high, status,
/// source}) and `given` a bare one, that number as assumed: what its file says of it holds no more.
YamlValue in_place_of(const YamlValue& before, const YamlValue& given);

/// with_override() by a text that stands at `where`: in a file, or an option of the command line.
YamlValue with_override(const YamlValue& root, const std::string& path,
                        const std::string& value_text, const SourceMark& where);

}  // namespace memwall
