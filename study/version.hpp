// SPDX-License-Identifier: Apache-2.0
// The program's version, as the build gives it.
#pragma once

namespace memwall {

inline constexpr const char* kVersion = MEMWALL_VERSION;

}  // namespace memwall
