// SPDX-License-Identifier: Apache-2.0
#include "arch/region_cache.hpp"

namespace memwall {

std::map<TensorId, std::int64_t> CacheTraffic::written_by_tensor() const {
    std::map<TensorId, std::int64_t> sums;
    for (const CachedPart& part : written) {
        sums[part.tensor] += part.bytes.count();
    }
    return sums;
}

void RegionCache::read(TensorId tensor, std::int64_t part, Bytes bytes, CacheTraffic& traffic) {
    if (bytes.count() == 0) {
        return;
    }
    const Key key{tensor, part};
    const auto place = places_.find(key);
    if (place != places_.end()) {
        lines_.splice(lines_.end(), lines_, place->second);
        return;
    }
    traffic.missed += bytes;
    insert(key, bytes.count(), false, traffic);
}

void RegionCache::write(TensorId tensor, std::int64_t part, Bytes bytes, CacheTraffic& traffic) {
    const Key key{tensor, part};
    const auto place = places_.find(key);
    if (place != places_.end()) {
        place->second->dirty = true;
        lines_.splice(lines_.end(), lines_, place->second);
        return;
    }
    insert(key, bytes.count(), true, traffic);
}

void RegionCache::insert(const Key& key, std::int64_t bytes, bool dirty, CacheTraffic& traffic) {
    if (bytes > capacity_) {
        if (dirty) {
            traffic.written.push_back({key.first, key.second, Bytes(bytes)});
        }
        return;
    }
    while (held_ + bytes > capacity_) {
        const Line& oldest = lines_.front();
        if (oldest.dirty) {
            traffic.written.push_back({oldest.key.first, oldest.key.second, Bytes(oldest.bytes)});
        }
        held_ -= oldest.bytes;
        places_.erase(oldest.key);
        lines_.pop_front();
    }
    lines_.push_back({key, bytes, dirty});
    places_[key] = std::prev(lines_.end());
    held_ += bytes;
}

void RegionCache::drop(TensorId tensor) {
    for (auto place = places_.lower_bound({tensor, 0});
         place != places_.end() && place->first.first == tensor;) {
        held_ -= place->second->bytes;
        lines_.erase(place->second);
        place = places_.erase(place);
    }
}

void RegionCache::clean(TensorId tensor, CacheTraffic& traffic) {
    for (auto place = places_.lower_bound({tensor, 0});
         place != places_.end() && place->first.first == tensor; ++place) {
        if (place->second->dirty) {
            traffic.written.push_back({tensor, place->first.second, Bytes(place->second->bytes)});
            place->second->dirty = false;
        }
    }
}

}  // namespace memwall
