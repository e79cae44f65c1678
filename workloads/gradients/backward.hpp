// SPDX-License-Identifier: Apache-2.0
// What a rule of gradients sees of the layer that it turns round, and where it puts what it makes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "workloads/network.hpp"

namespace memwall {

/// A layer of the backward pass. The operands have their tensors but for the outputs, the last.
struct BackwardLayer {
    std::string part;  ///< behind the forward layer's name: "weight_gradient"
    std::string op;
    IterationSpace space;
    Shape shape;  ///< of the result
    TensorKind kind = TensorKind::activation;
};

/// The network that grows: the forward layers, then those that gradients need.
class TrainingParts {
public:
    /// `forward`: changed as training needs it, the layers in order.
    explicit TrainingParts(NetworkParts forward);

    [[nodiscard]] const std::vector<Layer>& forward() const { return forward_; }
    [[nodiscard]] const Tensor& tensor(TensorId id) const { return parts_.tensors[id.position()]; }
    [[nodiscard]] std::int64_t batch() const { return parts_.batch; }

    /// Whether the loss changes with a tensor in a way that somebody has to know: a parameter lies
    /// before it.
    [[nodiscard]] bool needs_gradient(TensorId id) const { return needed_[id.position()]; }

    TensorId add_tensor(Tensor tensor);
    /// A layer that belongs to `of`, with its precision; its result.
    TensorId add(const Layer& of, BackwardLayer layer, LayerPass pass = LayerPass::backward);
    /// The same words under another shape; `id` itself where it is the same.
    TensorId renamed(const Layer& of, const std::string& part, TensorId id, const Shape& shape);
    /// The words of all items in one shape, that of the batch.
    TensorId of_the_batch(const Layer& of, const std::string& part, TensorId id,
                          const Shape& shape);
    void change_tensor(TensorId id, const Tensor& tensor) {
        parts_.tensors[id.position()] = tensor;
    }

    /// One more contribution to the gradient of a tensor, of its shape.
    void give(TensorId tensor, TensorId gradient) { given_[tensor].push_back(gradient); }
    /// One more contribution to the gradient of the layer's weights, added to what there is at
    /// once: that of a cell's steps is held once.
    void accumulate(const Layer& of, TensorId gradient);
    /// A contribution to a part of a tensor that begins at `begin`; the rest of it has none.
    void give_part(TensorId tensor, TensorId gradient, std::vector<std::int64_t> begin) {
        given_parts_[tensor].push_back({gradient, std::move(begin)});
    }
    /// The sum of all contributions; none where there are none. `of`: who is named in the sum.
    TensorId gradient(TensorId tensor, const Layer& of);
    /// The sum of gradients of one shape, all of an item or all of the batch.
    TensorId summed(const Layer& of, const std::string& part, const std::vector<TensorId>& terms);

    /// Forward layers, then the others.
    [[nodiscard]] NetworkParts take();

private:
    /// The gradient of a block of a tensor, at its place in it.
    struct Part {
        TensorId gradient;
        std::vector<std::int64_t> begin;  ///< by axis
    };

    [[nodiscard]] std::string free_name(std::string name) const;
    [[nodiscard]] bool overlap(const Part& a, const Part& b) const;
    [[nodiscard]] bool covers(const std::vector<Part>& parts, const Shape& shape) const;
    void join_parts(TensorId of, const Layer& named);
    TensorId joined(const std::vector<Part>& parts, TensorId of, const Layer& named);

    NetworkParts parts_;  ///< the layers of the backward pass
    std::vector<Layer> forward_;
    std::vector<bool> needed_;
    std::map<TensorId, std::vector<TensorId>> given_;
    std::map<TensorId, std::vector<Part>> given_parts_;
    std::map<std::string, bool, std::less<>> names_;
};

/// One layer to be turned round.
class Backward {
public:
    /// `parameters`: how many the layer has beside its weights, also where they are counted with
    /// another layer that shares them (the steps of a cell).
    Backward(TrainingParts& parts, const Layer& layer, TensorId result_gradient,
             std::int64_t parameters)
        : parts_(parts),
          layer_(layer),
          result_gradient_(result_gradient),
          parameter_count_(parameters) {}

    [[nodiscard]] const Layer& layer() const { return layer_; }
    [[nodiscard]] const IterationSpace& space() const { return layer_.space; }
    [[nodiscard]] const Operand& operand(std::size_t o) const { return layer_.space.operands[o]; }
    [[nodiscard]] std::int64_t batch() const { return parts_.batch(); }
    [[nodiscard]] Shape shape(TensorId id) const { return parts_.tensor(id).shape; }
    [[nodiscard]] TensorId input(std::size_t i) const { return layer_.inputs[i]; }
    [[nodiscard]] TensorId result() const { return layer_.outputs[0]; }
    /// The gradient of the result, of its shape.
    [[nodiscard]] TensorId result_gradient() const { return result_gradient_; }
    [[nodiscard]] std::int64_t parameter_count() const { return parameter_count_; }

    /// Whether anybody needs the gradient of the i-th input.
    [[nodiscard]] bool wants(std::size_t i) const { return parts_.needs_gradient(input(i)); }
    /// "input_gradient", with the number of the input where there are several.
    [[nodiscard]] std::string input_part(std::size_t i) const;

    TensorId add(BackwardLayer layer) { return parts_.add(layer_, std::move(layer)); }
    TensorId renamed(const std::string& part, TensorId id, const Shape& shape) {
        return parts_.renamed(layer_, part, id, shape);
    }
    void give_input(std::size_t i, TensorId gradient) { parts_.give(input(i), gradient); }
    void give_input_part(std::size_t i, TensorId gradient, std::vector<std::int64_t> begin) {
        parts_.give_part(input(i), gradient, std::move(begin));
    }
    void give_weights(TensorId gradient) { parts_.accumulate(layer_, gradient); }
    /// Of the biases, of the gain and offset of a normalisation: in `gradient`'s shape.
    void give_parameters(TensorId gradient) { parameters_ = gradient; }
    /// The words of all items in one shape, that of the batch.
    TensorId of_the_batch(const std::string& part, TensorId id, const Shape& shape) {
        return parts_.of_the_batch(layer_, part, id, shape);
    }
    /// Of a table: how many rows all layers that share it draw in the step.
    [[nodiscard]] std::int64_t draws_of_weights() const;
    /// Of a table: only the rows that were drawn have a gradient, that of the result.
    void give_drawn_rows() { draws_rows_ = true; }

    [[nodiscard]] TensorId parameters() const { return parameters_; }
    [[nodiscard]] bool draws_rows() const { return draws_rows_; }

private:
    TrainingParts& parts_;
    const Layer& layer_;
    TensorId result_gradient_;
    std::int64_t parameter_count_;
    TensorId parameters_;
    bool draws_rows_ = false;
};

/// How the layers of one kind are turned round. Throws InputError, one sentence without the layer,
/// where a layer of the kind has no gradient in this form.
using GradientRule = void (*)(Backward& step);

}  // namespace memwall
