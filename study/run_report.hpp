// SPDX-License-Identifier: Apache-2.0
// One run as text for people: totals, layers, notes.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace memwall {

std::string run_report(const RunResult& run);

/// "resnet50 on northpole at int4, batch 1, stream of 4 frames (3 counted), engine systemc"
std::string run_title(const RunResult& run);

/// Which layers a precision policy left alone, and how much of the energy rests on what kind of
/// number; a line each.
std::string run_notes(const RunResult& run);

}  // namespace memwall
