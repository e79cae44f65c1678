// SPDX-License-Identifier: Apache-2.0
// Parts of tensors: slices, also with steps, and what indices draw.
#include <algorithm>
#include <numeric>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"

namespace memwall::importers::onnx {
namespace {

constexpr std::size_t kMostParts = 4096;
constexpr std::size_t kMostRuns = 256;
constexpr const char* kPart = "_part";  ///< behind the names of layers on the way

/// What lies outside of an axis, the axis, and what lies inside of it.
Shape around(const Shape& shape, std::int64_t axis) {
    const auto product = [](auto begin, auto end) {
        return std::accumulate(begin, end, std::int64_t{1}, std::multiplies<>());
    };
    const auto at = shape.begin() + axis;
    return {product(shape.begin(), at), *at, product(at + 1, shape.end())};
}

/// Whether a part of a transposed value has to be taken where its words lie: the batch is no longer
/// in front, as of queries, keys and values that were moved there.
bool lies_elsewhere(const Value& value, std::int64_t batch) {
    if (!value.is_transposed() || value.order[0] == 0) {
        return false;
    }
    const std::int64_t front = value.dims[0];
    return value.rank() > kMostAxes || front % batch != 0 ||
           (front != batch && value.untransposed[0] == batch);
}

/// Places begin, begin + step, ... along an axis; the order in which they are named costs nothing,
/// as that of the axes of a Transpose.
struct Places {
    std::int64_t begin = 0;
    std::int64_t step = 1;
    std::int64_t count = 0;

    [[nodiscard]] std::int64_t last() const { return begin + (count - 1) * step; }
};

/// `value` seen as [outer, count, step, inner] from the first of these places on, and of each step
/// the place that is meant.
Value add_every(NodeReader& node, const Value& value, std::size_t axis, const Places& places,
                const std::string& name) {
    const std::int64_t whole = places.count * places.step;
    const std::int64_t first = std::min(places.begin, value.dims[axis] - whole);
    const Value part = add_slice(node, value, axis, first, first + whole, 0, kPart);
    const Item item = node.graph().item(part.dims);
    const std::int64_t place = item_axis(item, axis, node.graph().batch());
    const Shape seen = around(item.shape, place);
    const std::int64_t outer = seen[0];
    const std::int64_t inner = seen[2];
    DraftLayer layer = node.start("slice", name);
    layer.inputs = {node.graph().read(part, {outer, places.count, places.step, inner})};
    layer.set("axis", 2).set("begin", places.begin - first).set("end", places.begin - first + 1);
    Dims dims = value.dims;
    dims[axis] = places.count;
    return node.finish_as(std::move(layer), {outer, places.count, 1, inner}, dims, value.precision);
}

Value add_joined(NodeReader& node, const std::vector<Value>& parts, std::size_t axis,
                 const std::string& name) {
    Dims dims = parts[0].dims;
    dims[axis] = 0;
    DraftLayer layer = node.start("concat", name);
    for (const Value& part : parts) {
        dims[axis] += part.dims[axis];
        layer.inputs.push_back(node.graph().read(part, node.graph().item(part.dims).shape));
    }
    layer.set("axis", item_axis(node.graph().item(dims), axis, node.graph().batch()));
    return node.finish(std::move(layer), dims, parts[0].precision);
}

/// The last place has no whole step behind it where the axis ends: then it is a part of its own.
Value add_places(NodeReader& node, const Value& value, std::size_t axis, const Places& places,
                 const std::string& name) {
    if (places.step == 1 || places.count == 1) {
        return add_slice(node, value, axis, places.begin, places.last() + 1, 0, name);
    }
    if (places.count * places.step <= value.dims[axis]) {
        return add_every(node, value, axis, places, name);
    }
    Places all_but_last = places;
    --all_but_last.count;
    return add_joined(node,
                      {add_places(node, value, axis, all_but_last, kPart),
                       add_slice(node, value, axis, places.last(), places.last() + 1, 0, kPart)},
                      axis, name);
}

/// What a slice of an axis of `size` takes.
Places places_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t size) {
    if (step == 0) {
        throw Contradiction{"a step of 0"};
    }
    const auto from_front = [&](std::int64_t stated, std::int64_t least, std::int64_t most) {
        return std::clamp<std::int64_t>(stated < 0 ? stated + size : stated, least, most);
    };
    Places places;
    places.step = std::min(step < 0 ? -std::max(step, -size) : step, size);
    if (step > 0) {
        places.begin = from_front(start, 0, size);
        const std::int64_t room = from_front(end, 0, size) - places.begin;
        places.count = room > 0 ? (room - 1) / places.step + 1 : 0;
    } else {
        const std::int64_t first = from_front(start, 0, size - 1);
        const std::int64_t room = first - (end < -size ? -1 : from_front(end, -1, size - 1));
        places.count = room > 0 ? (room - 1) / places.step + 1 : 0;
        places.begin = first - (places.count - 1) * places.step;
    }
    if (places.count == 0) {
        throw NotExpressible{"a part from " + std::to_string(start) + " to " + std::to_string(end) +
                             " of " + std::to_string(size) + " places has no words"};
    }
    return places;
}

Dims drawn_dims(const Dims& from, std::size_t axis, const Dims& indices) {
    Dims dims(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(axis));
    dims.insert(dims.end(), indices.begin(), indices.end());
    dims.insert(dims.end(), from.begin() + static_cast<std::ptrdiff_t>(axis) + 1, from.end());
    return dims;
}

/// Places in the order of `indices`, as few runs of equal steps as follow each other.
std::vector<Places> runs_of(const Dims& indices, std::int64_t size) {
    Dims places;
    for (const std::int64_t index : indices) {
        places.push_back(index < 0 ? index + size : index);
        if (places.back() < 0 || places.back() >= size) {
            throw Contradiction{"an index of " + std::to_string(index) + " among " +
                                std::to_string(size)};
        }
    }
    const std::int64_t step = places.size() > 1 ? places[1] - places[0] : 1;
    bool even = step != 0;
    for (std::size_t n = 1; even && n < places.size(); ++n) {
        even = places[n] - places[n - 1] == step;
    }
    if (even) {
        const auto count = static_cast<std::int64_t>(places.size());
        return {{std::min(places.front(), places.back()), std::abs(step), count}};
    }
    std::vector<Places> runs;
    for (const std::int64_t place : places) {
        if (!runs.empty() && runs.back().last() + 1 == place) {
            ++runs.back().count;
        } else {
            runs.push_back({place, 1, 1});
        }
    }
    return runs;
}

/// Rows of an activation that constant indices name.
Value add_drawn(NodeReader& node, const Value& value, std::size_t axis, const Dims& indices) {
    const std::vector<Places> runs = runs_of(indices, value.dims[axis]);
    if (runs.size() > kMostRuns) {
        throw NotExpressible{"gathers indices in " + std::to_string(runs.size()) +
                             " runs that do not follow each other"};
    }
    if (runs.size() == 1) {
        return add_places(node, value, axis, runs[0], "");
    }
    std::vector<Value> parts;
    for (const Places& run : runs) {
        parts.push_back(add_slice(node, value, axis, run.begin, run.last() + 1, 0, kPart));
    }
    return add_joined(node, parts, axis, "");
}

}  // namespace

