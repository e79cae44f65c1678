// SPDX-License-Identifier: Apache-2.0
// What a component is, in a few words.
#pragma once

#include <string>

#include "arch/machine.hpp"

namespace memwall {

/// "32.0 MiB, reads 4.00 KiB a cycle", of one instance.
std::string component_text(const Component& component);

}  // namespace memwall
