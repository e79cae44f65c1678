// SPDX-License-Identifier: Apache-2.0
#include "arch/stored_regions.hpp"

#include <algorithm>
#include <utility>

namespace memwall {
namespace {

/// The axes of a tensor: N, then its shape; a weight's are its shape alone.
std::vector<std::int64_t> axes_of(const Network& network, TensorId id) {
    std::vector<std::int64_t> axes;
    const Tensor& tensor = network.tensor(id);
    if (tensor.is_per_item()) {
        axes.push_back(network.batch());
    }
    axes.insert(axes.end(), tensor.shape.begin(), tensor.shape.end());
    return axes;
}

}  // namespace

ViewPath::ViewPath(const Network& network, TensorId view) {
    for (; network.tensor(view).alias; view = network.tensor(view).alias->of) {
        const Alias& alias = *network.tensor(view).alias;
        Step step{alias, axes_of(network, view), axes_of(network, alias.of)};
        for (std::size_t axis = 1; axis < step.to.size(); ++axis) {
            step.item *= step.to[axis];
        }
        steps_.push_back(std::move(step));
    }
}

std::vector<Region> ViewPath::stored_regions(const Region& region) const {
    std::vector<Region> stored = {region};
    for (const Step& step : steps_) {
        std::vector<Region> next;
        for (const Region& each : stored) {
            step.add_through(each, next);
        }
        stored = std::move(next);
    }
    return stored;
}

Region ViewPath::bounds(const Region& region) const {
    Region stored = region;
    for (const Step& step : steps_) {
        stored = step.through(stored);
    }
    return stored;
}

Region ViewPath::Step::through(const Region& region) const {
    if (alias.axis >= 0) {
        Region moved = region;
        Range& range = moved[static_cast<std::size_t>(alias.axis) + 1];
        range = {range.begin + alias.offset, range.end + alias.offset};
        return moved;
    }
    if (from == to) {
        return region;
    }
    // The same words in order under another shape: the box around the first and the last of an
    // item.
    std::int64_t first = 0;
    std::int64_t last = 0;
    for (std::size_t axis = 1; axis < from.size(); ++axis) {
        first = first * from[axis] + region[axis].begin;
        last = last * from[axis] + region[axis].end - 1;
    }
    Region bounds;
    for (const std::int64_t extent : to) {
        bounds.push_back({0, extent});
    }
    bounds[0] = region[0];
    std::int64_t behind = item;
    for (std::size_t axis = 1; axis < to.size(); ++axis) {
        behind /= to[axis];
        bounds[axis] = {first / behind, last / behind + 1};
        if (first / behind != last / behind) {
            break;  // all of the axes behind
        }
        first %= behind;
        last %= behind;
    }
    return bounds;
}

/// Adds the regions of what it is a view of that have the words of `region` and no others.
void ViewPath::Step::add_through(const Region& region, std::vector<Region>& found) const {
    const Region bounds = through(region);
    std::size_t axis = 1;
    while (axis < region.size() && region[axis].size() <= 1) {
        ++axis;
    }
    if (words(bounds) == words(region) || axis == region.size()) {
        found.push_back(bounds);
        return;
    }
    if (is_one_run(region)) {
        std::int64_t first = 0;
        std::int64_t last = 0;
        for (std::size_t a = 1; a < from.size(); ++a) {
            first = first * from[a] + region[a].begin;
            last = last * from[a] + region[a].end - 1;
        }
        add_run(region, first, last + 1, found);
        return;
    }
    Region part = region;
    for (std::int64_t at = region[axis].begin; at < region[axis].end; ++at) {
        part[axis] = {at, at + 1};
        add_through(part, found);
    }
}

/// Whether the words of an item lie one behind the other.
bool ViewPath::Step::is_one_run(const Region& region) const {
    std::size_t axis = 1;
    while (axis < from.size() && region[axis].size() == 1) {
        ++axis;
    }
    for (++axis; axis < from.size(); ++axis) {
        if (region[axis].size() != from[axis]) {
            return false;
        }
    }
    return true;
}

/// Words [first, end) of every item, in as few boxes as they need.
void ViewPath::Step::add_run(const Region& items, std::int64_t first, std::int64_t end,
                             std::vector<Region>& found) const {
    while (first < end) {
        // The largest block of whole rows of some axis that begins here.
        std::size_t axis = to.size() - 1;
        std::int64_t row = 1;  // words of one step along the axis
        while (axis > 1 && first % (row * to[axis]) == 0 && first + row * to[axis] <= end) {
            row *= to[axis];
            --axis;
        }
        const std::int64_t at = first / row % to[axis];
        const std::int64_t steps = std::min((end - first) / row, to[axis] - at);
        Region box;
        box.push_back(items[0]);
        std::int64_t behind = item;
        for (std::size_t a = 1; a < to.size(); ++a) {
            behind /= to[a];
            const std::int64_t begin = first / behind % to[a];
            box.push_back(a < axis    ? Range{begin, begin + 1}
                          : a == axis ? Range{begin, begin + steps}
                                      : Range{0, to[a]});
        }
        found.push_back(box);
        first += steps * row;
    }
}

Region stored_region(const Network& network, TensorId view, const Region& region) {
    return ViewPath(network, view).bounds(region);
}

}  // namespace memwall
