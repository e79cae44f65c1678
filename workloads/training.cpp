// SPDX-License-Identifier: Apache-2.0
#include "workloads/training.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/error.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"
#include "workloads/ops/op.hpp"
#include "workloads/optimizer_layers.hpp"

namespace memwall {
namespace {

// MODEL: two operations for each value and each of the two sums of batch statistics.
constexpr std::int64_t kStatistics = 2;
// MODEL: the loss is a softmax cross-entropy with a label: a softmax (5 operations an element) and
// a subtraction. Labels are a word an item and make no traffic, nor does the loss itself; scaling
// it costs a factor in that subtraction.
constexpr std::int64_t kLoss = 6;

/// The forward pass as training runs it.
class ForwardPass {
public:
    explicit ForwardPass(const Network& network) : parts_(network.parts()) {}

    NetworkParts run() {
        count_readers();
        const bool language = std::any_of(parts_.layers.begin(), parts_.layers.end(),
                                          [](const Layer& layer) { return layer.op == "cache"; });
        std::vector<Layer> layers;
        for (Layer& layer : parts_.layers) {
            set_batch(layer);
            if (layer.op == "cache") {
                drop_cache(layer);
            } else if (layer.op == "batch_norm") {
                layers.push_back(statistics(layer));
            } else if (layer.op == "linear" && language) {
                read_all_positions(layer);
            }
            layers.push_back(std::move(layer));
        }
        parts_.layers = std::move(layers);
        faults_.throw_if_any();
        return std::move(parts_);
    }

private:
    Tensor& tensor(TensorId id) { return parts_.tensors[id.position()]; }

    void count_readers() {
        readers_.assign(parts_.tensors.size(), 0);
        for (const Layer& layer : parts_.layers) {
            for (const TensorId input : layer.inputs) {
                ++readers_[input.position()];
            }
        }
    }

    void set_batch(Layer& layer) {
        layer.space.extents[index(Dim::N)] = parts_.batch;
        for (Operand& operand : layer.space.operands) {
            if (tensor(operand.tensor).is_per_item()) {
                operand.projection.axes[0].extent = parts_.batch;
            }
        }
    }

    /// Nothing stays from step to step: new keys and values are all that there are.
    void drop_cache(Layer& layer) {
        Tensor& result = tensor(layer.outputs[0]);
        if (result.shape != tensor(layer.inputs[0]).shape) {
            faults_.error(layer.where, "layer '" + layer.name +
                                           "': a training step has no positions in a cache before "
                                           "it; its context has to be 0");
        }
        result.kind = TensorKind::activation;
        layer.op = "reshape";
        layer.space = IterationSpace{};
    }

    /// A layer before `norm`: the mean and the variance of each channel of the batch.
    Layer statistics(Layer& norm) {
        const TensorId input = norm.inputs[0];
        const Shape shape = tensor(input).shape;
        std::size_t channel = 0;
        while (channel + 1 < shape.size() && 2 * shape[channel] != norm.other_parameters) {
            ++channel;
        }
        gradients::Reduction reduction;
        reduction.shape = shape;
        reduction.kept = {channel};
        reduction.read = {input};
        reduction.operations = kStatistics;
        reduction.copies = 2;
        BackwardLayer made = gradients::reduction_layer(reduction, parts_.batch);
        Tensor result;
        result.name = norm.name + ".statistics";
        while (std::any_of(parts_.tensors.begin(), parts_.tensors.end(),
                           [&](const Tensor& other) { return other.name == result.name; })) {
            result.name += "'";
        }
        result.kind = TensorKind::batch_sum;
        result.shape = made.shape;
        result.stated_precision = Precision::fp32;
        parts_.tensors.push_back(result);
        const TensorId sums(parts_.tensors.size() - 1);
        Layer layer;
        layer.name = result.name;
        layer.op = "statistics";
        layer.space = std::move(made.space);
        layer.space.operands.back().tensor = sums;
        layer.precision = norm.precision;
        layer.where = norm.where;
        layer.inputs = {input};
        layer.outputs = {sums};
        const std::vector<Axis> axes = ops::shape_axes(shape);
        for (std::int64_t row = 0; row < 2; ++row) {
            norm.inputs.push_back(sums);
            Operand operand = gradients::reads(sums, {{Axis{{}, row, 2}, axes[channel]}});
            norm.space.operands.insert(norm.space.operands.end() - 1, std::move(operand));
        }
        return layer;
    }

