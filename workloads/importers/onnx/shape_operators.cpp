// SPDX-License-Identifier: Apache-2.0
// What gives words another shape, and what computes shapes.
#include <algorithm>
#include <array>
#include <cmath>

#include "workloads/importers/onnx/operators.hpp"

namespace memwall::importers::onnx {
namespace {

void set_constant(NodeReader& node, Constant constant) {
    if (const std::string fault = unreadable(constant.type); !fault.empty()) {
        throw NotExpressible{"a constant of " + fault};
    }
    Value value;
    value.kind = Value::Kind::constant;
    value.dims = constant.dims;
    value.precision = precision_of(constant.type);
    value.constant = std::move(constant);
    node.set_output(0, std::move(value));
}

std::int64_t product(const Dims& dims, std::size_t begin, std::size_t end) {
    return words_of({dims.begin() + static_cast<std::ptrdiff_t>(begin),
                     dims.begin() + static_cast<std::ptrdiff_t>(end)});
}

Dims axes_of(const NodeReader& node) {
    return node.numbers(1).value_or(node.integers("axes", {}));
}

/// Output 0 has input 0, seen under `dims`, `times` as often along each axis.
void repeat(NodeReader& node, Dims dims, const Dims& times) {
    Value value = node.graph().in_order(node.input(0));
    value.dims = dims;
    Dims made = dims;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        if (times[axis] < 1 || times[axis] > (std::int64_t{1} << 40U) / made[axis]) {
            throw NotExpressible{"repeats " + text_of(dims) + " " + text_of(times) + " times"};
        }
        made[axis] *= times[axis];
    }
    words_of(made);
    if (value.is_constant()) {
        return node.set_output(0, unknown_constant(std::move(value), made));
    }
    // From the inside out, so that a run ends where the words behind it are in their place.
    for (std::size_t axis = dims.size(); axis-- > 0;) {
        if (times[axis] == 1) {
            continue;
        }
        const std::size_t items = node.graph().batch_axis(dims);
        const std::int64_t batch = node.graph().batch();
        if (axis == items && batch > 1) {
            throw AcrossItems{};
        }
        node.set_output(0, value);
        node.graph().settle(node.node().outputs.at(0));
        value = *node.graph().find(node.node().outputs.at(0));
        value.repeats = times[axis];
        value.run = product(dims, axis, dims.size()) / (axis < items ? batch : 1);
        dims[axis] *= times[axis];
        value.dims = dims;
    }
    node.set_output(0, std::move(value));
}

}  // namespace

void read_shape(NodeReader& node) {
    const Value& value = node.input(0);
    const auto rank = static_cast<std::int64_t>(value.rank());
    const auto bound = [&](const char* key, std::int64_t fallback) {
        const std::int64_t stated = node.integer(key, fallback);
        return std::clamp<std::int64_t>(stated < 0 ? stated + rank : stated, 0, rank);
    };
    Constant constant;
    constant.type = ElementType::int64;
    constant.numbers.emplace();
    for (std::int64_t axis = bound("start", 0); axis < bound("end", rank); ++axis) {
        constant.numbers->push_back(
            static_cast<double>(value.dims[static_cast<std::size_t>(axis)]));
    }
    constant.dims = {static_cast<std::int64_t>(constant.numbers->size())};
    set_constant(node, std::move(constant));
}

void read_size(NodeReader& node) {
    const auto words = static_cast<double>(words_of(node.input(0).dims));
    set_constant(node, {ElementType::int64, {}, std::vector<double>{words}});
}

void read_constant(NodeReader& node) {
    const auto& attributes = node.node().attributes;
    if (const auto found = attributes.find("value");
        found != attributes.end() && found->second.tensor) {
        return set_constant(node, *found->second.tensor);
    }
    Constant constant;
    constant.numbers.emplace();
    if (node.has_attribute("value_int")) {
        constant.type = ElementType::int64;
        constant.numbers->push_back(static_cast<double>(node.integer("value_int", 0)));
    } else if (node.has_attribute("value_float")) {
        constant.type = ElementType::fp32;
        constant.numbers->push_back(attributes.at("value_float").real);
    } else if (node.has_attribute("value_ints")) {
        constant.type = ElementType::int64;
        for (const std::int64_t number : node.integers("value_ints", {})) {
            constant.numbers->push_back(static_cast<double>(number));
        }
        constant.dims = {static_cast<std::int64_t>(constant.numbers->size())};
    } else if (node.has_attribute("value_floats")) {
        constant.type = ElementType::fp32;
        constant.numbers = attributes.at("value_floats").reals;
        constant.dims = {static_cast<std::int64_t>(constant.numbers->size())};
    } else {
        throw NotExpressible{"a constant of another kind than numbers"};
    }
    set_constant(node, std::move(constant));
}

