// SPDX-License-Identifier: Apache-2.0
#include "arch/step_image.hpp"

#include <utility>

#include "workloads/network.hpp"

namespace memwall {

Region whole_region(const Network& network, TensorId activation) {
    Region whole;
    whole.push_back({0, network.batch()});
    for (const std::int64_t extent : network.tensor(activation).shape) {
        whole.push_back({0, extent});
    }
    return whole;
}

std::shared_ptr<const StepImage> image_of_move(TensorId tensor, const Region& region, Place from,
                                               std::vector<Place> to) {
    auto image = std::make_shared<StepImage>();
    image->moves.push_back({tensor, region, from, std::move(to), false});
    return image;
}

}  // namespace memwall
