// SPDX-License-Identifier: Apache-2.0
// A picture of a network: its layers from top to bottom, what each reads above it.
#pragma once

#include <string>

#include "workloads/network.hpp"

namespace memwall {

/// For Graphviz.
std::string network_dot(const Network& network);

/// A picture on its own. Rows are the longest way from an input; a line that crosses rows has a
/// place in each of them, so that it goes around boxes.
std::string network_svg(const Network& network);

}  // namespace memwall