    /// A language model's last layer reads the last position only: in training it reads all.
    void read_all_positions(Layer& layer) {
        Tensor& result = tensor(layer.outputs[0]);
        Projection& read = layer.space.operands[0].projection;
        for (std::size_t axis = 1; axis < read.axes.size(); ++axis) {
            Axis& positions = read.axes[axis];
            if (positions.offset == 0 || readers_[layer.outputs[0].position()] > 0) {
                continue;
            }
            const Dim dim = positions.terms[0].dim;
            positions.offset = 0;
            layer.space.extents[index(dim)] = positions.extent;
            Projection& made = layer.space.operands.back().projection;
            for (std::size_t of = 1; of < made.axes.size(); ++of) {
                if (made.axes[of].terms[0].dim == dim) {
                    made.axes[of].extent = positions.extent;
                    result.shape[of - 1] = positions.extent;
                }
            }
        }
    }

    NetworkParts parts_;
    std::vector<int> readers_;
    Diagnostics faults_;
};

/// Turns every layer round, last ones first.
class BackwardPass {
public:
    BackwardPass(NetworkParts forward, Optimizer optimizer)
        : parts_(std::move(forward)), optimizer_(parts_, optimizer) {}

    NetworkParts run() {
        check();
        const std::vector<Layer>& layers = parts_.forward();
        begin_at_outputs();
        find_owners();
        parameters_.resize(layers.size());
        draws_.resize(layers.size());
        for (std::size_t l = layers.size(); l-- > 0;) {
            turn_round(l);
        }
        faults_.throw_if_any();
        for (const Layer& layer : layers) {
            sum_weights(layer);
        }
        for (std::size_t l = 0; l < layers.size(); ++l) {
            update(l);
        }
        return parts_.take();
    }

private:
    /// All layers that have no rule, at once.
    void check() {
        for (const Layer& layer : parts_.forward()) {
            if (find_gradient(layer.op) == nullptr && layer.op != "statistics" &&
                parts_.needs_gradient(layer.outputs[0])) {
                refuse(layer, "op '" + layer.op + "' has no gradient");
            }
        }
        faults_.throw_if_any();
    }

    void refuse(const Layer& layer, const std::string& why) {
        faults_.error(layer.where, "layer '" + layer.name + "' cannot be trained: " + why);
    }

    void begin_at_outputs() {
        std::set<TensorId> read;
        for (const Layer& layer : parts_.forward()) {
            read.insert(layer.inputs.begin(), layer.inputs.end());
        }
        for (const Layer& layer : parts_.forward()) {
            const TensorId output = layer.outputs[0];
            if (read.contains(output) || !parts_.needs_gradient(output)) {
                continue;
            }
            const Shape& shape = parts_.tensor(output).shape;
            BackwardLayer loss;
            loss.part = "loss";
            loss.op = "loss";
            loss.shape = shape;
            loss.space = ops::elementwise_space(shape, PointOperation::vector, kLoss);
            const Projection all = gradients::whole(shape, parts_.batch());
            loss.space.operands = {gradients::reads(output, all), gradients::makes(all)};
            parts_.give(output, parts_.add(layer, std::move(loss)));
        }
    }

    /// Steps of a cell share biases and peepholes as they share weights: with the first of them.
    void find_owners() {
        std::map<std::tuple<std::string, std::string, TensorId>, std::size_t> first;
        const std::vector<Layer>& layers = parts_.forward();
        for (std::size_t l = 0; l < layers.size(); ++l) {
            const Layer& layer = layers[l];
            owners_.push_back(l);
            if (!layer.composite) {
                continue;
            }
            const auto key = std::tuple(layer.composite->name, layer.op, layer.weights);
            if (layer.other_parameters > 0) {
                first.emplace(key, l);
            } else if (const auto found = first.find(key); found != first.end()) {
                owners_[l] = found->second;
            }
        }
    }

    void turn_round(std::size_t l) {
        const Layer& layer = parts_.forward()[l];
        const TensorId output = layer.outputs[0];
        if (!parts_.needs_gradient(output) || layer.op == "statistics") {
            return;
        }
        const TensorId gradient = parts_.gradient(output, layer);
        if (!gradient.valid()) {
            return;  // nothing that is learnt depends on it
        }
        const std::size_t owner = owners_[l];
        Backward step(parts_, layer, gradient, parts_.forward()[owner].other_parameters);
        try {
            find_gradient(layer.op)(step);
        } catch (const InputError& error) {
            refuse(layer, "no gradient of " + error.faults().front().message);
        }
        if (step.parameters().valid()) {
            TensorId& sum = parameters_[owner];
            sum = sum.valid()
                      ? parts_.summed(layer, "parameter_gradient_sum", {sum, step.parameters()})
                      : step.parameters();
        }
        draws_[l] = step.draws_rows() ? gradient : TensorId();
    }

