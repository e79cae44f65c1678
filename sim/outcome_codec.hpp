// SPDX-License-Identifier: Apache-2.0
// Outcomes as bytes, from a child to the parent that is the same program.
#pragma once

#include <string>

#include "arch/outcome.hpp"

namespace memwall {

std::string encode(const Outcome& outcome);
/// Bytes that encode() did not make are an InternalError.
Outcome decode(const std::string& bytes);

}  // namespace memwall
