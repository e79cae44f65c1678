// SPDX-License-Identifier: Apache-2.0
// How long activations are needed when layers run in order.
#pragma once

#include <vector>

#include "base/quantity.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The bytes of activations that are live at each layer, in order: its inputs and outputs and what
/// later layers still need. What persists from item to item is left out.
std::vector<Bytes> live_bytes(const Network& network);

/// The most of them; see Network::peak_activation_bytes.
Bytes peak_live_bytes(const Network& network);

}  // namespace memwall
