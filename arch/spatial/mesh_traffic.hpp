// SPDX-License-Identifier: Apache-2.0
// Bytes on the links of a mesh: dimension-ordered multicast trees, half of them along rows first,
// half along columns first.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"

namespace memwall {

struct Router {
    std::int64_t column = 0;
    std::int64_t row = 0;

    friend bool operator==(const Router&, const Router&) = default;
};

/// MODEL: dimension-ordered multicast. Every link of the tree carries the payload once; it enters
/// at the source's port and leaves at each destination's.
class MeshTraffic {
public:
    explicit MeshTraffic(const MeshConfig& mesh);

    /// Adds `bytes` from `source` to every destination but the source itself.
    void multicast(Router source, const std::vector<Router>& destinations, std::int64_t bytes);

    /// The loaded links, in their order in the machine.
    [[nodiscard]] std::vector<LinkUse> links(const Machine& machine, ComponentId mesh) const;
    /// Bytes times hops, without the routers' own ports.
    [[nodiscard]] std::int64_t hop_bytes() const;
    [[nodiscard]] std::int64_t busiest() const;
    /// The longest way that anything has gone, in hops.
    [[nodiscard]] std::int64_t longest() const { return longest_; }
    [[nodiscard]] std::int64_t delivered() const { return delivered_; }

private:
    void grow(Router source, bool rows_first, std::int64_t bytes);
    void add(std::int64_t column, std::int64_t row, Machine::Direction to, std::int64_t bytes);

    std::int64_t columns_;
    std::int64_t rows_;
    std::vector<std::int64_t> load_;  ///< by router and direction
    std::int64_t longest_ = 0;
    std::int64_t delivered_ = 0;
    struct Reach {
        std::int64_t least = 0;
        std::int64_t most = 0;
    };
    Reach trunk_;
    std::vector<Reach> reach_;  ///< scratch: how far the tree goes along each branch
};

/// Part `i` of `n` of the same traffic; the parts of a link add up to it.
std::vector<LinkUse> share(const std::vector<LinkUse>& links, std::int64_t i, std::int64_t n);
std::int64_t share(std::int64_t bytes, std::int64_t i, std::int64_t n);

}  // namespace memwall
