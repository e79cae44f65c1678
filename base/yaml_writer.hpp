// SPDX-License-Identifier: Apache-2.0
// YAML text on one line, as a person would write it: quotes only where they are needed.
#pragma once

#include <string>
#include <string_view>

#include "base/yaml_value.hpp"

namespace memwall {

/// A scalar that reads back as `text`, whatever is in it, also inside lists and maps in brackets.
std::string yaml_scalar(std::string_view text);

/// A value in flow style: "[3, 224, 224]", "{kind: average}", "64".
std::string yaml_flow(const YamlValue& value);

/// `text` in double quotes, broken at spaces into lines of at most `width` characters; lines after
/// the first begin with `indent` and the first one follows `column` characters.
std::string yaml_quoted_lines(std::string_view text, std::size_t column, std::size_t width,
                              const std::string& indent);

}  // namespace memwall
