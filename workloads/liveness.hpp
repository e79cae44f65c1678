// SPDX-License-Identifier: Apache-2.0
// How long activations are needed when layers run in order.
#pragma once

#include "base/quantity.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The most bytes of activations that are live at one layer; see Network::peak_activation_bytes.
Bytes peak_live_bytes(const Network& network);

}  // namespace memwall