void read_reshape(NodeReader& node) {
    const Value value = node.repeated_input(0);
    Dims wanted = node.numbers(1).value_or(node.integers("shape", {}));
    const std::int64_t words = words_of(value.dims);
    std::int64_t known = 1;
    std::size_t open = wanted.size();
    for (std::size_t axis = 0; axis < wanted.size(); ++axis) {
        if (wanted[axis] == 0 && axis < value.rank() && node.integer("allowzero", 0) == 0) {
            wanted[axis] = value.dims[axis];
        }
        if (wanted[axis] == -1 && open == wanted.size()) {
            open = axis;
        } else if (wanted[axis] < 1 || known > words / wanted[axis]) {
            throw Contradiction{"shapes do not meet: " + text_of(value.dims) + " and " +
                                text_of(wanted)};
        } else {
            known *= wanted[axis];
        }
    }
    if (open < wanted.size()) {
        wanted[open] = words / known;
    }
    node.graph().refuse_asked(value, wanted);
    node.rename(value, wanted);
}

void read_flatten(NodeReader& node) {
    const Value value = node.repeated_input(0);
    const auto rank = static_cast<std::int64_t>(value.rank());
    const std::int64_t stated = node.integer("axis", 1);
    const std::int64_t axis = stated < 0 ? stated + rank : stated;
    if (axis < 0 || axis > rank) {
        throw Contradiction{"no axis " + std::to_string(stated)};
    }
    const auto cut = static_cast<std::size_t>(axis);
    node.rename(value, {product(value.dims, 0, cut), product(value.dims, cut, value.rank())});
}

void read_squeeze(NodeReader& node) {
    const Value value = node.repeated_input(0);
    const Dims stated = axes_of(node);
    std::vector<bool> leave_out(value.rank(), false);
    for (const std::int64_t each : stated) {
        leave_out[node.axis(each, value.rank())] = true;
    }
    Dims dims;
    for (std::size_t axis = 0; axis < value.rank(); ++axis) {
        if (stated.empty() ? value.dims[axis] != 1 : !leave_out[axis]) {
            dims.push_back(value.dims[axis]);
        }
    }
    node.rename(value, dims);
}

void read_unsqueeze(NodeReader& node) {
    const Value value = node.repeated_input(0);
    const Dims stated = axes_of(node);
    const std::size_t rank = value.rank() + stated.size();
    std::vector<bool> is_new(rank, false);
    for (const std::int64_t each : stated) {
        is_new[node.axis(each, rank)] = true;
    }
    if (static_cast<std::size_t>(std::count(is_new.begin(), is_new.end(), true)) != stated.size()) {
        throw Contradiction{"an axis named twice"};
    }
    Dims dims;
    std::size_t next = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        dims.push_back(is_new[axis] ? 1 : value.dims[next++]);
    }
    node.rename(value, dims);
}

void read_transpose(NodeReader& node) {
    Value value = node.repeated_input(0);
    Dims order(value.rank());
    for (std::size_t axis = 0; axis < order.size(); ++axis) {
        order[axis] = static_cast<std::int64_t>(order.size() - 1 - axis);
    }
    order = node.integers("perm", order);
    Dims sorted = order;
    std::sort(sorted.begin(), sorted.end());
    Dims dims;
    for (std::size_t axis = 0; axis < sorted.size(); ++axis) {
        if (sorted.size() != value.rank() || sorted[axis] != static_cast<std::int64_t>(axis)) {
            throw Contradiction{"perm " + text_of(order) + " is no order of " +
                                std::to_string(value.rank()) + " axes"};
        }
        dims.push_back(value.dims[static_cast<std::size_t>(order[axis])]);
    }
    if (value.is_activation()) {
        return node.set_output(0, permuted(std::move(value), order));
    }
    value.constant.numbers.reset();
    node.rename(value, dims);
}

