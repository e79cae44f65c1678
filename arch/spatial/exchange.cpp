// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/exchange.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {
namespace {

/// The axes of a tensor: N, then its shape; a weight's are its shape alone.
std::vector<std::int64_t> axes_of(const Network& network, TensorId id) {
    std::vector<std::int64_t> axes;
    const Tensor& tensor = network.tensor(id);
    if (tensor.is_per_item()) {
        axes.push_back(network.batch());
    }
    axes.insert(axes.end(), tensor.shape.begin(), tensor.shape.end());
    return axes;
}

/// One step from a view to what it is a view of.
Region through_alias(const Network& network, TensorId view, const Region& region) {
    const Tensor& tensor = network.tensor(view);
    const Alias& alias = *tensor.alias;
    if (alias.axis >= 0) {
        Region moved = region;
        Range& range = moved[static_cast<std::size_t>(alias.axis) + 1];
        range = {range.begin + alias.offset, range.end + alias.offset};
        return moved;
    }
    const std::vector<std::int64_t> from = axes_of(network, view);
    const std::vector<std::int64_t> to = axes_of(network, alias.of);
    if (from == to) {
        return region;
    }
    // The same words in order under another shape: the box around the first and the last of an
    // item.
    std::int64_t first = 0;
    std::int64_t last = 0;
    for (std::size_t axis = 1; axis < from.size(); ++axis) {
        first = first * from[axis] + region[axis].begin;
        last = last * from[axis] + region[axis].end - 1;
    }
    Region bounds;
    for (const std::int64_t extent : to) {
        bounds.push_back({0, extent});
    }
    bounds[0] = region[0];
    std::int64_t step = 1;
    for (std::size_t axis = 1; axis < to.size(); ++axis) {
        step *= to[axis];
    }
    for (std::size_t axis = 1; axis < to.size(); ++axis) {
        step /= to[axis];
        bounds[axis] = {first / step, last / step + 1};
        if (first / step != last / step) {
            break;  // all of the axes behind
        }
        first %= step;
        last %= step;
    }
    return bounds;
}

/// Adds the regions of what a view is a view of that have its words and no others; where the words
/// of a region lie apart (heads of a group behind each other), one for each part.
void add_through_alias(const Network& network, TensorId view, const Region& region,
                       std::vector<Region>& found) {
    const Region bounds = through_alias(network, view, region);
    std::size_t axis = 1;
    while (axis < region.size() && region[axis].size() <= 1) {
        ++axis;
    }
    if (words(bounds) == words(region) || axis == region.size()) {
        found.push_back(bounds);
        return;
    }
    Region part = region;
    for (std::int64_t at = region[axis].begin; at < region[axis].end; ++at) {
        part[axis] = {at, at + 1};
        add_through_alias(network, view, part, found);
    }
}

std::vector<Region> stored_regions(const Network& network, TensorId view, const Region& region) {
    std::vector<Region> stored = {region};
    while (network.tensor(view).alias) {
        std::vector<Region> next;
        for (const Region& each : stored) {
            add_through_alias(network, view, each, next);
        }
        stored = std::move(next);
        view = network.tensor(view).alias->of;
    }
    return stored;
}

/// Holders that cut a tensor like a grid, found by the region that they overlap.
class HolderGrid {
public:
    explicit HolderGrid(const std::vector<Holder>& holders) : holders_(holders) {
        if (holders.empty()) {
            return;
        }
        begins_.resize(holders.front().region.size());
        for (const Holder& holder : holders) {
            for (std::size_t axis = 0; axis < begins_.size(); ++axis) {
                begins_[axis].push_back(holder.region[axis].begin);
            }
        }
        std::size_t cells = 1;
        for (auto& begins : begins_) {
            std::sort(begins.begin(), begins.end());
            begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
            cells *= begins.size();
        }
        cells_.assign(cells, kNone);
        for (std::size_t h = 0; h < holders.size(); ++h) {
            std::size_t cell = 0;
            for (std::size_t axis = 0; axis < begins_.size(); ++axis) {
                cell = cell * begins_[axis].size() + at(axis, holders[h].region[axis].begin);
            }
            ensure(cells_[cell] == kNone, "holders cut a tensor like a grid");
            cells_[cell] = h;
        }
    }

    template <class Visit>
    void for_each(const Region& region, const Visit& visit) const {
        if (!begins_.empty() && words(region) > 0) {
            descend(region, 0, 0, visit);
        }
    }

private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    [[nodiscard]] std::size_t at(std::size_t axis, std::int64_t position) const {
        const auto& begins = begins_[axis];
        const auto after = std::upper_bound(begins.begin(), begins.end(), position);
        return after == begins.begin() ? 0 : static_cast<std::size_t>(after - begins.begin()) - 1;
    }

