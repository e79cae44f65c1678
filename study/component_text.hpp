// SPDX-License-Identifier: Apache-2.0
// What a component is, in a few words.
#pragma once

#include <string>

#include "arch/machine.hpp"
#include "sim/result.hpp"

namespace memwall {

/// "32.0 MiB, reads 4.00 KiB a cycle", of one instance.
std::string component_text(const Component& component);

/// What a DRAM has that is not as fast as its type, in a sentence without its end.
std::string dram_rate_text(const DramRate& rate);

}  // namespace memwall
