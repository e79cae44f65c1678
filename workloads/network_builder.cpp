// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_builder.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "workloads/layer_graph.hpp"
#include "workloads/ops/build.hpp"
#include "workloads/ops/limits.hpp"
#include "workloads/planned_shapes.hpp"

namespace memwall {
namespace {

class Builder {
public:
    Builder(const NetworkEntry& entry, Diagnostics& faults)
        : entry_(entry),
          faults_(faults),
          shapes_(entry.inputs.size() + entry.layers.size()),
          made_(entry.layers.size()) {}

    NetworkParts build() {
        add_tensors();
        find_inputs();
        check_keep();
        for (const LayerId id : order_layers()) {
            plan(id.position());
        }
        share_weights();
        for (std::vector<Layer>& layers : made_) {
            std::move(layers.begin(), layers.end(), std::back_inserter(parts_.layers));
        }
        check_inputs_are_read();
        parts_.name = entry_.name;
        parts_.source = entry_.source;
        return std::move(parts_);
    }

private:
    [[nodiscard]] TensorId output_of(std::size_t layer) const {
        return TensorId(entry_.inputs.size() + layer);
    }

    /// Reports a fault of a layer; of a repeated one only the first time.
    void error(const LayerEntry& layer, const SourceMark& where, const std::string& message) {
        const auto place = std::make_pair(layer.where.line, layer.where.column);
        if (!layer.again || !wrong_.contains(place)) {
            faults_.error(where, message);
            wrong_.insert(place);
        }
    }

    static std::optional<Sparsity> sparsity(const std::optional<double>& density) {
        return density ? std::optional(Sparsity{*density}) : std::nullopt;
    }

    void add_tensors() {
        for (const InputEntry& input : entry_.inputs) {
            Tensor tensor;
            tensor.kind = TensorKind::input;
            tensor.name = input.name.name;
            tensor.stated_precision = input.precision;
            tensor.sparsity = sparsity(input.density);
            shapes_.set_input(parts_.tensors.size(), input.shape);
            tensor.shape = input.shape.value_or(Shape{});
            add_name(input.name, TensorId(parts_.tensors.size()));
            parts_.tensors.push_back(std::move(tensor));
        }
        for (const LayerEntry& layer : entry_.layers) {
            Tensor tensor;
            tensor.name = layer.name.name;
            tensor.stated_precision = layer.output_precision;
            tensor.sparsity = sparsity(layer.density);
            add_name(layer.name, TensorId(parts_.tensors.size()));
            parts_.tensors.push_back(std::move(tensor));
        }
    }

    void add_name(const NameAt& name, TensorId id) {
        if (name.name.empty()) {
            return;
        }
        const auto [first, is_new] = names_.emplace(name.name, std::make_pair(id, name.where));
        if (!is_new) {
            faults_.error(name.where, "duplicate name '" + name.name + "' (first at line " +
                                          std::to_string(first->second.second.line) + ")");
        }
    }

    [[nodiscard]] std::vector<std::string> known_names() const {
        std::vector<std::string> known;
        for (const auto& [name, at] : names_) {
            known.push_back(name);
        }
        return known;
    }

    void find_inputs() {
        for (const LayerEntry& layer : entry_.layers) {
            std::vector<TensorId> ids;
            for (const NameAt& input : layer.inputs) {
                const auto found = names_.find(input.name);
                ids.push_back(found == names_.end() ? TensorId() : found->second.first);
                if (found == names_.end() && !input.name.empty()) {
                    error(layer, input.where,
                          "unknown input '" + input.name + "' of layer '" + layer.name.name + "'" +
                              suggestion(input.name, known_names()));
                }
            }
            read_.push_back(std::move(ids));
        }
    }

    /// Only of a network that is right otherwise: a wrong name may have meant it.
    void check_inputs_are_read() {
        std::set<TensorId> used;
        for (const std::vector<TensorId>& ids : read_) {
            used.insert(ids.begin(), ids.end());
        }
        const bool right_so_far = faults_.empty();
        for (std::size_t i = 0; i < entry_.inputs.size(); ++i) {
            if (right_so_far && !used.contains(TensorId(i))) {
                faults_.error(entry_.inputs[i].name.where,
                              "input '" + entry_.inputs[i].name.name + "' is read by no layer");
            }
        }
    }

    void check_keep() {
        std::vector<std::string> layers;
        for (const LayerEntry& layer : entry_.layers) {
            layers.push_back(layer.name.name);
        }
        for (const NameAt& name : entry_.keep_precision) {
            if (std::find(layers.begin(), layers.end(), name.name) == layers.end()) {
                faults_.error(name.where, "unknown layer '" + name.name + "' in 'keep_precision'" +
                                              suggestion(name.name, layers));
            }
            parts_.keep_precision.push_back(name.name);
        }
    }

