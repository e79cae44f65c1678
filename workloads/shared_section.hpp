// SPDX-License-Identifier: Apache-2.0
// Layers that several cards share, each with a part of their matrices, where only their host joins
// the cards.
#pragma once

#include <cstdint>
#include <optional>

#include "base/quantity.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// What one of the cards does; all do the same on different parts of weights and caches.
struct SharedSection {
    /// Reads the others' partial sums as inputs (LAYER.received1 and on), and makes its own an
    /// output (LAYER.sent).
    Network network;
    std::int64_t all_reduces = 0;  ///< one after another
    Bytes sent;                    ///< by a card in all of them, of the whole batch
    Bytes received;                ///< by a card from the others
    Precision sums = Precision::int32;
};

/// The share of one of `cards` cards, 2 or more. Layers of which parts would not be enough for
/// those that read them are done whole by every card (a router). None where no multiply-accumulates
/// are saved, or the network trains.
std::optional<SharedSection> share_section(const Network& section, std::int64_t cards);

}  // namespace memwall
