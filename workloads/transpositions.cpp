// SPDX-License-Identifier: Apache-2.0
#include "workloads/transpositions.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "workloads/ops/op.hpp"

namespace memwall {
namespace {

/// A part of an index: it takes `size` values, `stride` words apart in the tensor as it is stored.
struct Digit {
    std::int64_t size = 1;
    std::int64_t stride = 1;
};
/// What the index of a word is made of, from the outermost axis on.
using Digits = std::vector<Digit>;

/// How many words apart neighbours along each axis lie.
std::vector<std::int64_t> strides_of(const Shape& shape) {
    std::vector<std::int64_t> strides(shape.size(), 1);
    for (std::size_t axis = shape.size(); axis-- > 1;) {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    return strides;
}

/// The digits of each axis of a tensor of `shape`; nothing where an axis ends within a digit that
/// it does not divide.
std::optional<std::vector<Digits>> by_axis(Digits digits, const Shape& shape) {
    std::vector<Digits> axes(shape.size());
    for (std::size_t axis = shape.size(); axis-- > 0;) {
        std::int64_t left = shape[axis];
        while (left > 1) {
            while (!digits.empty() && digits.back().size == 1) {
                digits.pop_back();
            }
            if (digits.empty()) {
                return std::nullopt;
            }
            Digit& last = digits.back();
            Digit taken = last;
            if (left % last.size == 0) {
                digits.pop_back();
            } else if (last.size % left == 0) {
                taken.size = left;
                last = {last.size / left, last.stride * left};
            } else {
                return std::nullopt;
            }
            left /= taken.size;
            axes[axis].insert(axes[axis].begin(), taken);
        }
    }
    return axes;
}

/// How many strides it takes to step through the digits in order.
std::size_t steps(const Digits& digits) {
    std::size_t count = 0;
    std::int64_t next = 0;
    for (std::size_t at = digits.size(); at-- > 0;) {
        count += at + 1 == digits.size() || digits[at].stride != next ? 1 : 0;
        next = digits[at].stride * digits[at].size;
    }
    return count;
}

/// Axis i of the result is axis order[i] of the input; nothing where the layer is another copy.
std::optional<std::vector<std::size_t>> order_of(const Layer& layer) {
    const IterationSpace& space = layer.space;
    if (space.operation != PointOperation::vector || space.vector_operations_per_point != 1 ||
        layer.weights.valid() || space.operands.size() != 2 || !space.whole_dims.empty() ||
        space.operands[0].projection.gather) {
        return std::nullopt;
    }
    const std::vector<Axis>& read = space.operands[0].projection.axes;
    const std::vector<Axis>& made = space.operands[1].projection.axes;
    std::vector<std::size_t> order;
    for (std::size_t axis = 1; axis < made.size(); ++axis) {
        const auto from = std::find(read.begin() + 1, read.end(), made[axis]);
        if (made.size() != read.size() || from == read.end()) {
            return std::nullopt;
        }
        order.push_back(static_cast<std::size_t>(from - read.begin()) - 1);
    }
    return std::is_sorted(order.begin(), order.end()) ? std::nullopt : std::optional(order);
}

// MODEL: a transposition costs nothing where a product can write its result in the other order, or
// where all readers can read the input in its place: each of their axes walks it with one stride,
// the axis that a product sums over (or makes) with two, as heads that are merged (or split).
// Others, such as the partition of an image into windows or a shuffle of channels, are a copy.
class Finder {
public:
    explicit Finder(const NetworkParts& parts) : parts_(parts) {}

    std::vector<LayerId> find() {
        for (std::size_t l = parts_.layers.size(); l-- > 0;) {
            const Layer& layer = parts_.layers[l];
            const auto order = layer.no_work ? std::nullopt : order_of(layer);
            if (order && (is_written_so(layer, *order) || is_read_so(layer, *order))) {
                free_.insert(LayerId(l));
            }
        }
        return {free_.begin(), free_.end()};
    }

private:
    [[nodiscard]] const Tensor& tensor(TensorId id) const { return parts_.tensors[id.position()]; }
    [[nodiscard]] const Layer& layer(LayerId id) const { return parts_.layers[id.position()]; }

    static bool indexes(const std::vector<Axis>& axes, Dim dim) {
        return std::any_of(axes.begin(), axes.end(), [&](const Axis& axis) {
            return std::any_of(axis.terms.begin(), axis.terms.end(),
                               [&](const AxisTerm& term) { return term.dim == dim; });
        });
    }

    static bool is_plain(const Axis& axis) {
        return axis.terms.size() == 1 && axis.terms[0].coefficient == 1 && axis.offset == 0;
    }

    /// Whether a product makes the input, for nobody else, and can write it in the other order. It
    /// may write each axis with one stride, and its output features with two: as heads.
    [[nodiscard]] bool is_written_so(const Layer& of, const std::vector<std::size_t>& order) const {
        TensorId made = of.inputs[0];
        while (tensor(made).consumers.size() == 1 && tensor(made).producer.valid() &&
               !layer(tensor(made).producer).space.has_operands()) {
            made = layer(tensor(made).producer).inputs[0];
        }
        if (tensor(made).consumers.size() != 1 || !tensor(made).producer.valid()) {
            return false;
        }
        const Layer& product = layer(tensor(made).producer);
        if (product.space.operation != PointOperation::mac) {
            return false;
        }
        const std::vector<std::int64_t> strides = strides_of(tensor(of.outputs[0]).shape);
        const Shape& shape = tensor(of.inputs[0]).shape;
        Digits digits(shape.size());
        for (std::size_t axis = 0; axis < order.size(); ++axis) {
            digits[order[axis]] = {shape[order[axis]], strides[axis]};
        }
        const auto axes = by_axis(digits, tensor(made).shape);
        const std::vector<Axis>& written = product.space.outputs().projection.axes;
        for (std::size_t axis = 0; axes && axis < axes->size(); ++axis) {
            const Axis& one = written[axis + 1];
            const bool features = is_plain(one) && one.terms[0].dim == Dim::K;
            if (!is_plain(one) || steps((*axes)[axis]) > (features ? 2U : 1U)) {
                return false;
            }
        }
        return axes.has_value();
    }

    /// Whether all that read the result, under whatever shapes, can read the input instead.
    [[nodiscard]] bool is_read_so(const Layer& of, const std::vector<std::size_t>& order) const {
        const Shape& shape = tensor(of.inputs[0]).shape;
        const std::vector<std::int64_t> strides = strides_of(shape);
        Digits digits;
        for (const std::size_t axis : order) {
            digits.push_back({shape[axis], strides[axis]});
        }
        const Tensor& result = tensor(of.outputs[0]);
        return !result.consumers.empty() && all_reach(of.outputs[0], digits);
    }

    [[nodiscard]] bool all_reach(TensorId id, const Digits& digits) const {
        const std::vector<LayerId>& readers = tensor(id).consumers;
        return std::all_of(readers.begin(), readers.end(), [&](LayerId reader) {
            const Layer& reads = layer(reader);
            if (!reads.no_work && !free_.contains(reader)) {
                return reaches(reads, id, digits);
            }
            const TensorId seen = reads.outputs[0];
            const auto through =
                free_.contains(reader) ? turned(reads, digits) : taken(id, seen, digits);
            return through && !tensor(seen).consumers.empty() && all_reach(seen, *through);
        });
    }

    /// Behind a transposition that is free itself.
    [[nodiscard]] std::optional<Digits> turned(const Layer& of, const Digits& digits) const {
        const auto axes = by_axis(digits, tensor(of.inputs[0]).shape);
        const auto order = order_of(of);
        if (!axes || !order) {
            return std::nullopt;
        }
        Digits through;
        for (const std::size_t axis : *order) {
            through.insert(through.end(), (*axes)[axis].begin(), (*axes)[axis].end());
        }
        return through;
    }

    /// Behind a rename, or a part along axes that have one stride.
    [[nodiscard]] std::optional<Digits> taken(TensorId from, TensorId seen,
                                              const Digits& digits) const {
        const Shape& whole = tensor(from).shape;
        const Shape& part = tensor(seen).shape;
        if (words(whole) == words(part)) {
            return digits;
        }
        const auto axes = by_axis(digits, whole);
        if (!axes) {
            return std::nullopt;
        }
        Digits through;
        for (std::size_t axis = 0; axis < axes->size(); ++axis) {
            const Digits& one = (*axes)[axis];
            if (part[axis] == whole[axis]) {
                through.insert(through.end(), one.begin(), one.end());
            } else if (steps(one) == 1) {
                through.push_back({part[axis], one.back().stride});
            } else {
                return std::nullopt;
            }
        }
        return through;
    }

    /// Whether a layer can read the words where they lie: each axis with one stride, and the one
    /// that a product sums over with two, as the heads that a linear layer merges.
    [[nodiscard]] bool reaches(const Layer& reader, TensorId id, const Digits& digits) const {
        const auto axes = by_axis(digits, tensor(id).shape);
        const Op* op = find_op(reader.op);
        if (!axes || (op != nullptr && (op->form == OpForm::join || op->form == OpForm::append))) {
            return false;  // the copy can be made in its place there
        }
        const IterationSpace& space = reader.space;
        const std::vector<Axis>& made = space.outputs().projection.axes;
        return std::all_of(
            space.operands.begin(), space.operands.end(), [&](const Operand& operand) {
                if (operand.tensor != id || operand.role == TensorRole::outputs) {
                    return true;
                }
                const std::vector<Axis>& read = operand.projection.axes;
                for (std::size_t axis = 0; axis < axes->size(); ++axis) {
                    const Axis& one = read[axis + 1];
                    const bool summed = space.operation == PointOperation::mac && is_plain(one) &&
                                        !indexes(made, one.terms[0].dim);
                    if (steps((*axes)[axis]) > (summed ? 2U : 1U)) {
                        return false;
                    }
                }
                return true;
            });
    }

    const NetworkParts& parts_;
    std::set<LayerId> free_;
};

}  // namespace

std::vector<LayerId> free_transpositions(const NetworkParts& parts) {
    return Finder(parts).find();
}

}  // namespace memwall
