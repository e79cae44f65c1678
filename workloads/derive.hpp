// SPDX-License-Identifier: Apache-2.0
// What follows from the parts of a network: links, precisions, folding, aliases, epilogues.
#pragma once

#include "workloads/network.hpp"

namespace memwall {

/// Fills the derived fields of `parts.layers` and `parts.tensors`. The layers are in topological
/// order.
void derive(NetworkParts& parts);

}  // namespace memwall
