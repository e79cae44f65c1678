// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/exchange.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "arch/stored_regions.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

bool comes_before(const Region& a, const Region& b) {
    return std::lexicographical_compare(
        a.begin(), a.end(), b.begin(), b.end(), [](const Range& x, const Range& y) {
            return std::pair(x.begin, x.end) < std::pair(y.begin, y.end);
        });
}

/// What one taker gets from each holder, all of its regions together: they take the same way.
class BytesByHolder {
public:
    BytesByHolder(const std::vector<Holder>& holders, Precision precision)
        : holders_(holders), precision_(precision), bytes_(holders.size()) {}

    void add(std::size_t holder, std::int64_t words) {
        if (bytes_[holder] == Bytes(0)) {
            touched_.push_back(holder);
        }
        bytes_[holder] += stored_bytes(words, precision_);
    }

    [[nodiscard]] bool empty() const { return touched_.empty(); }

    /// Hands out the sums, in the order in which holders were first added to, and forgets them.
    template <class Visit>
    void take(const Visit& visit) {
        for (const std::size_t holder : touched_) {
            visit(holders_[holder], bytes_[holder]);
            bytes_[holder] = Bytes(0);
        }
        touched_.clear();
    }

private:
    const std::vector<Holder>& holders_;
    Precision precision_;
    std::vector<Bytes> bytes_;  ///< by holder
    std::vector<std::size_t> touched_;
};

MovePiece piece_of(TensorId stored, const Region& part, const Holder& holder, const Taker& taker,
                   const MeshConfig& mesh, ComponentId from, ComponentId to) {
    MovePiece piece{stored, part, {from, from == to ? lane_of(holder.at, mesh) : -1}, {}, false};
    for (const Router& at : taker.at) {
        piece.to.push_back({to, lane_of(at, mesh)});
    }
    return piece;
}

}  // namespace

HolderGrid::HolderGrid(std::vector<Holder> holders) : holders_(std::move(holders)) {
    if (holders_.empty()) {
        return;
    }
    begins_.resize(holders_.front().region.size());
    hull_ = holders_.front().region;
    std::size_t cells = 1;
    for (std::size_t axis = 0; axis < begins_.size(); ++axis) {
        auto& begins = begins_[axis];
        for (const Holder& holder : holders_) {
            const Range& range = holder.region[axis];
            begins.push_back(range.begin);
            hull_[axis] = {std::min(hull_[axis].begin, range.begin),
                           std::max(hull_[axis].end, range.end)};
        }
        std::sort(begins.begin(), begins.end());
        begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
        cells *= begins.size();
    }
    cells_.assign(cells, kNone);
    for (std::size_t h = 0; h < holders_.size(); ++h) {
        std::size_t cell = 0;
        for (std::size_t axis = 0; axis < begins_.size(); ++axis) {
            cell = cell * begins_[axis].size() + at(axis, holders_[h].region[axis].begin);
        }
        ensure(cells_[cell] == kNone, "holders cut a tensor like a grid");
        cells_[cell] = h;
    }
}

std::size_t HolderGrid::at(std::size_t axis, std::int64_t position) const {
    const auto& begins = begins_[axis];
    const auto after = std::upper_bound(begins.begin(), begins.end(), position);
    return after == begins.begin() ? 0 : static_cast<std::size_t>(after - begins.begin()) - 1;
}

std::int64_t lane_of(Router at, const MeshConfig& mesh) {
    return at.row * mesh.columns + at.column;
}

std::vector<Taker> takers_of(const Network& network, TensorId view, const Projection& projection,
                             const std::vector<Box>& boxes, const std::vector<GridCore>& cores) {
    const ViewPath path(network, view);
    std::map<Region, std::size_t, decltype(&comes_before)> known(&comes_before);
    std::vector<Taker> takers;
    for (std::size_t core = 0; core < boxes.size(); ++core) {
        const Region region = image(projection, boxes[core]);
        const auto [same, fresh] = known.emplace(region, takers.size());
        if (fresh) {
            takers.push_back({path.stored_regions(region), {}});
        }
        takers[same->second].at.push_back(cores[core].at);
    }
    return takers;
}

Exchange exchange(const Network& network, TensorId stored, const HolderGrid& grid,
                  const std::vector<Taker>& takers, const MeshConfig& mesh, bool images,
                  ComponentId from, ComponentId to) {
    Exchange result{MeshTraffic(mesh), Bytes(0), Bytes(0), {}, {}};
    const std::vector<Holder>& holders = grid.holders();
    BytesByHolder bytes(holders, network.tensor(stored).precision);
    for (const Taker& taker : takers) {
        const auto lies_elsewhere = [&](const Router& at, const Holder& holder) {
            return !(at == holder.at) || from != to;
        };
        const auto elsewhere = [&](const Holder& holder) {
            return std::count_if(taker.at.begin(), taker.at.end(),
                                 [&](const Router& at) { return lies_elsewhere(at, holder); });
        };
        for (const Region& region : taker.regions) {
            grid.for_each(region, [&](std::size_t h, const Region& common, std::int64_t count) {
                bytes.add(h, count);
                if (images && elsewhere(holders[h]) > 0) {
                    result.pieces.push_back(
                        piece_of(stored, common, holders[h], taker, mesh, from, to));
                }
            });
        }
        if (bytes.empty()) {
            continue;
        }
        const Destinations to_all(taker.at);
        bytes.take([&](const Holder& holder, Bytes part) {
            const std::int64_t times = elsewhere(holder);
            if (times == 0) {
                return;
            }
            result.traffic.multicast(holder.at, to_all, part.count());
            result.read += part;
            result.by_core.resize(static_cast<std::size_t>(mesh.columns * mesh.rows));
            result.delivered += part * times;
            for (const Router& at : taker.at) {
                if (lies_elsewhere(at, holder)) {
                    result.by_core[static_cast<std::size_t>(lane_of(at, mesh))] += part;
                }
            }
        });
    }
    return result;
}

ExchangeLoad exchange_load(const Network& network, TensorId stored, const HolderGrid& grid,
                           const std::vector<Taker>& takers, const MeshConfig& mesh) {
    MeshTraffic traffic(mesh);
    BytesByHolder bytes(grid.holders(), network.tensor(stored).precision);
    for (const Taker& taker : takers) {
        for (const Region& region : taker.regions) {
            grid.for_each(region, [&](std::size_t h, const Region& /*common*/, std::int64_t count) {
                bytes.add(h, count);
            });
        }
        if (bytes.empty()) {
            continue;
        }
        const Destinations to_all(taker.at);
        bytes.take([&](const Holder& holder, Bytes part) {
            traffic.multicast(holder.at, to_all, part.count());
        });
    }
    return {traffic.busiest(), traffic.longest()};
}

}  // namespace memwall
