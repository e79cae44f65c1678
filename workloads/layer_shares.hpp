// SPDX-License-Identifier: Apache-2.0
// How cards share the layers of a network: along which dimension each card has its part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "workloads/network.hpp"

namespace memwall {

/// How a card does a layer: along which dimension it has only its own part.
struct LayerShare {
    std::optional<Dim> dim;           ///< none: every card does the whole layer
    std::optional<std::size_t> axis;  ///< of the result's shape, of which a card has its part
    bool partial = false;             ///< results are partial sums
    /// So many cards have the same part along `dim`, and divide `rows` among them.
    std::int64_t copies = 1;
    std::optional<Dim> rows;              ///< none: these cards do the same
    std::optional<std::size_t> row_axis;  ///< of the result's shape, divided with `rows`

    /// Whether several cards make the same result.
    [[nodiscard]] bool copied() const { return copies > 1 && !row_axis; }
};

/// What happens where a part of a result is not enough for the layer that reads it.
enum class PartsInside : std::uint8_t {
    gathered,  ///< cards exchange their parts
    avoided    ///< every card does all of the layers that would make them
};

struct LayerShares {
    std::vector<LayerShare> layers;
    std::set<TensorId> gathered;  ///< made in parts, of which all cards get all
};

/// The dimension that alone walks along an axis, word by word from the first; none where there is
/// no such one.
std::optional<Dim> plain_dim(const Axis& axis, const IterationSpace& space);

/// The network's results are gathered in any case.
LayerShares find_layer_shares(const NetworkParts& network, std::int64_t cards, PartsInside parts);

}  // namespace memwall
