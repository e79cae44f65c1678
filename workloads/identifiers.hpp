// SPDX-License-Identifier: Apache-2.0
// Strong indices of the things in a network.
#pragma once

#include "base/index.hpp"

namespace memwall {

using LayerId = Index<struct LayerTag>;    ///< in Network::layers(); -1 stands for no layer
using TensorId = Index<struct TensorTag>;  ///< in Network::tensors()

}  // namespace memwall
