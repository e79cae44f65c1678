// SPDX-License-Identifier: Apache-2.0
#include "arch/layer_arithmetic.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/error.hpp"

namespace memwall {
namespace {

std::int64_t wrapped_add(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::int64_t wrapped_multiply(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

std::int64_t flat(const std::vector<std::int64_t>& axes, const std::vector<std::int64_t>& indices) {
    std::int64_t position = 0;
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
        position = position * axes[axis] + indices[axis];
    }
    return position;
}

/// Goes to the next combination of indices in [begin, end); false after the last.
bool advance(std::vector<std::int64_t>& indices, const std::vector<Range>& ranges) {
    for (std::size_t axis = indices.size(); axis-- > 0;) {
        if (++indices[axis] < ranges[axis].end) {
            return true;
        }
        indices[axis] = ranges[axis].begin;
    }
    return false;
}

std::vector<std::int64_t> begins(const std::vector<Range>& ranges) {
    std::vector<std::int64_t> indices;
    for (const Range& range : ranges) {
        indices.push_back(range.begin);
    }
    return indices;
}

bool is_empty(const std::vector<Range>& ranges) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [](const Range& range) { return range.size() == 0; });
}

/// One point of a layer's space after the other.
class Evaluation {
public:
    Evaluation(const Layer& layer, const StoredWords& stored, OperandReader& reader)
        : layer_(layer), stored_(stored), reader_(reader) {}

    /// What the point contributes to its output; nothing where all its operands are padding.
    std::optional<std::int64_t> contribution(const std::vector<std::int64_t>& point) {
        const IterationSpace& space = layer_.space;
        if (space.mask &&
            !counts(*space.mask, point[index(space.mask->row)], point[index(space.mask->column)])) {
            return std::nullopt;
        }
        std::optional<std::int64_t> value;
        for (std::size_t o = 0; o + 1 < space.operands.size(); ++o) {
            const auto operand = operand_at(o, point);
            if (!operand && space.operation == PointOperation::mac) {
                return std::nullopt;
            }
            if (operand) {
                value = value ? combine(*value, *operand) : *operand;
            }
        }
        if (value && space.operation == PointOperation::vector) {
            return function(*value, point);
        }
        return value;
    }

    /// Nothing where the point lies beyond the result (of a transposed convolution).
    [[nodiscard]] std::optional<std::int64_t> output_position(
        const std::vector<std::int64_t>& point) const {
        return position_of(layer_.space.outputs(), point);
    }

    void add(std::int64_t& output, std::int64_t value) const {
        switch (layer_.space.operation) {
            case PointOperation::mac:
            case PointOperation::add:
                output = wrapped_add(output, value);
                return;
            case PointOperation::max:
                output = std::max(output, value);
                return;
            case PointOperation::multiply:
            case PointOperation::vector:
                output = value;
                return;
        }
    }

private:
    [[nodiscard]] std::optional<std::int64_t> position_of(
        const Operand& operand, const std::vector<std::int64_t>& point) const {
        std::vector<std::int64_t> indices;
        for (const Axis& axis : operand.projection.axes) {
            std::int64_t at = axis.offset;
            for (const AxisTerm& term : axis.terms) {
                at += term.coefficient * point[index(term.dim)];
            }
            if (operand.projection.gather && indices.empty()) {
                at = at * 7 % axis.extent;  // any row will do, the same on both sides
            }
            if (at < 0 || at >= axis.extent) {
                return std::nullopt;
            }
            indices.push_back(at);
        }
        return stored_.position(operand.tensor, indices);
    }

    [[nodiscard]] std::optional<std::int64_t> operand_at(std::size_t o,
                                                         const std::vector<std::int64_t>& point) {
        const auto position = position_of(layer_.space.operands[o], point);
        return position ? std::optional(reader_.read(o, *position)) : std::nullopt;
    }

    [[nodiscard]] std::int64_t combine(std::int64_t a, std::int64_t b) const {
        switch (layer_.space.operation) {
            case PointOperation::mac:
            case PointOperation::multiply:
                return wrapped_multiply(a, b);
            case PointOperation::max:
                return std::max(a, b);
            default:
                return wrapped_add(a, b);
        }
    }

    /// relu and copies as they are. Each other function by an affine one of its own, and those over
    /// a whole row by one that needs the whole row.
    std::int64_t function(std::int64_t value, const std::vector<std::int64_t>& point) {
        if (layer_.op == "relu") {
            return std::max<std::int64_t>(value, 0);
        }
        if (layer_.op == "concat" || layer_.op == "cache" || layer_.op == "select") {
            return value;
        }
        std::int64_t result =
            wrapped_add(wrapped_multiply(value, 3), static_cast<std::int64_t>(layer_.op.size()));
        for (const Dim dim : layer_.space.whole_dims) {
            std::vector<std::int64_t> along = point;
            for (along[index(dim)] = 0; along[index(dim)] < layer_.space.extent(dim);
                 ++along[index(dim)]) {
                result = wrapped_add(result, operand_at(0, along).value_or(0));
            }
        }
        return result;
    }

