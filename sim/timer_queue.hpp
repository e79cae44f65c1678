// SPDX-License-Identifier: Apache-2.0
// Due times of small integer keys with the earliest at hand: a binary heap that knows where each
// key is, so that a time can be changed or taken back.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/server.hpp"

namespace memwall {

/// Equal times come in the order of their keys. Every operation is O(log n); none allocates once
/// the largest key has been seen.
class TimerQueue {
public:
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    /// The earliest time, or kNever.
    [[nodiscard]] Picoseconds next() const { return heap_.empty() ? kNever : heap_[0].time; }

    /// Sets or moves the time of a key.
    void set(std::int32_t key, Picoseconds time) {
        const auto k = static_cast<std::size_t>(key);
        if (k >= place_.size()) {
            place_.resize(k + 1, kAbsent);
        }
        if (place_[k] == kAbsent) {
            heap_.push_back({time, key});
            place_[k] = heap_.size() - 1;
            rise(heap_.size() - 1);
            return;
        }
        heap_[place_[k]].time = time;
        rise(place_[k]);
        sink(place_[k]);
    }

    /// Takes a key out, if it is there.
    void erase(std::int32_t key) {
        const auto k = static_cast<std::size_t>(key);
        if (k < place_.size() && place_[k] != kAbsent) {
            remove(place_[k]);
        }
    }

    /// Takes out the earliest key. The queue is not empty.
    std::int32_t pop() {
        const std::int32_t key = heap_[0].key;
        remove(0);
        return key;
    }

private:
    struct Entry {
        Picoseconds time;
        std::int32_t key;
        bool operator<(const Entry& other) const {
            return time != other.time ? time < other.time : key < other.key;
        }
    };
    static constexpr std::size_t kAbsent = SIZE_MAX;

    void put(std::size_t at, const Entry& entry) {
        heap_[at] = entry;
        place_[static_cast<std::size_t>(entry.key)] = at;
    }

    void rise(std::size_t at) {
        const Entry entry = heap_[at];
        while (at > 0 && entry < heap_[(at - 1) / 2]) {
            put(at, heap_[(at - 1) / 2]);
            at = (at - 1) / 2;
        }
        put(at, entry);
    }

    void sink(std::size_t at) {
        const Entry entry = heap_[at];
        for (std::size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
            if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) {
                ++child;
            }
            if (!(heap_[child] < entry)) {
                break;
            }
            put(at, heap_[child]);
            at = child;
        }
        put(at, entry);
    }

    void remove(std::size_t at) {
        place_[static_cast<std::size_t>(heap_[at].key)] = kAbsent;
        const Entry last = heap_.back();
        heap_.pop_back();
        if (at < heap_.size()) {
            put(at, last);
            rise(at);
            sink(place_[static_cast<std::size_t>(last.key)]);
        }
    }

    std::vector<Entry> heap_;
    std::vector<std::size_t> place_;  ///< of each key in the heap
};

}  // namespace memwall
