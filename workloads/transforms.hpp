// SPDX-License-Identifier: Apache-2.0
// Networks made from networks: another batch, other precisions. The original is untouched.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "workloads/network.hpp"
#include "workloads/precision.hpp"

namespace memwall {

/// The network with N = batch in every layer.
Network with_batch(const Network& network, std::int64_t batch);

/// The layers that `policy` leaves alone in this network: its own keep list, or the network's where
/// that is empty. A name that is no layer is an InputError with the nearest one.
std::vector<std::string> kept_layers(const Network& network, const PrecisionPolicy& policy);

/// The network with the policy applied to every layer that it does not keep. A tensor is stored at
/// the widest precision that one of its consumers computes at, so a kept layer also keeps the
/// precision of its inputs.
Network with_precision(const Network& network, const PrecisionPolicy& policy);
/// The same for the layers that `keeps` does not name, whatever the policy keeps.
Network with_precision(const Network& network, const PrecisionPolicy& policy,
                       const std::function<bool(const Layer&)>& keeps);

}  // namespace memwall