    const Layer& layer_;
    const StoredWords& stored_;
    OperandReader& reader_;
};

/// Operands and results of a layer in whole tensors.
class WholeTensors final : public OperandReader, public ResultWriter {
public:
    WholeTensors(const Layer& layer, const StoredWords& stored, std::vector<Words>& tensors)
        : layer_(layer), stored_(stored), tensors_(tensors) {}

    std::int64_t read(std::size_t operand, std::int64_t position) override {
        const Words& words = of(layer_.space.operands[operand].tensor);
        ensure(words.known[static_cast<std::size_t>(position)], "layers come in order");
        return words.values[static_cast<std::size_t>(position)];
    }

    std::int64_t& at(std::int64_t position) override {
        Words& words = of(layer_.space.outputs().tensor);
        const auto p = static_cast<std::size_t>(position);
        if (!words.known[p]) {
            words.known[p] = true;
            words.values[p] = neutral(layer_);
        }
        return words.values[p];
    }

private:
    Words& of(TensorId tensor) { return tensors_[stored_.storage(tensor).position()]; }

    const Layer& layer_;
    const StoredWords& stored_;
    std::vector<Words>& tensors_;
};

}  // namespace

StoredWords::StoredWords(const Network& network) : network_(network) {
    for (std::size_t t = 0; t < network.tensors().size(); ++t) {
        const Tensor& tensor = network.tensors()[t];
        std::vector<std::int64_t> axes = tensor.shape;
        if (tensor.is_per_item()) {
            axes.insert(axes.begin(), network.batch());
        }
        axes_.push_back(std::move(axes));
    }
    for (std::size_t t = 0; t < network.tensors().size(); ++t) {
        std::vector<std::int64_t> positions;
        std::vector<Range> ranges;
        for (const std::int64_t extent : axes_[t]) {
            ranges.push_back({0, extent});
        }
        std::vector<std::int64_t> indices = begins(ranges);
        do {
            TensorId at(t);
            std::vector<std::int64_t> here = indices;
            while (network.tensor(at).alias) {
                const Alias& alias = *network.tensor(at).alias;
                if (alias.axis >= 0) {
                    here[static_cast<std::size_t>(alias.axis) + 1] += alias.offset;
                } else {
                    std::int64_t position = flat(axes_[at.position()], here);
                    const auto& to = axes_[alias.of.position()];
                    here.assign(to.size(), 0);
                    for (std::size_t axis = to.size(); axis-- > 0;) {
                        here[axis] = position % to[axis];
                        position /= to[axis];
                    }
                }
                at = alias.of;
            }
            positions.push_back(flat(axes_[at.position()], here));
        } while (advance(indices, ranges));
        positions_.push_back(std::move(positions));
    }
}

std::int64_t StoredWords::count(TensorId view) const {
    std::int64_t product = 1;
    for (const std::int64_t extent : axes_[storage(view).position()]) {
        product *= extent;
    }
    return product;
}

std::vector<std::int64_t> StoredWords::positions(TensorId view, const Region& region) const {
    const std::vector<Range> ranges(region.begin(), region.end());
    ensure(ranges.size() == axes_[view.position()].size(), "a region has the axes of its tensor");
    std::vector<std::int64_t> found;
    if (is_empty(ranges)) {
        return found;
    }
    std::vector<std::int64_t> indices = begins(ranges);
    do {
        found.push_back(position(view, indices));
    } while (advance(indices, ranges));
    return found;
}

std::int64_t StoredWords::position(TensorId view, const std::vector<std::int64_t>& indices) const {
    const auto word = static_cast<std::size_t>(flat(axes_[view.position()], indices));
    return positions_[view.position()].at(word);
}

std::int64_t neutral(const Layer& layer) {
    return layer.space.operation == PointOperation::max ? std::numeric_limits<std::int64_t>::min()
                                                        : 0;
}

void evaluate(const Layer& layer, const Box& box, const StoredWords& stored, OperandReader& reader,
              ResultWriter& writer) {
    const std::vector<Range> ranges(box.ranges.begin(), box.ranges.end());
    if (is_empty(ranges)) {
        return;
    }
    Evaluation evaluation(layer, stored, reader);
    std::vector<std::int64_t> point = begins(ranges);
    do {
        const auto position = evaluation.output_position(point);
        if (!position) {
            continue;
        }
        std::int64_t& output = writer.at(*position);
        if (const auto value = evaluation.contribution(point)) {
            evaluation.add(output, *value);
        }
    } while (advance(point, ranges));
}

std::vector<Words> evaluate(const Network& network, const StoredWords& stored,
                            std::vector<Words> given) {
    for (const Layer& layer : network.layers()) {
        if (!layer.space.has_operands()) {
            continue;
        }
        Words& output = given[stored.storage(layer.outputs.front()).position()];
        if (output.values.empty()) {
            output = Words(stored.count(layer.outputs.front()));
        }
        WholeTensors tensors(layer, stored, given);
        evaluate(layer, layer.space.box(), stored, tensors, tensors);
    }
    return given;
}

}  // namespace memwall