    template <class Visit>
    void descend(const Region& region, std::size_t axis, std::size_t cell,
                 const Visit& visit) const {
        if (axis == begins_.size()) {
            if (cells_[cell] != kNone) {
                const Holder& holder = holders_[cells_[cell]];
                const Region common = intersection(holder.region, region);
                const std::int64_t count = words(common);
                if (count > 0) {
                    visit(holder, common, count);
                }
            }
            return;
        }
        const std::size_t last = at(axis, region[axis].end - 1);
        for (std::size_t i = at(axis, region[axis].begin); i <= last; ++i) {
            descend(region, axis + 1, cell * begins_[axis].size() + i, visit);
        }
    }

    const std::vector<Holder>& holders_;
    std::vector<std::vector<std::int64_t>> begins_;  ///< by axis, sorted
    std::vector<std::size_t> cells_;
};

}  // namespace

Region stored_region(const Network& network, TensorId view, const Region& region) {
    Region stored = region;
    while (network.tensor(view).alias) {
        stored = through_alias(network, view, stored);
        view = network.tensor(view).alias->of;
    }
    return stored;
}

std::int64_t lane_of(Router at, const MeshConfig& mesh) {
    return at.row * mesh.columns + at.column;
}

std::vector<Taker> takers_of(const Network& network, TensorId view, const Projection& projection,
                             const std::vector<Box>& boxes, const std::vector<GridCore>& cores) {
    std::vector<Taker> views;
    for (std::size_t core = 0; core < boxes.size(); ++core) {
        const Region region = image(projection, boxes[core]);
        const auto same = std::find_if(views.begin(), views.end(),
                                       [&](const Taker& taker) { return taker.region == region; });
        if (same == views.end()) {
            views.push_back({region, {cores[core].at}});
        } else {
            same->at.push_back(cores[core].at);
        }
    }
    std::vector<Taker> takers;
    for (const Taker& each : views) {
        for (const Region& region : stored_regions(network, view, each.region)) {
            takers.push_back({region, each.at});
        }
    }
    return takers;
}

Exchange exchange(const Network& network, TensorId stored, const std::vector<Holder>& holders,
                  const std::vector<Taker>& takers, const MeshConfig& mesh, bool images,
                  ComponentId from, ComponentId to) {
    Exchange result{MeshTraffic(mesh), Bytes(0), Bytes(0), {}, {}};
    result.by_core.resize(static_cast<std::size_t>(mesh.columns * mesh.rows));
    const Precision precision = network.tensor(stored).precision;
    const HolderGrid grid(holders);
    for (const Taker& taker : takers) {
        const Destinations to_all(taker.at);
        grid.for_each(taker.region, [&](const Holder& holder, const Region& common,
                                        std::int64_t count) {
            const auto elsewhere = static_cast<std::int64_t>(
                std::count_if(taker.at.begin(), taker.at.end(),
                              [&](const Router& at) { return !(at == holder.at) || from != to; }));
            if (elsewhere == 0) {
                return;
            }
            if (images) {
                MovePiece piece{
                    stored, common, {from, from == to ? lane_of(holder.at, mesh) : -1}, {}, false};
                for (const Router& at : taker.at) {
                    piece.to.push_back({to, lane_of(at, mesh)});
                }
                result.pieces.push_back(std::move(piece));
            }
            const Bytes bytes = stored_bytes(count, precision);
            result.traffic.multicast(holder.at, to_all, bytes.count());
            result.read += bytes;
            result.delivered += bytes * elsewhere;
            for (const Router& at : taker.at) {
                if (!(at == holder.at) || from != to) {
                    result.by_core[static_cast<std::size_t>(lane_of(at, mesh))] += bytes;
                }
            }
        });
    }
    return result;
}

ExchangeLoad exchange_load(const Network& network, TensorId stored,
                           const std::vector<Holder>& holders, const std::vector<Taker>& takers,
                           const MeshConfig& mesh) {
    MeshTraffic traffic(mesh);
    const Precision precision = network.tensor(stored).precision;
    const HolderGrid grid(holders);
    for (const Taker& taker : takers) {
        const Destinations to_all(taker.at);
        grid.for_each(
            taker.region, [&](const Holder& holder, const Region& /*common*/, std::int64_t count) {
                traffic.multicast(holder.at, to_all, stored_bytes(count, precision).count());
            });
    }
    return {traffic.busiest(), traffic.longest()};
}

}  // namespace memwall
