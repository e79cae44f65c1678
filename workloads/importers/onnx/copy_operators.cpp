// SPDX-License-Identifier: Apache-2.0
// Parts of tensors put together, cut out, padded and repeated.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"

namespace memwall::importers::onnx {
namespace {

constexpr std::size_t kMostParts = 4096;

/// What a constant adds before and behind the one activation that is joined with constants.
Value add_constants(NodeReader& node, const Value& value, std::size_t axis, std::int64_t before,
                    std::int64_t behind, const Dims& dims) {
    const Item item = node.graph().item(value.dims);
    const auto place = static_cast<std::size_t>(item_axis(item, axis, node.graph().batch()));
    Dims padding(2 * item.shape.size(), 0);
    padding[place] = before;
    padding[item.shape.size() + place] = behind;
    DraftLayer layer = node.start("pad");
    layer.inputs = {node.graph().read(value, item.shape)};
    layer.set_list("padding", padding);
    return node.finish(std::move(layer), dims, value.precision);
}

/// The begins and then the ends of all axes; newer operator sets state those of some.
Dims all_pads(const NodeReader& node, std::size_t rank) {
    const Dims stated = node.numbers(1).value_or(node.integers("pads", {}));
    Dims axes(rank);
    std::iota(axes.begin(), axes.end(), 0);
    axes = node.numbers(3).value_or(axes);
    if (stated.size() != 2 * axes.size()) {
        throw Contradiction{"needs a begin and an end for each of " + std::to_string(axes.size()) +
                            " axes"};
    }
    Dims pads(2 * rank, 0);
    for (std::size_t n = 0; n < axes.size(); ++n) {
        const std::size_t axis = node.axis(axes[n], rank);
        pads[axis] = stated[n];
        pads[rank + axis] = stated[axes.size() + n];
    }
    return pads;
}

/// For all axes, where a Resize states some of them: the others keep what `same` has.
template <class T>
std::vector<T> spread(const NodeReader& node, const std::vector<T>& stated, std::vector<T> same) {
    const Dims axes = node.integers("axes", {});
    if (axes.empty() || stated.size() != axes.size()) {
        return stated;
    }
    for (std::size_t n = 0; n < axes.size(); ++n) {
        same[node.axis(axes[n], same.size())] = stated[n];
    }
    return same;
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
    const Item item = node.graph().item(value.dims);
    DraftLayer layer = node.start("slice", part);
    layer.set("axis", item_axis(item, axis, node.graph().batch()));
    layer.set("begin", begin).set("end", end);
    layer.inputs = {node.graph().read(value, item.shape)};
    Dims dims = value.dims;
    dims[axis] = end - begin;
    Shape made = item.shape;
    made.at(axis - item.dropped) = end - begin;
    return node.finish_as(std::move(layer), made, dims, value.precision, std::nullopt, output);
}

Value add_look_up(NodeReader& node, const Value& table, const Value& numbers,
                  const std::string& part) {
    if (table.rank() != 2) {
        throw NotExpressible{"looks up in a table of shape " + text_of(table.dims)};
    }
    words_of(table.dims);
    const std::int64_t positions = words_of(node.graph().item(numbers.dims).shape);
    DraftLayer layer = node.start("embedding", part);
    layer.inputs = {node.graph().read(numbers, {positions})};
    layer.set("rows", table.dims[0]).set("features", table.dims[1]);
    node.graph().share_weights(layer, table.tensor, table.dims, table.precision);
    Dims dims = numbers.dims;
    dims.push_back(table.dims[1]);
    return node.finish_as(std::move(layer), {positions, table.dims[1]}, dims, table.precision,
                          table.precision);
}

void read_concat(NodeReader& node) {
    if (node.node().inputs.empty() || node.node().inputs.size() > kMostParts) {
        throw NotExpressible{"joins " + std::to_string(node.node().inputs.size()) + " tensors"};
    }
    const std::size_t axis = node.axis(node.integer("axis", 0), node.input(0).rank());
    Dims dims = node.input(0).dims;
    dims[axis] = 0;
    std::vector<const Value*> read;
    std::int64_t before = 0;
    std::int64_t behind = 0;
    for (std::size_t position = 0; position < node.node().inputs.size(); ++position) {
        const Value& value = node.input(position);
        Dims beside = value.dims;
        words_of(beside);
        if (beside.size() == dims.size()) {
            beside[axis] = dims[axis];
        }
        if (beside != dims) {
            throw Contradiction{"shapes do not meet: " + text_of(node.input(0).dims) + " and " +
                                text_of(value.dims)};
        }
        dims[axis] += value.dims[axis];
        if (value.is_activation()) {
            read.push_back(&value);
        } else {
            (read.empty() ? before : behind) += value.dims[axis];
        }
    }
    if (read.size() == 1) {
        const Value value = *read[0];
        if (before + behind == 0) {
            return node.set_output(0, value);
        }
        add_constants(node, value, axis, before, behind, dims);
        return;
    }
    if (read.empty() || before + behind > 0) {
        throw NotExpressible{"joins constants"};
    }
    const Item item = node.graph().item(dims);
    DraftLayer layer = node.start("concat");
    for (const Value* value : read) {
        layer.inputs.push_back(node.graph().read(*value, node.graph().item(value->dims).shape));
    }
    layer.set("axis", item_axis(item, axis, node.graph().batch()));
    Precision precision = read[0]->precision;
    for (const Value* value : read) {
        precision = widest(precision, value->precision);
    }
    node.finish(std::move(layer), dims, precision);
}

void read_split(NodeReader& node) {
    const Value value = node.activation(0);
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
        add_slice(node, value, axis, begin, begin + sizes[part], part, "_" + std::to_string(part));
        begin += sizes[part];
    }
}

void read_slice(NodeReader& node) {
    Value value = node.activation(0);
    const Dims starts = node.numbers(1).value_or(node.integers("starts", {}));
    const Dims ends = node.numbers(2).value_or(node.integers("ends", {}));
    Dims axes(starts.size());
    for (std::size_t n = 0; n < axes.size(); ++n) {
        axes[n] = static_cast<std::int64_t>(n);
    }
    axes = node.numbers(3).value_or(node.integers("axes", axes));
    const Dims steps = node.numbers(4).value_or(Dims(starts.size(), 1));
    if (ends.size() != starts.size() || axes.size() != starts.size() ||
        steps != Dims(starts.size(), 1)) {
        throw NotExpressible{"steps other than 1, or starts without ends"};
    }
    node.set_output(0, value);
    for (std::size_t n = 0; n < starts.size(); ++n) {
        const std::size_t axis = node.axis(axes[n], value.rank());
        const std::int64_t size = value.dims[axis];
        const auto place = [&](std::int64_t stated) {
            return std::clamp<std::int64_t>(stated < 0 ? stated + size : stated, 0, size);
        };
        value = add_slice(node, value, axis, place(starts[n]), place(ends[n]), 0, "");
    }
}

void read_gather(NodeReader& node) {
    const Value value = node.input(0);
    const std::size_t axis = node.axis(node.integer("axis", 0), value.rank());
    if (value.is_constant() && node.input(1).is_activation()) {
        if (axis != 0) {
            throw NotExpressible{"looks up in a table of shape " + text_of(value.dims)};
        }
        add_look_up(node, value, node.input(1));
        return;
    }
    const Value& indices = node.constant(1);
    const auto numbers = node.numbers(1);
    if (!value.is_activation() || indices.rank() > 1 || numbers->empty()) {
        throw NotExpressible{"gathers by more than one list of constant indices"};
    }
    const std::int64_t size = value.dims[axis];
    const std::int64_t first = (*numbers)[0] < 0 ? (*numbers)[0] + size : (*numbers)[0];
    for (std::size_t n = 0; n < numbers->size(); ++n) {
        const std::int64_t index = (*numbers)[n] < 0 ? (*numbers)[n] + size : (*numbers)[n];
        if (index != first + static_cast<std::int64_t>(n)) {
            throw NotExpressible{"gathers indices that do not follow each other"};
        }
    }
    Value part = add_slice(node, value, axis, first,
                           first + static_cast<std::int64_t>(numbers->size()), 0, "");
    if (indices.rank() == 0) {
        part.dims.erase(part.dims.begin() + static_cast<std::ptrdiff_t>(axis));
        node.set_output(0, std::move(part));
    }
}

void read_pad(NodeReader& node) {
    const Value value = node.activation(0);
    const Dims pads = all_pads(node, value.rank());
    const Item item = node.graph().item(value.dims);
    Dims dims = value.dims;
    Dims padding;
    bool any = false;
    for (std::size_t n = 0; n < pads.size(); ++n) {
        const std::size_t axis = n % value.rank();
        if (pads[n] < 0 || pads[n] > (std::int64_t{1} << 31U)) {
            throw NotExpressible{"pads " + std::to_string(pads[n])};
        }
        dims[axis] += pads[n];
        any = any || pads[n] > 0;
        if (axis >= item.dropped) {
            padding.push_back(pads[n]);
        } else if (pads[n] > 0) {
            throw NotExpressible{"works across the items of a batch"};
        }
    }
    if (!any) {
        return node.set_output(0, value);
    }
    DraftLayer layer = node.start("pad");
    layer.inputs = {node.graph().read(value, item.shape)};
    layer.set_list("padding", padding);
    node.finish(std::move(layer), dims, value.precision);
}

void read_resize(NodeReader& node) {
    const Value value = node.activation(0);
    // Upsample and the first Resize have scales as input 1, later ones a region there.
    const bool later = node.node().inputs.size() > 2 && node.node().op == "Resize";
    if (node.word("keep_aspect_ratio_policy", "stretch") != "stretch") {
        throw NotExpressible{"sizes that keep the ratio of the image's sides"};
    }
    Dims wanted = later && node.has(3) ? spread(node, *node.numbers(3), value.dims) : Dims{};
    if (wanted.empty()) {
        const auto attribute = node.node().attributes.find("scales");
        std::vector<double> scales;
        if (attribute != node.node().attributes.end()) {
            scales = attribute->second.reals;
        } else {
            scales = node.constant(later ? 2 : 1).constant.numbers.value_or(scales);
        }
        scales = spread(node, scales, std::vector<double>(value.rank(), 1.0));
        for (std::size_t axis = 0; axis < std::min(scales.size(), value.rank()); ++axis) {
            wanted.push_back(
                whole(std::floor(static_cast<double>(value.dims[axis]) * scales[axis])));
        }
    }
    const std::string mode = node.word("mode", "nearest");
    if (wanted.size() != value.rank() || value.rank() < 3 || wanted[0] != value.dims[0] ||
        wanted[1] != value.dims[1] || (mode != "nearest" && mode != "linear")) {
        throw NotExpressible{"needs scales or sizes of an image, nearest or linear"};
    }
    words_of(wanted);
    DraftLayer layer = node.start("resize");
    layer.inputs = {node.graph().read(value, node.graph().item(value.dims).shape)};
    layer.set_list("size", {wanted.begin() + 2, wanted.end()});
    layer.set_text("mode", mode == "linear" ? "bilinear" : "nearest");
    node.finish(std::move(layer), wanted, value.precision);
}

}  // namespace memwall::importers::onnx
