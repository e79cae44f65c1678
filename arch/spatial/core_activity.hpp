// SPDX-License-Identifier: Apache-2.0
// What each core of a chip does of each layer, and what passes its routers meanwhile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "arch/machine.hpp"
#include "arch/spatial/arrivals.hpp"
#include "arch/spatial/chip.hpp"

namespace memwall {

/// The meshes of a chip, in the order of CoreActivity::hops; the last one may be invalid.
inline constexpr std::size_t kMeshes = 4;
std::array<ComponentId, kMeshes> meshes_of(const Chip& chip);

/// One core while a layer runs, of the items that go through the chip together.
struct CoreActivity {
    std::int64_t work = 0;  ///< points of the layer's iteration space
    /// Bytes from its router to a neighbour's: weights, activations, partial sums, programs. Over
    /// all cores they add up to what the action `hop` counts.
    std::array<std::int64_t, kMeshes> hops{};

    [[nodiscard]] std::int64_t traffic() const {
        return std::accumulate(hops.begin(), hops.end(), std::int64_t{0});
    }
};

/// By fused layer, then by core: row by row of the mesh.
struct SpatialActivity {
    std::vector<LayerId> layers;  ///< the first of those that run as one
    std::vector<std::vector<CoreActivity>> cores;
    std::int64_t sub_batch = 1;  ///< items that run through the network together
    std::int64_t columns = 1;    ///< of the mesh
};

/// The activity of a network that is split over the chip. What comes in counts for the layer that
/// reads it, what leaves the chip for the layer that makes it.
std::vector<std::vector<CoreActivity>> core_activity(const Network& network, const Machine& machine,
                                                     const Chip& chip,
                                                     const SpatialNetwork& layers);

}  // namespace memwall