Value add_slice(NodeReader& node, const Value& value, std::size_t axis, std::int64_t begin,
                std::int64_t end, std::size_t output, const std::string& part) {
    if (begin < 0 || begin >= end || end > value.dims[axis]) {
        throw NotExpressible{"[" + std::to_string(begin) + ", " + std::to_string(end) +
                             ") is no part of the " + std::to_string(value.dims[axis]) +
                             " along axis " + std::to_string(axis)};
    }
    if (begin == 0 && end == value.dims[axis]) {
        node.set_output(output, value);
        return value;
    }
    if (lies_elsewhere(value, node.graph().batch())) {
        const auto before = static_cast<std::size_t>(value.order[axis]);
        Value taken =
            permuted(add_slice(node, before_transposing(value), before, begin, end, output, part),
                     value.order);
        node.set_output(output, taken);
        return taken;
    }
    const Item item = node.graph().item(value.dims);
    DraftLayer layer = node.start("slice", part);
    std::int64_t place = item_axis(item, axis, node.graph().batch());
    Shape made = item.shape;
    if (made.size() > kMostAxes) {
        made = around(made, place);
        place = 1;
    }
    layer.set("axis", place);
    layer.set("begin", begin).set("end", end);
    layer.inputs = {node.graph().read(value, made)};
    Dims dims = value.dims;
    dims[axis] = end - begin;
    made.at(static_cast<std::size_t>(place)) = end - begin;
    return node.finish_as(std::move(layer), made, dims, value.precision, std::nullopt, output);
}

