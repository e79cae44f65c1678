// SPDX-License-Identifier: Apache-2.0
// A cache at the granularity of regions: which parts of tensors it holds, least recently used first
// to go.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <utility>
#include <vector>

#include "arch/identifiers.hpp"
#include "base/quantity.hpp"
#include "workloads/identifiers.hpp"

namespace memwall {

/// A part of a tensor, by the number that its user gave it.
struct CachedPart {
    TensorId tensor;
    std::int64_t part = 0;
    Bytes bytes;
};

/// What accesses made the memory behind the cache do.
struct CacheTraffic {
    Bytes missed;                     ///< read from behind it
    std::vector<CachedPart> written;  ///< back to behind it, in order

    [[nodiscard]] std::map<TensorId, std::int64_t> written_by_tensor() const;
};

/// MODEL: fully associative, least recently used, write-back, write-allocate without a read. What
/// nobody reads any more is dropped: its place is written over by what takes its buffer. Tags take
/// no room, no energy and no time.
class RegionCache {
public:
    explicit RegionCache(Bytes capacity) : capacity_(capacity.count()) {}

    /// Part `part` of a tensor, of `bytes`, is read. A part larger than the cache passes by.
    void read(TensorId tensor, std::int64_t part, Bytes bytes, CacheTraffic& traffic);
    /// It is written, whole.
    void write(TensorId tensor, std::int64_t part, Bytes bytes, CacheTraffic& traffic);
    /// Nobody reads the tensor any more, or what follows does not change it.
    void drop(TensorId tensor);
    /// What was written of it goes behind the cache; it stays readable.
    void clean(TensorId tensor, CacheTraffic& traffic);

    [[nodiscard]] Bytes held() const { return Bytes(held_); }

private:
    using Key = std::pair<TensorId, std::int64_t>;
    struct Line {
        Key key;
        std::int64_t bytes = 0;
        bool dirty = false;
    };
    using Lines = std::list<Line>;

    void insert(const Key& key, std::int64_t bytes, bool dirty, CacheTraffic& traffic);

    std::int64_t capacity_;
    std::int64_t held_ = 0;
    Lines lines_;  ///< the least recently used first
    std::map<Key, Lines::iterator> places_;
};

}  // namespace memwall
