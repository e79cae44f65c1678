// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/scheduled_cache.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kLeastPart = 64;  ///< bytes: a line of a cache
constexpr std::int64_t kUsualParts = 32'768;

/// Calls `visit` with the number, in a grid, of each of its cells inside a region.
template <class Visit>
void each_cell(const std::vector<std::vector<std::int64_t>>& edges, const Region& region,
               std::size_t axis, std::size_t cell, const Visit& visit) {
    if (axis == edges.size()) {
        visit(cell);
        return;
    }
    const std::vector<std::int64_t>& own = edges[axis];
    const auto begin = std::lower_bound(own.begin(), own.end(), region[axis].begin);
    for (auto at = begin; at != own.end() && *at < region[axis].end; ++at) {
        const auto place = static_cast<std::size_t>(at - own.begin());
        each_cell(edges, region, axis + 1, cell * (own.size() - 1) + place, visit);
    }
}

}  // namespace

ScheduledCache::ScheduledCache(const Network& network, Bytes capacity)
    : network_(network),
      cache_(capacity),
      paths_(network.tensors().size()),
      roles_(network.tensors().size(), TensorRole::outputs) {}

/// What takes the place of another tensor has its words.
TensorId ScheduledCache::identity(TensorId stored) const {
    const TensorId replaced = network_.tensor(stored).in_place_of;
    return replaced.valid() ? network_.storage(replaced) : stored;
}

ScheduledCache::Access ScheduledCache::read(TensorId view, const Region& region) {
    return note(What::read, view, region, TensorRole::inputs);
}

ScheduledCache::Access ScheduledCache::write(TensorId view, const Region& region, TensorRole role) {
    return note(What::write, view, region, role);
}

ScheduledCache::Access ScheduledCache::note(What what, TensorId view, const Region& region,
                                            TensorRole role) {
    if (resolved_) {
        ensure(accesses_ < first_.size(), "a program is written down twice alike");
        const std::size_t access = accesses_++;
        return {&first_[access], &later_[access]};
    }
    auto& path = paths_[view.position()];
    if (!path) {
        path.emplace(network_, view);
    }
    const TensorId tensor = identity(network_.storage(view));
    std::vector<Region> regions = path->stored_regions(region);
    std::erase_if(regions, [](const Region& part) { return words(part) == 0; });
    events_.push_back({what, tensor, std::move(regions), role});
    return {};
}

void ScheduledCache::drop(TensorId stored) {
    if (!resolved_) {
        events_.push_back({What::drop, identity(stored), {}});
    }
}

void ScheduledCache::clean(TensorId stored) {
    if (!resolved_) {
        events_.push_back({What::clean, identity(stored), {}});
    }
}

Bytes ScheduledCache::bytes_of(TensorId tensor, const Region& region) const {
    return stored_bytes(words(region), network_.tensor(tensor).precision);
}

void ScheduledCache::resolve() {
    find_part_size();
    make_grids();
    run_round(first_);
    run_round(later_);
    resolved_ = true;
}

/// By what a round touches, and not by the capacity: so that a larger cache has all that a smaller
/// one has.
void ScheduledCache::find_part_size() {
    std::int64_t touched = 0;
    for (const Event& event : events_) {
        for (const Region& region : event.regions) {
            touched = checked_add(touched, bytes_of(event.tensor, region).count());
        }
    }
    const auto usual = static_cast<std::uint64_t>(std::max<std::int64_t>(touched / kUsualParts, 1));
    part_size_ = std::max(kLeastPart, static_cast<std::int64_t>(std::bit_ceil(usual)));
}

void ScheduledCache::make_grids() {
    for (const Event& event : events_) {
        for (const Region& region : event.regions) {
            auto& edges = grids_[event.tensor].edges;
            edges.resize(std::max(edges.size(), region.size()));
            ensure(edges.size() == region.size(), "all regions of a tensor have its axes");
            for (std::size_t axis = 0; axis < region.size(); ++axis) {
                edges[axis].push_back(region[axis].begin);
                edges[axis].push_back(region[axis].end);
            }
        }
    }
    for (auto& [tensor, grid] : grids_) {
        for (auto& edges : grid.edges) {
            std::sort(edges.begin(), edges.end());
            edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
        }
        make_cells(grid, tensor);
    }
}

