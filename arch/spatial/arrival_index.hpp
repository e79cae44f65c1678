// SPDX-License-Identifier: Apache-2.0
// The arrivals of a split network by what asks for them, so that a network of thousands of layers
// is not gone through anew for each.
#pragma once

#include <vector>

#include "arch/spatial/arrivals.hpp"

namespace memwall {

/// Pointers to the arrivals of a network, which must stay as it is; lists are in the order in which
/// they travel.
class ArrivalIndex {
public:
    using List = std::vector<const Arrival*>;

    explicit ArrivalIndex(const SpatialNetwork& layers);

    /// Of a tensor, as stored.
    [[nodiscard]] const List& of(TensorId tensor) const {
        return tensor.position() < of_.size() ? of_[tensor.position()] : none_;
    }
    /// The last fused layer that reads a tensor; the number of layers where it leaves the network;
    /// -1: nobody reads it.
    [[nodiscard]] std::int64_t last_reader(TensorId tensor) const {
        return tensor.position() < last_readers_.size() ? last_readers_[tensor.position()] : -1;
    }
    /// Into a fused layer; the number of layers: on their way out of the network.
    [[nodiscard]] const List& into(std::size_t reader) const { return into_[reader]; }

private:
    std::vector<List> of_;                    ///< by tensor
    std::vector<List> into_;                  ///< by fused layer
    std::vector<std::int64_t> last_readers_;  ///< by tensor
    List none_;
};

}  // namespace memwall
