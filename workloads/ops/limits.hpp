// SPDX-License-Identifier: Apache-2.0
// How large a network may be, so that a hostile file cannot take all memory.
#pragma once

#include <cstddef>

namespace memwall {

/// Layers, each part of a composite counted: cells unrolled over time make many of one.
inline constexpr std::size_t kMostPlannedLayers = 200'000;

}  // namespace memwall
