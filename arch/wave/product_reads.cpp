// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/product_reads.hpp"

#include <algorithm>

#include "base/quantity.hpp"

namespace memwall {
namespace {

/// Distinct bytes of so many strips that lie side by side.
double bytes_of(const ProductOperand& operand, double strips) {
    return std::min(strips * operand.strip, operand.distinct);
}

/// Bytes read of the operand that a group of blocks keeps, and of the one that goes by.
struct GroupReads {
    double kept = 0;
    double passing = 0;
};

/// Waves of `group` strips of `kept`, each with as many of `passing` as run at a time, go past all
/// of `passing`; then the next group does.
GroupReads group_reads(const ProductOperand& kept, const ProductOperand& passing,
                       const ProductGrid& grid, std::int64_t group, double cache) {
    const auto rows = static_cast<double>(group);
    const auto all = static_cast<double>(passing.strips);
    const double of_wave = std::clamp(grid.at_once / rows, 1.0, all);
    const double room = (cache - rows * kept.under_way) / passing.under_way;
    const bool in_step = room >= of_wave;
    const double columns = in_step ? of_wave : std::max(1.0, room);
    const double waves = all / columns;
    const double groups = static_cast<double>(ceil_divide(kept.strips, group));
    const double kept_once =
        bytes_of(kept, rows) * static_cast<double>(kept.strips) / static_cast<double>(group);
    const double a_wave =
        bytes_of(kept, rows) + bytes_of(passing, columns) + rows * columns * grid.result;
    const double a_group = bytes_of(kept, rows) + passing.distinct + rows * all * grid.result;
    GroupReads reads;
    reads.kept = in_step && a_wave <= cache ? kept_once : waves * kept_once;
    reads.passing = in_step && a_group <= cache ? passing.distinct
                                                : groups * waves * bytes_of(passing, columns);
    return reads;
}

/// Where a group cannot share even the slabs that are under way.
bool shares_nothing(const ProductOperand& kept, const ProductOperand& passing,
                    const ProductGrid& grid, std::int64_t group, double cache) {
    return static_cast<double>(group) > grid.at_once ||
           static_cast<double>(group) * kept.under_way + passing.under_way > cache;
}

}  // namespace

// MODEL: blocks are launched along groups of 1, 2, 4, ... rows or columns of blocks (as CUTLASS
// swizzles them), of which a library picks what reads least. Those of a wave go through the depth
// in step, so that each slab comes from the DRAM once for all that share it while the cache holds
// the slabs under way; else as many neighbours share as it holds, down to none. A strip stays for
// the wave after if the cache, by least recent use, holds what a wave reads and writes, and the
// operand that goes by for the group after if it holds that of a whole group.
ProductReads product_reads(const ProductGrid& grid, double cache) {
    const auto rows = static_cast<double>(grid.left.strips);
    const auto columns = static_cast<double>(grid.right.strips);
    ProductReads least = {columns * rows * grid.left.strip, rows * columns * grid.right.strip};
    const auto take = [&](const ProductReads& reads) {
        if (reads.left + reads.right < least.left + least.right) {
            least = reads;
        }
    };
    const auto along = [&](const ProductOperand& kept, const ProductOperand& passing,
                           const auto& found) {
        for (std::int64_t next = 1;; next *= 2) {
            const std::int64_t group = std::min(next, kept.strips);
            if (shares_nothing(kept, passing, grid, group, cache)) {
                return;
            }
            found(group_reads(kept, passing, grid, group, cache));
            if (group == kept.strips) {
                return;
            }
        }
    };
    along(grid.left, grid.right, [&](const GroupReads& r) { take({r.kept, r.passing}); });
    along(grid.right, grid.left, [&](const GroupReads& r) { take({r.passing, r.kept}); });
    return least;
}

}  // namespace memwall
