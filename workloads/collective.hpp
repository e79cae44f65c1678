// SPDX-License-Identifier: Apache-2.0
// Layers by which cards that share a network exchange what each of them has computed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace memwall {

enum class Collective : std::uint8_t {
    all_reduce,  ///< each card has a partial sum of every word; then all have the sums
    all_gather   ///< each card has its own part of the words; then all have all of them
};

/// The kind of layer: "all_reduce".
const char* name(Collective collective);
/// None where the layers of that kind exchange nothing.
std::optional<Collective> collective_of(std::string_view op);

}  // namespace memwall
