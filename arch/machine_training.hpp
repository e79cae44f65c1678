// SPDX-License-Identifier: Apache-2.0
// Which machines have no way to train, whatever the network.
#pragma once

#include "arch/machine.hpp"

namespace memwall {

/// Throws InputError where a machine's mapper cannot run a training step at all.
void check_trains(const Machine& machine);

}  // namespace memwall
