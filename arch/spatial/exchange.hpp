// SPDX-License-Identifier: Apache-2.0
// How a tensor gets from the cores that hold it to the cores that need it.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/spatial/core_grid.hpp"
#include "arch/spatial/mesh_traffic.hpp"
#include "arch/step_image.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A part of a tensor and the router where it lies.
struct Holder {
    Router at;
    Region region;
};

/// Parts of a tensor and the routers where all of them are needed.
struct Taker {
    std::vector<Region> regions;
    std::vector<Router> at;
};

struct Exchange {
    MeshTraffic traffic;
    Bytes read;                     ///< from the holders' memories, once a multicast
    Bytes delivered;                ///< into the takers' memories
    std::vector<Bytes> by_core;     ///< of these, by lane
    std::vector<MovePiece> pieces;  ///< only if asked for
};

/// The bounding region, in the axes of the tensor that stores the words, of a region of a view.
Region stored_region(const Network& network, TensorId view, const Region& region);

/// Every taker gets its regions from all holders that have a part of it; what lies there already
/// does not travel. `images`: names the pieces, from `from` to `to`, lanes by router.
Exchange exchange(const Network& network, TensorId stored, const std::vector<Holder>& holders,
                  const std::vector<Taker>& takers, const MeshConfig& mesh, bool images,
                  ComponentId from, ComponentId to);

/// Only the bytes on the busiest link of such an exchange, and its longest way in hops.
struct ExchangeLoad {
    std::int64_t busiest = 0;
    std::int64_t longest = 0;
};
ExchangeLoad exchange_load(const Network& network, TensorId stored,
                           const std::vector<Holder>& holders, const std::vector<Taker>& takers,
                           const MeshConfig& mesh);

/// Takers of one operand of a split layer: cores with equal regions together.
std::vector<Taker> takers_of(const Network& network, TensorId view, const Projection& projection,
                             const std::vector<Box>& boxes, const std::vector<GridCore>& cores);

std::int64_t lane_of(Router at, const MeshConfig& mesh);

}  // namespace memwall
