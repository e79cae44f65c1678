// SPDX-License-Identifier: Apache-2.0
// Transpositions that are put down as layers: whether one costs anything is decided by what the
// network reads and writes around it (transpositions.hpp).
#include <algorithm>
#include <utility>

#include "workloads/importers/onnx/graph.hpp"

namespace memwall::importers::onnx {
namespace {

/// Axes of one item that stay beside each other are one axis.
struct Groups {
    Shape sizes;                      ///< before, in their order there
    std::vector<std::int64_t> order;  ///< the groups as they stand behind it
};

Groups groups_of(const Shape& before, const Dims& order) {
    struct Group {
        std::size_t first, end;
    };
    std::vector<std::size_t> places(before.size(), 0);
    std::vector<std::int64_t> sizes;
    for (std::size_t axis = 0; axis < before.size(); ++axis) {
        places[axis] = sizes.size();
        if (before[axis] > 1) {
            sizes.push_back(before[axis]);
        }
    }
    std::vector<Group> groups;
    for (const std::int64_t axis : order) {
        const auto from = static_cast<std::size_t>(axis);
        if (before[from] == 1) {
            continue;
        }
        if (!groups.empty() && groups.back().end == places[from]) {
            ++groups.back().end;
        } else {
            groups.push_back({places[from], places[from] + 1});
        }
    }
    std::vector<Group> sorted = groups;
    std::sort(sorted.begin(), sorted.end(),
              [](const Group& a, const Group& b) { return a.first < b.first; });
    Groups result;
    for (const Group& group : sorted) {
        std::int64_t size = 1;
        for (std::size_t place = group.first; place < group.end; ++place) {
            size *= sizes[place];
        }
        result.sizes.push_back(size);
    }
    for (const Group& group : groups) {
        const auto at = std::find_if(sorted.begin(), sorted.end(),
                                     [&](const Group& each) { return each.first == group.first; });
        result.order.push_back(at - sorted.begin());
    }
    return result;
}

}  // namespace

Value Graph::in_order(Value value) {
    const Dims order = std::exchange(value.order, {});
    if (order.empty() || !value.is_activation() || value.repeats > 1) {
        return value;
    }
    Shape before = value.untransposed;
    const std::size_t items = batch_axis(before);
    before[items] /= before[items] % batch_ == 0 ? batch_ : 1;
    Groups groups = groups_of(before, order);
    if (groups.sizes.size() < 2 || words_of(before) != words_of(value.source_shape)) {
        return value;  // no word changes its place, or items do that are joined with it
    }
    // MODEL: of more axes than a layer has it is a copy whose order decides nothing but addresses.
    if (groups.sizes.size() > kMostAxes) {
        const std::int64_t last = groups.sizes.back();
        groups = {{words_of(groups.sizes) / last, last}, {1, 0}};
    }
    Shape made;
    for (const std::int64_t axis : groups.order) {
        made.push_back(groups.sizes[static_cast<std::size_t>(axis)]);
    }
    std::string& known = transposed_[{value.source, groups.sizes, groups.order}];
    if (known.empty()) {
        DraftLayer layer = {
            draft_.take_name(value.source + "_transposed"), "transpose", {}, {}, where_};
        layer.inputs = {read(value, groups.sizes)};
        layer.set_list("order", groups.order);
        layer.set_text("precision", memwall::name(value.precision));
        const std::string name = layer.name;
        add_layer(std::move(layer), made);
        known = name;
    }
    value.source = known;
    value.source_shape = made;
    return value;
}

void Graph::put_in_order(const std::string& name) {
    const auto found = values_.find(name);
    if (found != values_.end()) {
        found->second = in_order(found->second);
    }
}

}  // namespace memwall::importers::onnx
