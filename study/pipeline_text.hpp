// SPDX-License-Identifier: Apache-2.0
// The stages of a pipeline of cards for a terminal.
#pragma once

#include <string>
#include <vector>

#include "sim/result.hpp"

namespace memwall {

/// A table of stages, those alike in one row, and what limits them. Empty without a pipeline.
std::string pipeline_text(const RunResult& run);
/// What limits users who go round a pipeline whose cards have an overhead, and the hop between
/// cards that would make `per_second` of them in place of the overheads. Empty where there is none.
std::string closing_hop_text(const RunResult& run, double per_second);
/// The same stages with their layers in a line: "1 to 14 (b1_norm1 to b14_add2), 15 (norm to
/// output)"; where there are many, those at both ends.
std::string stage_list(const std::vector<StageResult>& stages);

}  // namespace memwall