    std::vector<LayerId> order_layers() {
        std::vector<std::pair<LayerId, LayerId>> edges;
        for (std::size_t l = 0; l < read_.size(); ++l) {
            for (const TensorId input : read_[l]) {
                if (input.valid() && input.position() >= entry_.inputs.size()) {
                    edges.emplace_back(LayerId(input.position() - entry_.inputs.size()),
                                       LayerId(l));
                }
            }
        }
        const LayerGraph graph(read_.size(), std::move(edges));
        for (const std::vector<LayerId>& cycle : graph.cycles()) {
            std::string path;
            for (const LayerId id : cycle) {
                path += entry_.layers[id.position()].name.name + " -> ";
            }
            const LayerEntry& first = entry_.layers[cycle[0].position()];
            error(first, first.where, "cycle: " + path + first.name.name);
        }
        return graph.order();
    }

    /// The shapes of a layer's inputs; nothing where one is unknown or their number is wrong.
    std::optional<std::vector<Shape>> input_shapes(std::size_t l) {
        const LayerEntry& layer = entry_.layers[l];
        const std::size_t count = layer.inputs.size();
        if (count < layer.op->least_inputs || count > layer.op->most_inputs) {
            const bool few = count < layer.op->least_inputs;
            const bool fixed = layer.op->least_inputs == layer.op->most_inputs;
            const std::size_t takes = few ? layer.op->least_inputs : layer.op->most_inputs;
            error(layer, layer.inputs_where,
                  "layer '" + layer.name.name + "': " + layer.op->name + " takes " +
                      (fixed ? "" : (few ? "at least " : "at most ")) + std::to_string(takes) +
                      (takes == 1 ? " input" : " inputs") + ", found " + std::to_string(count));
            return std::nullopt;
        }
        return shapes_.of(read_[l]);
    }

    void plan(std::size_t l) {
        const LayerEntry& layer = entry_.layers[l];
        if (!layer.plan || planned_ > kMostPlannedLayers) {
            return;
        }
        const auto inputs = input_shapes(l);
        if (!inputs) {
            return;
        }
        Diagnostics found;
        const bool channels_first = shapes_.channels_first(read_[l]);
        auto plan = layer.plan({layer.name.name, *inputs, layer.where, found, channels_first});
        for (const Diagnostic& fault : found.faults()) {
            error(layer, fault.where, fault.message + entry_.hint);
        }
        if (!plan) {
            return;
        }
        planned_ += plan->parts.size();
        if (planned_ > kMostPlannedLayers) {
            faults_.error(layer.where, "more than 200,000 layers at layer '" + layer.name.name +
                                           "', each step of a cell and each part of an attention "
                                           "counted");
            return;
        }
        for (const LayerPart& part : plan->parts) {
            if (!ops::can_be_counted(part.plan)) {
                error(layer, layer.where,
                      "layer '" + layer.name.name + "' is too large to be counted");
                return;
            }
        }
        const Shape& made = plan->parts.back().plan.output;
        if (layer.shape && *layer.shape != made) {
            error(layer, layer.shape_where,
                  "layer '" + layer.name.name + "': shape " + text(*layer.shape) +
                      " was stated, but " + text(made) + " follows from its inputs");
        }
        const bool weighted =
            std::any_of(plan->parts.begin(), plan->parts.end(),
                        [](const LayerPart& part) { return !part.plan.weights.empty(); });
        if (layer.weights && !weighted) {
            error(
                layer, layer.weights->where,
                "layer '" + layer.name.name + "': " + layer.op->name + " has no weights to share");
            return;
        }
        shapes_.set_result(output_of(l), made, *layer.op, read_[l]);
        const auto as_stated = stated_layer(layer, channels_first);
        for (LayerPart& part : plan->parts) {
            fill(l, std::move(part), plan->composite);
            made_[l].back().stated = as_stated;
        }
    }

