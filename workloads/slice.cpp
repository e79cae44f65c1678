// SPDX-License-Identifier: Apache-2.0
#include "workloads/slice.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"

namespace memwall {
namespace {

/// Tensors by what a slice makes and reads of them.
struct Uses {
    std::vector<bool> made, read, read_elsewhere;

    Uses(const Network& network, const std::vector<bool>& keep)
        : made(network.tensors().size()),
          read(network.tensors().size()),
          read_elsewhere(network.tensors().size()) {
        for (std::size_t l = 0; l < keep.size(); ++l) {
            const Layer& layer = network.layer(LayerId(l));
            if (keep[l]) {
                for (const TensorId output : layer.outputs) {
                    made[output.position()] = true;
                }
                if (layer.weights.valid()) {
                    read[layer.weights.position()] = true;
                }
            }
            for (const TensorId input : layer.inputs) {
                (keep[l] ? read : read_elsewhere)[input.position()] = true;
            }
        }
    }
};

/// Gives the tensors of a slice their new numbers.
class Renumbering {
public:
    explicit Renumbering(std::size_t tensors) : to_(tensors) {}

    void add(std::size_t from, std::size_t to) { to_[from] = TensorId(to); }

    void apply(TensorId& id) const {
        if (id.valid()) {
            id = to_[id.position()];
            ensure(id.valid(), "a slice has all tensors that its layers name");
        }
    }

private:
    std::vector<TensorId> to_;
};

void renumber(Layer& layer, const Renumbering& numbers) {
    for (TensorId& input : layer.inputs) {
        numbers.apply(input);
    }
    for (TensorId& output : layer.outputs) {
        numbers.apply(output);
    }
    numbers.apply(layer.weights);
    for (Operand& operand : layer.space.operands) {
        numbers.apply(operand.tensor);
    }
}

void cut_axes(Projection& projection, Dim dim, std::int64_t extent) {
    for (Axis& axis : projection.axes) {
        if (axis.terms.size() == 1 && axis.terms.front().dim == dim) {
            axis.extent = extent;
        }
    }
}

}  // namespace

std::vector<std::size_t> cut_places(const Network& network, const std::vector<bool>& layers,
                                    Crossing most) {
    constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    const std::size_t count = network.layers().size();
    // From the place behind its producer to the place before its last reader.
    std::vector<std::int64_t> crossing(count + 1);
    std::vector<std::int64_t> held(count + 1);
    for (const Tensor& tensor : network.tensors()) {
        if (tensor.is_weight()) {
            continue;
        }
        std::size_t first = tensor.producer.valid() && layers[tensor.producer.position()]
                                ? tensor.producer.position()
                                : kNone;
        std::size_t last = kNone;
        for (const LayerId consumer : tensor.consumers) {
            if (layers[consumer.position()]) {
                first = std::min(first, consumer.position());
                last = last == kNone ? consumer.position() : std::max(last, consumer.position());
            }
        }
        for (std::size_t place = first + 1; last != kNone && place <= last; ++place) {
            ++crossing[place];
            held[place] += tensor.kind == TensorKind::state ? 1 : 0;
        }
    }
    std::vector<std::size_t> places;
    std::size_t before = 0;
    std::size_t behind = static_cast<std::size_t>(std::count(layers.begin(), layers.end(), true));
    for (std::size_t place = 1; place < count; ++place) {
        before += layers[place - 1] ? 1 : 0;
        behind -= layers[place - 1] ? 1 : 0;
        const Layer& next = network.layers()[place];
        const bool joined = next.no_work || next.epilogue_of.valid();
        if (before > 0 && behind > 0 && layers[place - 1] && held[place] == 0 && !joined &&
            (crossing[place] == 1 || most == Crossing::several)) {
            places.push_back(place);
        }
    }
    return places;
}

Network slice_network(const Network& network, const std::vector<bool>& keep,
                      const std::string& name) {
    ensure(keep.size() == network.layers().size(), "a slice says of every layer if it is in");
    const NetworkParts whole = network.parts();
    const Uses uses(network, keep);
    NetworkParts parts;
    parts.name = name;
    parts.source = whole.source;
    parts.batch = whole.batch;
    parts.keep_precision = whole.keep_precision;
    parts.quantised_by = whole.quantised_by;
    Renumbering numbers(whole.tensors.size());
    for (std::size_t t = 0; t < whole.tensors.size(); ++t) {
        if (!uses.made[t] && !uses.read[t]) {
            continue;
        }
        Tensor tensor = whole.tensors[t];
        tensor.producer = LayerId();
        tensor.consumers.clear();
        const bool crosses = uses.made[t] ? uses.read_elsewhere[t] : !tensor.is_weight();
        if (crosses) {  // as it is where it is read
            tensor.stated_precision = network.tensors()[t].precision;
        }
        if (!uses.made[t] && !tensor.is_weight()) {
            tensor.kind = TensorKind::input;
        }
        numbers.add(t, parts.tensors.size());
        parts.tensors.push_back(std::move(tensor));
    }
    for (std::size_t l = 0; l < keep.size(); ++l) {
        if (keep[l]) {
            parts.layers.push_back(whole.layers[l]);
            renumber(parts.layers.back(), numbers);
        }
    }
    return Network(std::move(parts));
}

LayerId divisible_layer(const Network& network) {
    std::optional<LayerId> found;
    for (std::size_t l = 0; l < network.layers().size(); ++l) {
        if (network.layers()[l].macs() > 0) {
            if (found) {
                return {};
            }
            found = LayerId(l);
        }
    }
    const bool last = found && network.outputs().size() == 1 &&
                      network.layer(*found).op == "linear" &&
                      network.outputs().front() == network.layer(*found).outputs.front() &&
                      network.layer(*found).space.extent(Dim::H) == 1;
    return last ? *found : LayerId();
}

Network with_part_of_outputs(const Network& network, std::int64_t part, std::int64_t parts) {
    const LayerId id = divisible_layer(network);
    ensure(id.valid(), "only a network with a divisible layer is divided");
    NetworkParts given = network.parts();
    Layer& layer = given.layers[id.position()];
    const std::int64_t all = layer.space.extent(Dim::K);
    const std::int64_t own = all * (part + 1) / parts - all * part / parts;
    layer.space.extents[index(Dim::K)] = own;
    for (Operand& operand : layer.space.operands) {
        if (operand.role != TensorRole::inputs) {
            cut_axes(operand.projection, Dim::K, own);
        }
        if (operand.role == TensorRole::weights) {
            Shape& shape = given.tensors[operand.tensor.position()].shape;
            for (std::size_t axis = 0; axis < shape.size(); ++axis) {
                shape[axis] = operand.projection.axes[axis].extent;
            }
        }
    }
    given.tensors[layer.outputs.front().position()].shape.back() = own;
    layer.other_parameters = layer.other_parameters * own / all;
    return Network(std::move(given));
}

}  // namespace memwall
