// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/core_activity.hpp"

#include <map>

#include "arch/spatial/exchange.hpp"

namespace memwall {
namespace {

/// The links between routers: whose they are, and of which mesh.
class RouterLinks {
public:
    RouterLinks(const Machine& machine, const Chip& chip) {
        using Direction = Machine::Direction;
        const std::array<ComponentId, kMeshes> meshes = meshes_of(chip);
        for (std::size_t m = 0; m < kMeshes && meshes[m].valid(); ++m) {
            for (std::int64_t row = 0; row < chip.mesh->rows; ++row) {
                for (std::int64_t column = 0; column < chip.mesh->columns; ++column) {
                    const auto lane = static_cast<std::size_t>(row * chip.mesh->columns + column);
                    for (const Direction to :
                         {Direction::east, Direction::west, Direction::north, Direction::south}) {
                        const LinkId link = machine.mesh_link(meshes[m], column, row, to);
                        if (link.valid()) {
                            owners_[link] = {m, lane};
                        }
                    }
                }
            }
        }
    }

    void add(const std::vector<LinkUse>& links, std::vector<CoreActivity>& cores) const {
        for (const LinkUse& use : links) {
            const auto owner = owners_.find(use.link);
            if (owner != owners_.end()) {  // else a router's own port
                cores[owner->second.lane].hops[owner->second.mesh] += use.bytes.count();
            }
        }
    }

private:
    struct Owner {
        std::size_t mesh = 0;
        std::size_t lane = 0;
    };
    std::map<LinkId, Owner> owners_;
};

}  // namespace

std::array<ComponentId, kMeshes> meshes_of(const Chip& chip) {
    return {chip.model_network, chip.activation_network, chip.partial_sum_network,
            chip.instruction_network};
}

std::vector<std::vector<CoreActivity>> core_activity(const Network& network, const Machine& machine,
                                                     const Chip& chip,
                                                     const SpatialNetwork& layers) {
    const RouterLinks links(machine, chip);
    std::vector<std::vector<CoreActivity>> activity(
        layers.layers.size(), std::vector<CoreActivity>(static_cast<std::size_t>(chip.cores)));
    for (std::size_t f = 0; f < layers.layers.size(); ++f) {
        const SpatialLayer& layer = layers.layers[f];
        const Layer& root = network.layer(layer.fused->root);
        for (std::size_t c = 0; c < layer.cores.size(); ++c) {
            const auto lane = static_cast<std::size_t>(lane_of(layer.cores[c].at, *chip.mesh));
            activity[f][lane].work += root.space.counted_points(layer.boxes[c]);
        }
        links.add(layer.weight_links, activity[f]);
        links.add(layer.sum_links, activity[f]);
        links.add(layer.program_links, activity[f]);
    }
    for (const Arrival& arrival : layers.arrivals) {
        const bool leaves = arrival.reader == layers.layers.size();
        if (!leaves || arrival.maker >= 0) {
            links.add(arrival.links,
                      activity[leaves ? static_cast<std::size_t>(arrival.maker) : arrival.reader]);
        }
    }
    return activity;
}

}  // namespace memwall
