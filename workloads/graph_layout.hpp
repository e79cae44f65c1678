// SPDX-License-Identifier: Apache-2.0
// Places for the boxes and lines of a graph without cycles, row by row.
#pragma once

#include <cstddef>
#include <vector>

namespace memwall {

struct GraphEdge {
    std::size_t from = 0;
    std::size_t to = 0;
};

/// A row from the top, and the middle of what stands there along it.
struct LayoutPoint {
    std::size_t row = 0;
    double x = 0;
};

struct GraphLayout {
    std::vector<LayoutPoint> boxes;
    std::vector<std::vector<LayoutPoint>> lines;  ///< of each edge, from box to box
    std::size_t rows = 0;
    double width = 0;
};

/// Edges lead from a box to a later one in topological order; boxes may be in any order. A row is
/// the longest way from a box that nothing leads to. Within its row everything stands near the
/// middle of what is above it.
GraphLayout lay_out(const std::vector<double>& widths, const std::vector<GraphEdge>& edges);

}  // namespace memwall