void read_expand(NodeReader& node) {
    const Value& value = node.input(0);
    const auto wanted = node.numbers(1);
    const auto dims = wanted ? broadcast(value.dims, *wanted) : std::nullopt;
    if (!dims && node.graph().batch() > 1 && wanted && wanted->size() == value.rank() &&
        wanted->front() > 1 && wanted->front() != value.dims.front()) {
        throw AcrossItems{};
    }
    if (!dims) {
        throw NotExpressible{"a shape that is not known, or does not meet " + text_of(value.dims)};
    }
    Dims padded(dims->size() - value.rank(), 1);
    padded.insert(padded.end(), value.dims.begin(), value.dims.end());
    Dims times = *dims;
    for (std::size_t axis = 0; axis < times.size(); ++axis) {
        times[axis] = padded[axis] == (*dims)[axis] ? 1 : (*dims)[axis];
    }
    repeat(node, padded, times);
}

void read_tile(NodeReader& node) {
    const Dims times = node.numbers(1).value_or(Dims{});
    if (times.size() != node.input(0).rank()) {
        throw Contradiction{"needs a number of repetitions for each of " +
                            std::to_string(node.input(0).rank()) + " axes"};
    }
    repeat(node, Dims(node.input(0).dims), times);
}

// The numbers themselves are folded where they are few.
void read_range(NodeReader& node) {
    std::array<double, 3> numbers{};
    for (std::size_t input = 0; input < numbers.size(); ++input) {
        const auto& known = node.constant(input).constant.numbers;
        if (!known || known->size() != 1) {
            throw NotExpressible{"the number of its input " + std::to_string(input) +
                                 " is not known"};
        }
        numbers.at(input) = (*known)[0];
    }
    if (numbers[2] == 0) {
        throw Contradiction{"a step of 0"};
    }
    const double count = std::ceil((numbers[1] - numbers[0]) / numbers[2]);
    node.set_output(0,
                    unknown_constant(node.constant(0), {std::max<std::int64_t>(0, whole(count))}));
}

void read_eye_like(NodeReader& node) {
    Value value;
    value.kind = Value::Kind::constant;
    value.precision = node.input(0).precision;
    node.set_output(0, unknown_constant(value, Dims(node.input(0).dims)));
}

// MODEL: a one-hot code compares a number with all that it may be.
void read_one_hot(NodeReader& node) {
    const Value& value = node.activation(0);
    const auto depth = node.numbers(1);
    if (!depth || depth->size() != 1 || node.integer("axis", -1) != -1) {
        throw NotExpressible{"needs a depth that is known, along the last axis"};
    }
    Dims dims = value.dims;
    dims.push_back(1);
    const Shape column = node.graph().item(dims).shape;
    dims.back() = (*depth)[0];
    Shape numbers(column.size(), 1);
    numbers.back() = (*depth)[0];
    DraftLayer layer = node.start("compare");
    layer.inputs = {node.graph().read(value, column)};
    layer.set_list("constant", numbers);
    node.finish(std::move(layer), dims, node.has(2) ? node.input(2).precision : value.precision);
}

// What is left of a triangle is as many words: the rest is zeros.
void read_triangle(NodeReader& node) {
    const Value& value = node.input(0);
    if (value.is_constant()) {
        return node.set_output(0, unknown_constant(value, value.dims));
    }
    DraftLayer layer = node.start("where");
    const Shape shape = node.graph().item(value.dims).shape;
    layer.inputs = {node.graph().read(value, shape)};
    Shape mask(shape.size(), 1);
    std::copy(shape.end() - std::min<std::ptrdiff_t>(2, std::ssize(shape)), shape.end(),
              mask.end() - std::min<std::ptrdiff_t>(2, std::ssize(shape)));
    layer.set_list("constant", mask);
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

void read_depth_to_space(NodeReader& node) {
    const Value value = node.activation(0);
    const std::int64_t block = node.integer("blocksize", 0);
    const bool to_space = node.node().op == "DepthToSpace";
    if (value.rank() != 4 || block < 1 || block > (1 << 15)) {
        throw Contradiction{"needs an image and a block size"};
    }
    const Dims& in = value.dims;
    const bool even =
        to_space ? in[1] % (block * block) == 0 : in[2] % block == 0 && in[3] % block == 0;
    if (!even) {
        throw Contradiction{"blocks of " + std::to_string(block) + " do not divide " + text_of(in)};
    }
    node.rename(value, to_space ? Dims{in[0], in[1] / (block * block), in[2] * block, in[3] * block}
                                : Dims{in[0], in[1] * block * block, in[2] / block, in[3] / block});
}

}  // namespace memwall::importers::onnx
