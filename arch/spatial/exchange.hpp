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

/// The holders of a tensor, which cut it like a grid, found by the region that they overlap.
class HolderGrid {
public:
    explicit HolderGrid(std::vector<Holder> holders);

    [[nodiscard]] const std::vector<Holder>& holders() const { return holders_; }

    /// Tells `visit` of every holder of a part of a region: its place in their list, the part, and
    /// its words.
    template <class Visit>
    void for_each(const Region& region, const Visit& visit) const {
        if (!begins_.empty() && words(region) > 0 && words(intersection(hull_, region)) > 0) {
            descend(region, 0, 0, visit);
        }
    }

private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    /// The last place of an axis that does not begin behind a position.
    [[nodiscard]] std::size_t at(std::size_t axis, std::int64_t position) const;

    template <class Visit>
    void descend(const Region& region, std::size_t axis, std::size_t cell,
                 const Visit& visit) const {
        if (axis == begins_.size()) {
            if (cells_[cell] != kNone) {
                const Region common = intersection(holders_[cells_[cell]].region, region);
                const std::int64_t count = words(common);
                if (count > 0) {
                    visit(cells_[cell], common, count);
                }
            }
            return;
        }
        const std::size_t last = at(axis, region[axis].end - 1);
        for (std::size_t i = at(axis, region[axis].begin); i <= last; ++i) {
            descend(region, axis + 1, cell * begins_[axis].size() + i, visit);
        }
    }

    std::vector<Holder> holders_;
    Region hull_;                                    ///< around all of them
    std::vector<std::vector<std::int64_t>> begins_;  ///< by axis, sorted
    std::vector<std::size_t> cells_;
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
    std::vector<Bytes> by_core;     ///< of these, by lane; none if nothing is delivered
    std::vector<MovePiece> pieces;  ///< only if asked for
};

/// Every taker gets its regions from all holders that have a part of it; what lies there already
/// does not travel. `images`: names the pieces, from `from` to `to`, lanes by router.
Exchange exchange(const Network& network, TensorId stored, const HolderGrid& grid,
                  const std::vector<Taker>& takers, const MeshConfig& mesh, bool images,
                  ComponentId from, ComponentId to);

/// Only the bytes on the busiest link of such an exchange, and its longest way in hops.
struct ExchangeLoad {
    std::int64_t busiest = 0;
    std::int64_t longest = 0;
};
ExchangeLoad exchange_load(const Network& network, TensorId stored, const HolderGrid& grid,
                           const std::vector<Taker>& takers, const MeshConfig& mesh);

/// Takers of one operand of a split layer: cores with equal regions together.
std::vector<Taker> takers_of(const Network& network, TensorId view, const Projection& projection,
                             const std::vector<Box>& boxes, const std::vector<GridCore>& cores);

std::int64_t lane_of(Router at, const MeshConfig& mesh);

}  // namespace memwall
