// SPDX-License-Identifier: Apache-2.0
// Tensors put together, padded and resized.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parse.hpp"
#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"

namespace memwall::importers::onnx {
namespace {

constexpr std::size_t kMostParts = 4096;
constexpr double kLargestSide = 1 << 30;

/// An activation that is joined with others, and what constants add along the axis on either side.
struct Joined {
    const Value* value;
    std::int64_t before, behind;
};

Value add_constants(NodeReader& node, const Value& value, std::size_t axis, std::int64_t before,
                    std::int64_t behind) {
    const Item item = node.graph().item(value.dims);
    const auto place = static_cast<std::size_t>(item_axis(item, axis, node.graph().batch()));
    Dims padding(2 * item.shape.size(), 0);
    padding[place] = before;
    padding[item.shape.size() + place] = behind;
    DraftLayer layer = node.start("pad");
    layer.inputs = {node.graph().read(value, item.shape)};
    layer.set_list("padding", padding);
    Dims dims = value.dims;
    dims[axis] += before + behind;
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

/// The sizes that a Resize states, or that follow from its scales.
Dims resized(const NodeReader& node, const Dims& from) {
    // Upsample and the first Resize have scales as input 1, later ones a region there.
    const bool later = node.node().inputs.size() > 2 && node.node().op == "Resize";
    const std::string ratio = node.word("keep_aspect_ratio_policy", "stretch");
    if (later && node.has(3)) {
        if (ratio != "stretch") {
            throw NotExpressible{"sizes that keep the ratio of the image's sides"};
        }
        return spread(node, *node.numbers(3), from);
    }
    const auto attribute = node.node().attributes.find("scales");
    std::vector<double> scales;
    if (attribute != node.node().attributes.end()) {
        scales = attribute->second.reals;
    } else {
        scales = node.constant(later ? 2 : 1).constant.numbers.value_or(scales);
    }
    scales = spread(node, scales, std::vector<double>(from.size(), 1.0));
    Dims wanted;
    for (std::size_t axis = 0; axis < std::min(scales.size(), from.size()); ++axis) {
        const double size = std::floor(static_cast<double>(from[axis]) * scales[axis]);
        if (!(size >= 1 && size <= kLargestSide)) {
            throw NotExpressible{"a scale of " + shortest(scales[axis]) + " along axis " +
                                 std::to_string(axis)};
        }
        wanted.push_back(whole(size));
    }
    return wanted;
}

/// Joins the inputs at these positions.
void join(NodeReader& node, const std::vector<std::size_t>& positions) {
    if (positions.empty() || positions.size() > kMostParts) {
        throw NotExpressible{"joins " + std::to_string(positions.size()) + " tensors"};
    }
    const Value& first = node.input(positions[0]);
    const std::size_t axis = node.axis(node.integer("axis", 0), first.rank());
    Dims dims = first.dims;
    dims[axis] = 0;
    std::vector<Joined> joined;
    std::int64_t constants = 0;  // before the first activation
    for (const std::size_t position : positions) {
        const Value& value = node.input(position);
        Dims beside = value.dims;
        words_of(beside);
        if (beside.size() == dims.size()) {
            beside[axis] = dims[axis];
        }
        if (beside != dims) {
            throw Contradiction{"shapes do not meet: " + text_of(first.dims) + " and " +
                                text_of(value.dims)};
        }
        dims[axis] += value.dims[axis];
        if (value.is_activation()) {
            joined.push_back({&value, constants, 0});
            constants = 0;
        } else {
            (joined.empty() ? constants : joined.back().behind) += value.dims[axis];
        }
    }
    if (joined.empty()) {
        return node.set_output(0, unknown_constant(first, dims));
    }
    std::vector<Value> read;
    for (const Joined& each : joined) {
        read.push_back(each.before + each.behind == 0
                           ? *each.value
                           : add_constants(node, *each.value, axis, each.before, each.behind));
    }
    if (read.size() == 1) {
        return node.set_output(0, read[0]);
    }
    const std::int64_t place = item_axis(node.graph().item(dims), axis, node.graph().batch());
    DraftLayer layer = node.start("concat");
    for (const Value& value : read) {
        layer.inputs.push_back(node.graph().read(value, node.graph().item(value.dims).shape));
    }
    layer.set("axis", place);
    Precision precision = read[0].precision;
    for (const Value& value : read) {
        precision = widest(precision, value.precision);
    }
    node.finish(std::move(layer), dims, precision);
}

}  // namespace

void read_concat(NodeReader& node) {
    if (node.graph().keeps_past(node.node())) {
        return read_past(node);
    }
    std::vector<std::size_t> positions(node.node().inputs.size());
    std::iota(positions.begin(), positions.end(), 0);
    join(node, positions);
}

// The scale and zero point of the result, then each tensor with its own.
void read_qlinear_concat(NodeReader& node) {
    std::vector<std::size_t> positions;
    for (std::size_t position = 2; position < node.node().inputs.size(); position += 3) {
        positions.push_back(position);
    }
    join(node, positions);
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
        if (pads[n] > 0) {
            node.graph().keep_apart(value, axis);
        }
        if (!item.leaves_out(axis)) {
            padding.push_back(pads[n]);
        } else if (pads[n] > 0) {
            throw AcrossItems{};
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
    const Dims wanted = resized(node, value.dims);
    const std::string mode = node.word("mode", "nearest");
    if (wanted.size() != value.rank() || value.rank() < 3 || wanted[0] != value.dims[0] ||
        wanted[1] != value.dims[1] ||
        (mode != "nearest" && mode != "linear" && mode != "bilinear" && mode != "cubic")) {
        throw NotExpressible{"needs scales or sizes of an image, nearest, linear or cubic"};
    }
    words_of(wanted);
    const bool smaller = !std::equal(value.dims.begin(), value.dims.end(), wanted.begin(),
                                     [](std::int64_t from, std::int64_t to) { return from <= to; });
    if (smaller && mode != "nearest" && node.integer("antialias", 0) != 0) {
        throw NotExpressible{"antialias: means over all of a smaller image's parts"};
    }
    if (node.word("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize") {
        throw NotExpressible{"a part of the image that is cut out and resized"};
    }
    node.graph().keep_apart_from(value, 2);
    DraftLayer layer = node.start("resize");
    layer.inputs = {node.graph().read(value, node.graph().item(value.dims).shape)};
    layer.set_list("size", {wanted.begin() + 2, wanted.end()});
    layer.set_text("mode", mode == "nearest" ? "nearest"
                           : mode == "cubic" ? "bicubic"
                                             : "bilinear");
    node.finish(std::move(layer), wanted, value.precision);
}

}  // namespace memwall::importers::onnx
