// SPDX-License-Identifier: Apache-2.0
// Where the words of a view (a reshaped tensor, a part of a concatenation) lie in the tensor that
// stores them.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/network.hpp"

namespace memwall {

/// The way from a view to the tensor that stores its words; it may be that tensor itself.
class ViewPath {
public:
    ViewPath(const Network& network, TensorId view);

    /// The regions of the tensor that stores them that have the words of a region of the view and
    /// no others: several where these lie apart (heads of a group behind each other).
    [[nodiscard]] std::vector<Region> stored_regions(const Region& region) const;
    /// The bounding region of all of them.
    [[nodiscard]] Region bounds(const Region& region) const;

private:
    /// From a view to what it is a view of.
    struct Step {
        Alias alias;
        std::vector<std::int64_t> from, to;  ///< axes
        std::int64_t item = 1;               ///< words behind the first axis

        [[nodiscard]] Region through(const Region& region) const;
        void add_through(const Region& region, std::vector<Region>& found) const;
        [[nodiscard]] bool is_one_run(const Region& region) const;
        void add_run(const Region& items, std::int64_t first, std::int64_t end,
                     std::vector<Region>& found) const;
    };

    std::vector<Step> steps_;
};

/// ViewPath::bounds() of a region of a view.
Region stored_region(const Network& network, TensorId view, const Region& region);

}  // namespace memwall