    /// The gradients of weights that several layers use, and the rows that were drawn of them.
    void sum_weights(const Layer& layer) {
        if (!layer.weights.valid() || !summed_.insert(layer.weights).second) {
            return;
        }
        const TensorId dense = parts_.gradient(layer.weights, layer);
        const std::vector<Layer>& layers = parts_.forward();
        for (std::size_t l = 0; dense.valid() && l < layers.size(); ++l) {
            if (draws_[l].valid() && layers[l].weights == layer.weights) {
                optimizer_.add_rows(layers[l], draws_[l], dense);
            }
        }
    }

    void update(std::size_t l) {
        const Layer& layer = parts_.forward()[l];
        const TensorId dense =
            layer.weights.valid() ? parts_.gradient(layer.weights, layer) : TensorId();
        if (dense.valid()) {
            if (updated_.insert(layer.weights).second) {
                optimizer_.update_weights(layer, dense);
            }
        } else if (draws_[l].valid()) {
            optimizer_.update_rows(layer, draws_[l]);
        }
        if (parameters_[l].valid()) {
            optimizer_.update_parameters(layer, parameters_[l]);
        }
    }

    TrainingParts parts_;
    OptimizerLayers optimizer_;
    Diagnostics faults_;
    std::vector<std::size_t> owners_;   ///< by layer: the one that its other parameters count with
    std::vector<TensorId> parameters_;  ///< by owner: gradients of biases, gains, offsets
    std::vector<TensorId> draws_;       ///< by layer: gradients of drawn rows
    std::set<TensorId> summed_;
    std::set<TensorId> updated_;
};

}  // namespace

Network training_step(const Network& network, Optimizer optimizer) {
    Network step(BackwardPass(ForwardPass(network).run(), optimizer).run());
    if (!step.trains()) {
        throw InputError("network '" + network.name() +
                         "' learns nothing: none of its layers has weights or other parameters; "
                         "expected phase single, stream or offline");
    }
    return step;
}

TrainingMemory training_memory(const Network& step) {
    TrainingMemory memory;
    memory.parameters = step.weight_bytes();
    std::set<TensorId> fp32;       // parameters that the optimiser reads as they are
    std::set<TensorId> gradients;  // storage of what updates read
    std::set<TensorId> saved;
    for (const Layer& layer : step.layers()) {
        const Tensor& result = step.tensor(layer.outputs[0]);
        if (result.kind == TensorKind::update) {
            if (!result.in_place_of.valid()) {
                memory.parameters += step.tensor_bytes(layer.outputs[0]);
            } else if (step.tensor(result.in_place_of).kind == TensorKind::optimizer) {
                fp32.insert(result.in_place_of);
            }
        }
        for (const TensorId input : layer.inputs) {
            const TensorId stored = step.storage(input);
            const Tensor& tensor = step.tensor(stored);
            const bool forward =
                !tensor.producer.valid() || step.layer(tensor.producer).pass == LayerPass::forward;
            if (layer.pass == LayerPass::update && !tensor.persists()) {
                gradients.insert(stored);
            } else if (layer.pass == LayerPass::backward && layer.op != "loss" && forward &&
                       !tensor.persists()) {
                saved.insert(stored);
            }
        }
    }
    for (std::size_t t = 0; t < step.tensors().size(); ++t) {
        const TensorId id(t);
        if (step.tensor(id).kind == TensorKind::optimizer) {
            const bool master = step.tensor(id).name.ends_with(kMaster);
            (fp32.contains(id) ? memory.parameters
             : master          ? memory.masters
                               : memory.optimizer) += step.tensor_bytes(id);
        }
    }
    for (const TensorId id : gradients) {
        memory.gradients += step.tensor_bytes(id);
    }
    for (const TensorId id : saved) {
        memory.saved += step.tensor_bytes(id);
    }
    memory.peak_live = step.peak_activation_bytes();
    return memory;
}

std::vector<PassCounts> pass_counts(const Network& step) {
    std::vector<PassCounts> counts;
    for (const LayerPass pass : {LayerPass::forward, LayerPass::backward, LayerPass::update}) {
        PassCounts of;
        of.pass = pass;
        for (const Layer& layer : step.layers()) {
            if (layer.pass == pass) {
                of.macs = checked_add(of.macs, layer.macs());
                of.vector_operations = checked_add(of.vector_operations, layer.vector_operations());
            }
        }
        counts.push_back(of);
    }
    return counts;
}

}  // namespace memwall