Value add_look_up(NodeReader& node, const Value& table, const Value& numbers,
                  const std::string& part) {
    if (table.rank() == 0) {
        throw Contradiction{"looks up in a single number"};
    }
    words_of(table.dims);
    const std::int64_t features = words_of({table.dims.begin() + 1, table.dims.end()});
    const std::int64_t positions = words_of(node.graph().item(numbers.dims).shape);
    DraftLayer layer = node.start("embedding", part);
    layer.inputs = {node.graph().read(numbers, {positions})};
    layer.set("rows", table.dims[0]).set("features", features);
    node.graph().share_weights(layer, table.tensor, {table.dims[0], features}, table.precision);
    Dims dims = numbers.dims;
    dims.insert(dims.end(), table.dims.begin() + 1, table.dims.end());
    return node.finish_as(std::move(layer), {positions, features}, dims, table.precision,
                          table.precision);
}

void read_split(NodeReader& node) {
    const Value value = node.input(0);
    const std::size_t axis = node.axis(node.integer("axis", 0), value.rank());
    const std::size_t parts = node.node().outputs.size();
    const auto wanted = static_cast<std::int64_t>(parts);
    if (node.integer("num_outputs", wanted) != wanted) {
        throw Contradiction{"num_outputs differs from its " + std::to_string(parts) + " outputs"};
    }
    if (parts == 0 || parts > kMostParts) {
        throw NotExpressible{"splits into " + std::to_string(parts) + " parts"};
    }
    const auto count = static_cast<std::int64_t>(parts);
    Dims sizes = node.numbers(1).value_or(node.integers("split", {}));
    if (sizes.empty()) {
        // Equal parts, the last one smaller where that does not come out even.
        const std::int64_t part = (value.dims[axis] + count - 1) / count;
        sizes.assign(parts, part);
        sizes.back() = value.dims[axis] - part * (count - 1);
    }
    if (sizes.size() != parts) {
        throw Contradiction{"sizes for another number of parts than " + std::to_string(parts)};
    }
    std::int64_t begin = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        if (sizes[part] < 1 || sizes[part] > value.dims[axis]) {
            throw Contradiction{"a part of " + std::to_string(sizes[part])};
        }
        if (value.is_constant()) {
            Dims dims = value.dims;
            dims[axis] = sizes[part];
            node.set_output(part, unknown_constant(value, dims));
            continue;
        }
        add_slice(node, value, axis, begin, begin + sizes[part], part, "_" + std::to_string(part));
        begin += sizes[part];
    }
}

void read_slice(NodeReader& node) {
    Value value = node.input(0);
    const Dims starts = node.numbers(1).value_or(node.integers("starts", {}));
    const Dims ends = node.numbers(2).value_or(node.integers("ends", {}));
    Dims axes(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
    axes = node.numbers(3).value_or(node.integers("axes", axes));
    const Dims steps = node.numbers(4).value_or(Dims(starts.size(), 1));
    if (ends.size() != starts.size() || axes.size() != starts.size() ||
        steps.size() != starts.size()) {
        throw Contradiction{"starts, ends, axes and steps are not as many of each"};
    }
    node.set_output(0, value);
    for (std::size_t n = 0; n < starts.size(); ++n) {
        const std::size_t axis = node.axis(axes[n], value.rank());
        const Places places = places_of(starts[n], ends[n], steps[n], value.dims[axis]);
        if (value.is_activation()) {
            value = add_places(node, value, axis, places, n + 1 < starts.size() ? kPart : "");
        } else {
            Dims dims = value.dims;
            dims[axis] = places.count;
            value = unknown_constant(value, dims);
        }
    }
    node.set_output(0, value);
}

// MODEL: rows of an activation that computed indices draw are read where they lie; which ones they
// are decides nothing but addresses, so the first ones stand for them.
void read_gather(NodeReader& node) {
    const Value value = node.input(0);
    const Value indices = node.input(1);
    const std::size_t axis = node.axis(node.integer("axis", 0), value.rank());
    const Dims dims = drawn_dims(value.dims, axis, indices.dims);
    if (value.is_constant() && indices.is_constant()) {
        return node.set_output(0, unknown_constant(value, dims));
    }
    if (value.is_constant()) {
        if (axis != 0) {
            throw NotExpressible{"looks up along axis " + std::to_string(axis) + " of a table"};
        }
        add_look_up(node, value, indices);
        return;
    }
    const auto numbers = whole_numbers(&indices.constant);
    Value drawn;
    if (indices.is_constant() && numbers && !numbers->empty()) {
        drawn = add_drawn(node, value, axis, *numbers);
    } else {
        const std::int64_t count = words_of(indices.dims);
        if (count > value.dims[axis] || node.graph().batch() > 1) {
            throw NotExpressible{"draws " + std::to_string(count) + " of " +
                                 std::to_string(value.dims[axis]) +
                                 " by indices that are computed"};
        }
        drawn = add_slice(node, value, axis, 0, count, 0, "");
    }
    node.rename(drawn, dims);
}

}  // namespace memwall::importers::onnx