    /// Adds the next primitive layer of entry `l`.
    void fill(std::size_t l, LayerPart part, bool of_composite) {
        const LayerEntry& entry = entry_.layers[l];
        Layer layer;
        layer.name = entry.name.name + (part.name.empty() ? "" : "." + part.name);
        layer.op = part.op.empty() ? entry.op->name : part.op;
        if (of_composite) {
            layer.composite = CompositeOrigin{entry.name.name, entry.op->name};
        }
        layer.where = entry.where;
        layer.precision = entry.precision.applied_to(entry_.precision.applied_to(LayerPrecision{}));
        layer.other_parameters = part.plan.other_parameters;
        layer.scaled_axis = part.plan.scaled_axis;
        layer.inputs = of_composite ? part_inputs(l, part) : read_[l];
        layer.outputs = {part.name.empty() ? output_of(l) : add_inner(entry, layer.name)};
        Tensor& made = parts_.tensors[layer.outputs[0].position()];
        made.shape = part.plan.output;
        made.kind = part.plan.state ? TensorKind::state : TensorKind::activation;
        if (entry.weights && of_composite) {
            layer.other_parameters = 0;
        }
        if (entry.weights && !part.plan.weights.empty()) {
            const std::string& shown =
                part.weights_of ? made_[l].at(*part.weights_of).name : layer.name;
            sharing_.push_back({l, made_[l].size(),
                                entry.weights->name + shown.substr(entry.name.name.size()),
                                part.plan.weights});
        } else if (part.weights_of) {
            layer.weights = made_[l].at(*part.weights_of).weights;
            layer.other_parameters = 0;
        } else if (!part.plan.weights.empty()) {
            layer.weights = add_weights(entry, layer.name, part.plan.weights);
        }
        layer.space = std::move(part.plan.space);
        std::size_t next = 0;
        for (Operand& operand : layer.space.operands) {
            switch (operand.role) {
                case TensorRole::inputs:
                    operand.tensor = layer.inputs.at(next++);
                    break;
                case TensorRole::weights:
                    operand.tensor = layer.weights;
                    break;
                default:
                    operand.tensor = layer.outputs[0];
                    break;
            }
        }
        made_[l].push_back(std::move(layer));
    }

    [[nodiscard]] std::vector<TensorId> part_inputs(std::size_t l, const LayerPart& part) const {
        std::vector<TensorId> inputs;
        for (const PartSource& source : part.inputs) {
            inputs.push_back(source.kind == PartSource::Kind::input
                                 ? read_[l].at(source.position)
                                 : made_[l].at(source.position).outputs[0]);
        }
        return inputs;
    }

    /// The result of a part that is not the last one.
    TensorId add_inner(const LayerEntry& layer, const std::string& name) {
        Tensor tensor;
        tensor.name = name;
        check_is_free(layer, name, "a part");
        parts_.tensors.push_back(std::move(tensor));
        return TensorId(parts_.tensors.size() - 1);
    }

    void check_is_free(const LayerEntry& layer, const std::string& name, const std::string& what) {
        if (names_.contains(name)) {
            error(layer, layer.name.where,
                  "the name '" + name + "' is that of " + what + " of layer '" + layer.name.name +
                      "'");
        }
    }

    TensorId add_weights(const LayerEntry& entry, const std::string& layer, const Shape& shape) {
        Tensor weights;
        weights.name = layer + ".weights";
        weights.kind = TensorKind::weights;
        weights.shape = shape;
        check_is_free(entry, weights.name, "the weights");
        parts_.tensors.push_back(std::move(weights));
        return TensorId(parts_.tensors.size() - 1);
    }

    /// Gives the layers that say `weights: LAYER` the weights of that layer.
    void share_weights() {
        std::map<std::string, const Layer*> owners;
        std::vector<std::string> names;
        for (const std::vector<Layer>& layers : made_) {
            for (const Layer& layer : layers) {
                if (layer.weights.valid()) {
                    owners.emplace(layer.name, &layer);
                    names.push_back(layer.name);
                }
            }
        }
        for (const Sharing& each : sharing_) {
            const LayerEntry& entry = entry_.layers[each.entry];
            const auto owner = owners.find(each.owner);
            if (owner == owners.end()) {
                error(entry, entry.weights->where,
                      "layer '" + entry.name.name + "': no layer '" + each.owner +
                          "' with weights of its own" + suggestion(each.owner, names));
                continue;
            }
            const TensorId weights = owner->second->weights;
            const Shape& shape = parts_.tensors[weights.position()].shape;
            if (shape != each.shape) {
                error(entry, entry.weights->where,
                      "layer '" + entry.name.name + "' needs weights of shape " + text(each.shape) +
                          ", those of '" + each.owner + "' are " + text(shape));
                continue;
            }
            Layer& layer = made_[each.entry].at(each.part);
            layer.weights = weights;
            for (Operand& operand : layer.space.operands) {
                if (operand.role == TensorRole::weights) {
                    operand.tensor = weights;
                }
            }
        }
    }

    /// A layer that uses weights of another one, and the shape that it needs.
    struct Sharing {
        std::size_t entry;
        std::size_t part;   ///< of the entry
        std::string owner;  ///< the primitive layer
        Shape shape;
    };

    const NetworkEntry& entry_;
    Diagnostics& faults_;
    NetworkParts parts_;
    std::map<std::string, std::pair<TensorId, SourceMark>> names_;
    std::vector<std::vector<TensorId>> read_;  ///< by layer
    PlannedShapes shapes_;                     ///< of the inputs and the results of entries
    std::vector<std::vector<Layer>> made_;     ///< by entry
    std::vector<Sharing> sharing_;
    std::set<std::pair<int, int>> wrong_;
    std::size_t planned_ = 0;  ///< layers, each part of a composite
};

}  // namespace

NetworkParts build_network(const NetworkEntry& entry, Diagnostics& faults) {
    return Builder(entry, faults).build();
}

}  // namespace memwall
