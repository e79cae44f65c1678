// SPDX-License-Identifier: Apache-2.0
#include "workloads/mask.hpp"

#include <algorithm>

#include "base/quantity.hpp"

namespace memwall {
namespace {

/// Sum of min(i, most) for i in [0, end).
std::int64_t capped_sum(std::int64_t end, std::int64_t most) {
    if (end <= 0) {
        return 0;
    }
    const std::int64_t rising = std::min(end, most);
    return rising * (rising - 1) / 2 + (end - rising) * most;
}

/// Pairs of the rows in [from, to) of one head with columns of `range` that are at most
/// row + `reach`.
std::int64_t pairs_up_to(std::int64_t from, std::int64_t to, std::int64_t reach, Range range) {
    const std::int64_t shift = reach + 1 - range.begin;
    return capped_sum(to + shift, range.size()) - capped_sum(from + shift, range.size());
}

std::int64_t pairs_of_head(const Mask& mask, std::int64_t from, std::int64_t to, Range columns) {
    const std::int64_t reach = mask.columns - mask.rows;
    const std::int64_t seen = pairs_up_to(from, to, reach, columns);
    return mask.window == 0 ? seen : seen - pairs_up_to(from, to, reach - mask.window, columns);
}

}  // namespace

std::int64_t counted_points(const Mask& mask, const Box& box) {
    const Range rows = box[mask.row];
    const Range columns = box[mask.column];
    if (rows.size() == 0 || columns.size() == 0) {
        return 0;
    }
    std::int64_t pairs = 0;
    const std::int64_t first = rows.begin / mask.rows;
    const std::int64_t last = (rows.end - 1) / mask.rows;
    for (const std::int64_t head : {first, last}) {
        const std::int64_t begin = head * mask.rows;
        pairs =
            checked_add(pairs, pairs_of_head(mask, std::max(rows.begin - begin, std::int64_t{0}),
                                             std::min(rows.end - begin, mask.rows), columns));
        if (first == last) {
            break;
        }
    }
    if (last > first + 1) {
        pairs = checked_add(
            pairs, checked_multiply(pairs_of_head(mask, 0, mask.rows, columns), last - first - 1));
    }
    Box others = box;
    others[mask.row] = {0, 1};
    others[mask.column] = {0, 1};
    return checked_multiply(pairs, others.points());
}

bool counts(const Mask& mask, std::int64_t row, std::int64_t column) {
    const std::int64_t newest = row % mask.rows + mask.columns - mask.rows;
    return column <= newest && (mask.window == 0 || column > newest - mask.window);
}

}  // namespace memwall
