// SPDX-License-Identifier: Apache-2.0
// The stages of a pipeline of cards for a terminal.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace memwall {

/// A table of stages, those alike in one row, and what limits them. Empty without a pipeline.
std::string pipeline_text(const RunResult& run);

}  // namespace memwall
