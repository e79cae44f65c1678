// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/weight_homes.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <set>

#include "arch/spatial/layer_routes.hpp"

namespace memwall {
namespace {

class WeightSpreader {
public:
    WeightSpreader(const Chip& chip, const std::vector<std::int64_t>& room, std::int64_t alignment,
                   SpatialNetwork& layers)
        : mesh_(*chip.mesh),
          alignment_(alignment),
          layers_(layers.layers),
          held_(layers_.size(), std::vector<std::int64_t>(room.size())),
          free_(room) {
        for (std::size_t f = 0; f < layers_.size(); ++f) {
            if (!layers_[f].loads_weights) {
                continue;
            }
            for (const WeightGroup& group : layers_[f].weight_groups) {
                for (const WeightGroup::Home& home : group.homes) {
                    held_[f][lane(home.at)] += home.bytes;
                }
            }
            for (std::size_t c = 0; c < free_.size(); ++c) {
                free_[c] -= aligned(held_[f][c]);
            }
        }
    }

    /// The layers whose weights moved.
    std::set<std::size_t> run() {
        for (std::size_t c = 0; c < free_.size(); ++c) {
            if (free_[c] < 0 && has_weights(c) && some_room()) {
                relieve(c);
            }
        }
        return std::move(moved_);
    }

private:
    [[nodiscard]] bool has_weights(std::size_t core) const {
        return std::any_of(held_.begin(), held_.end(),
                           [&](const auto& by_lane) { return by_lane[core] > 0; });
    }
    [[nodiscard]] bool some_room() const {
        return std::any_of(free_.begin(), free_.end(),
                           [&](std::int64_t bytes) { return bytes >= alignment_; });
    }
    [[nodiscard]] std::size_t lane(Router at) const {
        return static_cast<std::size_t>(lane_of(at, mesh_));
    }
    [[nodiscard]] Router router(std::size_t lane) const {
        const auto at = static_cast<std::int64_t>(lane);
        return {at % mesh_.columns, at / mesh_.columns};
    }
    [[nodiscard]] std::int64_t aligned(std::int64_t bytes) const {
        return ceil_divide(bytes, alignment_) * alignment_;
    }

    /// The other cores, nearest first.
    [[nodiscard]] std::vector<std::size_t> neighbours(std::size_t core) const {
        const Router from = router(core);
        std::vector<std::int64_t> hops(free_.size());
        for (std::size_t to = 0; to < hops.size(); ++to) {
            const Router at = router(to);
            hops[to] = std::abs(at.column - from.column) + std::abs(at.row - from.row);
        }
        std::vector<std::size_t> others(free_.size());
        std::iota(others.begin(), others.end(), std::size_t{0});
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(core));
        std::stable_sort(others.begin(), others.end(),
                         [&](std::size_t a, std::size_t b) { return hops[a] < hops[b]; });
        return others;
    }

    void relieve(std::size_t core) {
        std::vector<std::size_t> largest(layers_.size());
        std::iota(largest.begin(), largest.end(), std::size_t{0});
        std::stable_sort(largest.begin(), largest.end(), [&](std::size_t a, std::size_t b) {
            return held_[a][core] > held_[b][core];
        });
        for (const std::size_t other : neighbours(core)) {
            for (const std::size_t f : largest) {
                if (free_[core] >= 0) {
                    return;
                }
                if (free_[other] < alignment_) {
                    break;  // full
                }
                if (held_[f][core] > 0) {
                    move(f, core, other);
                }
            }
        }
    }

    /// As much of a layer's weights as `from` has too much and `to` has room for.
    void move(std::size_t f, std::size_t from, std::size_t to) {
        for (WeightGroup& group : layers_[f].weight_groups) {
            const std::int64_t room =
                aligned(held_[f][to]) + free_[to] / alignment_ * alignment_ - held_[f][to];
            std::int64_t bytes = std::min(room, aligned(std::max<std::int64_t>(0, -free_[from])));
            const auto home = find_home(group, from);
            if (home == group.homes.end() || bytes <= 0) {
                continue;
            }
            bytes = std::min(bytes, home->bytes);
            home->bytes -= bytes;
            if (home->bytes == 0) {
                group.homes.erase(home);
            }
            const auto known = find_home(group, to);
            if (known != group.homes.end()) {
                known->bytes += bytes;
            } else {
                group.homes.push_back({router(to), bytes});
            }
            change(f, from, -bytes);
            change(f, to, bytes);
            moved_.insert(f);
        }
    }

    [[nodiscard]] std::vector<WeightGroup::Home>::iterator find_home(WeightGroup& group,
                                                                     std::size_t core) const {
        return std::find_if(
            group.homes.begin(), group.homes.end(),
            [&](const WeightGroup::Home& home) { return lane(home.at) == core && home.bytes > 0; });
    }

    void change(std::size_t f, std::size_t core, std::int64_t bytes) {
        free_[core] += aligned(held_[f][core]);
        held_[f][core] += bytes;
        free_[core] -= aligned(held_[f][core]);
    }

    const MeshConfig& mesh_;
    std::int64_t alignment_;
    std::vector<SpatialLayer>& layers_;
    std::vector<std::vector<std::int64_t>> held_;  ///< by layer and lane
    std::vector<std::int64_t> free_;               ///< by lane; below zero where it is too full
    std::set<std::size_t> moved_;
};

}  // namespace

bool spread_weights(const Machine& machine, const Chip& chip, const std::vector<std::int64_t>& room,
                    std::int64_t alignment, SpatialNetwork& layers) {
    const std::set<std::size_t> moved = WeightSpreader(chip, room, alignment, layers).run();
    for (const std::size_t f : moved) {
        const SpatialLayer& keeper = layers.layers[f];
        for (std::size_t g = f; g < layers.layers.size(); ++g) {
            SpatialLayer& layer = layers.layers[g];
            const bool finds_them = !layer.loads_weights && !layer.weight_groups.empty() &&
                                    has_weights_of(layer, keeper);
            if (finds_them) {
                layer.weight_groups = keeper.weight_groups;
            }
            if (finds_them || g == f) {
                route_from_homes(layer, machine, chip);
            }
        }
    }
    return !moved.empty();
}

}  // namespace memwall
