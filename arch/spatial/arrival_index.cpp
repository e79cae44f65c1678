// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/arrival_index.hpp"

#include <algorithm>

namespace memwall {

ArrivalIndex::ArrivalIndex(const SpatialNetwork& layers) : into_(layers.layers.size() + 1) {
    for (const Arrival& arrival : layers.arrivals) {
        const std::size_t tensor = arrival.tensor.position();
        of_.resize(std::max(of_.size(), tensor + 1));
        of_[tensor].push_back(&arrival);
        last_readers_.resize(of_.size(), -1);
        last_readers_[tensor] =
            std::max(last_readers_[tensor], static_cast<std::int64_t>(arrival.reader));
        into_[arrival.reader].push_back(&arrival);
    }
}

}  // namespace memwall
