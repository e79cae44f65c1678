// SPDX-License-Identifier: Apache-2.0
// A network as a file that reads like one written by hand, and loads back to the same network.
#pragma once

#include <string>

#include "workloads/network.hpp"

namespace memwall {

/// The file of a network that was loaded from one, transforms of precision included: repeated
/// layers folded into `repeat` blocks, keys at their defaults and inputs from the layer before left
/// out. A layer without its stated form is an internal error.
std::string network_text(const Network& network);

}  // namespace memwall
