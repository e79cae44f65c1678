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

/// Routers that get the same, and how far their rows and columns reach: once for many sources.
class Destinations {
public:
    /// The routers of one column (or row) lie in [least, most].
    struct Branch {
        std::int64_t line = 0;
        std::int64_t least = 0;
        std::int64_t most = 0;
    };

    explicit Destinations(std::vector<Router> routers);

    [[nodiscard]] const std::vector<Router>& routers() const { return routers_; }
    [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(routers_.size()); }
    [[nodiscard]] bool contains(Router router) const;
    /// One a column where a tree goes along rows first, else one a row; in order.
    [[nodiscard]] const std::vector<Branch>& branches(bool rows_first) const {
        return rows_first ? columns_ : rows_;
    }

private:
    std::vector<Router> routers_;
    std::vector<Branch> columns_, rows_;
};

/// MODEL: dimension-ordered multicast. Every link of the tree carries the payload once; it enters
/// at the source's port and leaves at each destination's.
class MeshTraffic {
public:
    explicit MeshTraffic(const MeshConfig& mesh);

    /// Adds `bytes` from `source` to every destination but the source itself.
    void multicast(Router source, const Destinations& to, std::int64_t bytes);

    /// The loaded links, in their order in the machine.
    [[nodiscard]] std::vector<LinkUse> links(const Machine& machine, ComponentId mesh) const;
    /// Bytes times hops, without the routers' own ports.
    [[nodiscard]] std::int64_t hop_bytes() const;
    [[nodiscard]] std::int64_t busiest() const;
    /// The longest way that anything has gone, in hops.
    [[nodiscard]] std::int64_t longest() const { return longest_; }
    [[nodiscard]] std::int64_t delivered() const { return delivered_; }

private:
    void grow(Router source, const Destinations& to, std::int64_t bytes);
    /// Routers [begin, end) of a row or column.
    struct Run {
        std::int64_t begin = 0;
        std::int64_t end = 0;
    };
    void add_run(bool along_row, std::int64_t line, Run run, Machine::Direction to,
                 std::int64_t bytes);
    std::int64_t& step(std::int64_t column, std::int64_t row, Machine::Direction to);
    /// Bytes on every link, by router and direction.
    [[nodiscard]] std::vector<std::int64_t> loads() const;

    std::int64_t columns_;
    std::int64_t rows_;
    /// By router and direction: the load of a router's own ports; of the others, by how much it
    /// changes from the router before in the line.
    std::vector<std::int64_t> step_;
    std::int64_t longest_ = 0;
    std::int64_t delivered_ = 0;
};

/// Part `i` of `n` of the same traffic; the parts of a link add up to it.
std::vector<LinkUse> share(const std::vector<LinkUse>& links, std::int64_t i, std::int64_t n);
std::int64_t share(std::int64_t bytes, std::int64_t i, std::int64_t n);

}  // namespace memwall
