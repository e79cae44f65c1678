// SPDX-License-Identifier: Apache-2.0
// Where tensors lie in a memory: addresses for DRAM, and the answer "does not fit" with the bytes
// that are missing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/quantity.hpp"

namespace memwall {

/// A tensor's place in a memory.
struct Allocation {
    std::string name;
    std::int64_t address = 0;
    Bytes bytes;
};

/// Gives out addresses one behind the other, aligned; nothing is freed.
class Allocator {
public:
    Allocator(Bytes capacity, Bytes alignment) : capacity_(capacity), alignment_(alignment) {}

    /// The address of `bytes` new bytes, even past the end: missing() then says by how much.
    std::int64_t allocate(const std::string& name, Bytes bytes);

    [[nodiscard]] Bytes used() const { return Bytes(next_); }
    /// What does not fit; zero if everything does.
    [[nodiscard]] Bytes missing() const {
        return used() > capacity_ ? used() - capacity_ : Bytes(0);
    }
    [[nodiscard]] const std::vector<Allocation>& allocations() const { return allocations_; }

private:
    Bytes capacity_;
    Bytes alignment_;
    std::int64_t next_ = 0;
    std::vector<Allocation> allocations_;
};

/// What lives in a memory from one step of a schedule to another, both included. Where steps come
/// again in rounds, `last` may lie in the next one: less than a round after `first`.
struct Lifetime {
    std::size_t first = 0;
    std::size_t last = 0;
    Bytes bytes;
};

/// The bytes that are live at each of `steps` steps that come round and round.
std::vector<Bytes> live_bytes(const std::vector<Lifetime>& lifetimes, std::size_t steps);

/// Offsets of things that share a space, in the order of their list, and how large it has to be.
struct SharedSpace {
    std::vector<std::int64_t> offsets;
    Bytes size;
};
/// First fit: each at the lowest aligned offset where it meets none that lives at the same step.
SharedSpace share_space(const std::vector<Lifetime>& lifetimes, Bytes alignment);
/// The same for `steps` steps that come round and round.
SharedSpace share_space(const std::vector<Lifetime>& lifetimes, std::size_t steps, Bytes alignment);

}  // namespace memwall
