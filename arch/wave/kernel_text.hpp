// SPDX-License-Identifier: Apache-2.0
// A kernel in words: its grid of thread blocks, their waves and the steps of a block as
// pseudo-code.
#pragma once

#include <string>

#include "arch/wave/kernel_plan.hpp"

namespace memwall {

/// What goes between the memories and lies in them, from the DRAM to the registers, line by line.
std::string kernel_code(const Network& network, const Machine& machine, const Hierarchy& gpu,
                        const WavePlan& plan, const Kernel& kernel);

}  // namespace memwall
