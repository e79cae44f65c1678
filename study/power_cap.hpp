// SPDX-License-Identifier: Apache-2.0
// The clock at which a machine stays within its power cap.
#pragma once

#include <functional>

#include "arch/machine.hpp"

namespace memwall {

/// The highest clock, in the cap's steps below the machine's own, at which `steady_power` is within
/// the cap; the lowest clock where none is. `machine` has a cap.
Hertz clock_under_cap(const Machine& machine,
                      const std::function<Watts(const Machine&)>& steady_power);

}  // namespace memwall
