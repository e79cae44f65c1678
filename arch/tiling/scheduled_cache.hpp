// SPDX-License-Identifier: Apache-2.0
// The cache between a tiled machine's DRAM and its buffer: what of the transfers of a schedule it
// has, and what it makes the DRAM do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "arch/region_cache.hpp"
#include "arch/stored_regions.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A part of a tensor that goes between the cache and the DRAM.
struct CacheSpill {
    TensorId tensor;  ///< that stores the words
    Region region;
    std::int64_t offset = 0;  ///< of the first byte, where it is a part of the region's bytes
    Bytes bytes;
    bool whole = true;  ///< of the region
    TensorRole role = TensorRole::outputs;

    friend bool operator==(const CacheSpill&, const CacheSpill&) = default;
};

/// What one access makes the DRAM do.
struct DramSide {
    Bytes missed;  ///< of what is read
    std::vector<CacheSpill>
        missed_from;                  ///< where these bytes lie, if they are not all that is read
    std::vector<CacheSpill> written;  ///< back to the DRAM, to make room or for good

    friend bool operator==(const DramSide&, const DramSide&) = default;
};

/// A program is written down twice: the first time the cache notes what goes through it, in the
/// order in which it is written down; the second time, after resolve(), it tells what that makes
/// the DRAM do, access by access.
// MODEL: the cache of a tiled machine sees the transfers of tiles in the order of the schedule,
// pass by pass, whatever the time at which each really comes. It holds regions: what the edges of
// all tiles cut a tensor into, in parts of a power of two of bytes of which a round touches about
// 32,768, at least 64 bytes.
class ScheduledCache {
public:
    ScheduledCache(const Network& network, Bytes capacity);

    /// What an access makes the DRAM do in the first round, and in every later one.
    struct Access {
        const DramSide* first = nullptr;  ///< null while it is noted
        const DramSide* later = nullptr;
    };
    /// A region of a tensor, as a layer sees it, is read or written.
    Access read(TensorId view, const Region& region);
    Access write(TensorId view, const Region& region, TensorRole role);
    /// Nobody reads what is stored in a tensor again before it is made anew.
    void drop(TensorId stored);
    /// What was written of a tensor goes to the DRAM, with the access before.
    void clean(TensorId stored);

    /// Goes through what was noted: for the first round and one more, after which all are alike.
    void resolve();
    /// The most that it holds at once.
    [[nodiscard]] Bytes most_held() const { return most_held_; }

private:
    enum class What : std::uint8_t { read, write, drop, clean };
    struct Event {
        What what = What::read;
        TensorId tensor;
        std::vector<Region> regions;
        TensorRole role = TensorRole::outputs;
    };
    /// How the edges of its tiles cut a tensor.
    struct Grid {
        std::vector<std::vector<std::int64_t>> edges;  ///< by axis, ascending
        std::vector<Region> cells;
        std::vector<std::int64_t> first_part;  ///< of each cell, and behind the last
    };

    Access note(What what, TensorId view, const Region& region, TensorRole role);
    [[nodiscard]] TensorId identity(TensorId stored) const;
    void make_grids();
    void make_cells(Grid& grid, TensorId tensor) const;
    void find_part_size();
    void run_round(std::vector<DramSide>& sides);
    void access(const Event& event, DramSide& side);
    void write_back(const CacheTraffic& traffic, DramSide& side) const;
    void add_part(std::vector<CacheSpill>& spills, TensorId tensor, std::size_t cell,
                  std::int64_t part, Bytes bytes) const;
    [[nodiscard]] Bytes bytes_of(TensorId tensor, const Region& region) const;
    [[nodiscard]] std::size_t cell_of(const Grid& grid, std::int64_t part) const;

    const Network& network_;
    RegionCache cache_;
    bool resolved_ = false;
    std::int64_t part_size_ = 0;
    std::vector<std::optional<ViewPath>> paths_;  ///< by tensor
    std::vector<Event> events_;
    std::map<TensorId, Grid> grids_;
    std::vector<TensorRole> roles_;  ///< by tensor, of who wrote it last
    std::vector<DramSide> first_, later_;
    std::size_t accesses_ = 0;  ///< told so far
    Bytes most_held_;
};

}  // namespace memwall
