// SPDX-License-Identifier: Apache-2.0
// Which steps of a static schedule began late, and what they waited for, in words.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace memwall {

/// Of a run with `stalls`: how many, on which networks and other units, and the worst by layer with
/// the reason:
/// "note: 5 scheduled steps on northpole began late, by 8 ns at most: 3 on partial sums, 2 on
/// compute
///   3 of conv2 on partial sums, by 8 ns at most: waited for what compute hands over of conv2
///   ..."
std::string late_text(const RunResult& run);

}  // namespace memwall
