// SPDX-License-Identifier: Apache-2.0
// A cache at the granularity of regions: which parts of tensors it holds, least recently used first
// to go.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <utility>

#include "arch/identifiers.hpp"
#include "base/quantity.hpp"
#include "workloads/identifiers.hpp"

namespace memwall {

/// What an access made the memory behind the cache do.
struct CacheTraffic {
    Bytes missed;                              ///< read from behind it
    std::map<TensorId, std::int64_t> written;  ///< back to behind it, by tensor
};

/// MODEL: fully associative, least recently used, write-back, write-allocate without a read. What
/// nobody reads any more is dropped: its place is written over by what takes its buffer.
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
