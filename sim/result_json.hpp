// SPDX-License-Identifier: Apache-2.0
// A result as JSON, schema memwall.result/1. The same result gives the same bytes.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace memwall {

/// Indented by two, with a line end; numbers in their shortest form; keys in the schema's order.
/// Throws InternalError where a number is not finite.
std::string to_json(const Result& result);

}  // namespace memwall