void ScheduledCache::make_cells(Grid& grid, TensorId tensor) const {
    std::size_t cells = 1;
    for (const auto& edges : grid.edges) {
        cells *= edges.size() - 1;
    }
    std::int64_t parts = 0;
    for (std::size_t cell = 0; cell < cells; ++cell) {
        Region region;
        std::size_t behind = cells;
        std::size_t rest = cell;
        for (const auto& edges : grid.edges) {
            behind /= edges.size() - 1;
            const std::size_t at = rest / behind;
            rest %= behind;
            region.push_back({edges[at], edges[at + 1]});
        }
        grid.cells.push_back(region);
        grid.first_part.push_back(parts);
        parts += ceil_divide(bytes_of(tensor, region).count(), part_size_);
    }
    grid.first_part.push_back(parts);
}

std::size_t ScheduledCache::cell_of(const Grid& grid, std::int64_t part) const {
    const auto behind = std::upper_bound(grid.first_part.begin(), grid.first_part.end(), part);
    return static_cast<std::size_t>(behind - grid.first_part.begin()) - 1;
}

void ScheduledCache::run_round(std::vector<DramSide>& sides) {
    for (const Event& event : events_) {
        switch (event.what) {
            case What::read:
            case What::write:
                access(event, sides.emplace_back());
                break;
            case What::drop:
                cache_.drop(event.tensor);
                break;
            case What::clean: {
                CacheTraffic traffic;
                cache_.clean(event.tensor, traffic);
                if (!traffic.written.empty()) {
                    write_back(traffic, sides.back());
                }
                break;
            }
        }
        most_held_ = std::max(most_held_, cache_.held());
    }
}

void ScheduledCache::access(const Event& event, DramSide& side) {
    CacheTraffic traffic;
    bool hits = false;
    const Grid& grid = grids_[event.tensor];
    const auto touch = [&](std::size_t cell) {
        std::int64_t left = bytes_of(event.tensor, grid.cells[cell]).count();
        for (std::int64_t part = grid.first_part[cell]; left > 0; ++part, left -= part_size_) {
            const Bytes bytes(std::min(left, part_size_));
            if (event.what == What::write) {
                cache_.write(event.tensor, part, bytes, traffic);
                continue;
            }
            const Bytes before = traffic.missed;
            cache_.read(event.tensor, part, bytes, traffic);
            if (traffic.missed > before) {
                add_part(side.missed_from, event.tensor, cell, part, bytes);
            } else {
                hits = true;
            }
        }
    };
    for (const Region& region : event.regions) {
        each_cell(grid.edges, region, 0, 0, touch);
    }
    side.missed = traffic.missed;
    if (!hits) {
        side.missed_from.clear();  // the access is one of the DRAM as a whole
    }
    if (event.what == What::write) {
        roles_[event.tensor.position()] = event.role;
    }
    write_back(traffic, side);
}

void ScheduledCache::write_back(const CacheTraffic& traffic, DramSide& side) const {
    for (const CachedPart& written : traffic.written) {
        add_part(side.written, written.tensor, cell_of(grids_.at(written.tensor), written.part),
                 written.part, written.bytes);
    }
    for (CacheSpill& spill : side.written) {
        spill.role = roles_[spill.tensor.position()];
    }
}

/// Adds a part of a cell to the last of `spills` where it lies behind that.
void ScheduledCache::add_part(std::vector<CacheSpill>& spills, TensorId tensor, std::size_t cell,
                              std::int64_t part, Bytes bytes) const {
    const Grid& grid = grids_.at(tensor);
    const std::int64_t offset = (part - grid.first_part[cell]) * part_size_;
    const Region& region = grid.cells[cell];
    const Bytes all = bytes_of(tensor, region);
    const bool goes_on = !spills.empty() && spills.back().tensor == tensor &&
                         spills.back().region == region &&
                         spills.back().offset + spills.back().bytes.count() == offset;
    if (goes_on) {
        spills.back().bytes += bytes;
    } else {
        spills.push_back({tensor, region, offset, bytes});
    }
    spills.back().whole = spills.back().bytes == all;
}

}  // namespace memwall
