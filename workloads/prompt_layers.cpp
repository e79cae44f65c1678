// SPDX-License-Identifier: Apache-2.0
#include "workloads/prompt_layers.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "workloads/slice.hpp"

namespace memwall {
namespace {

/// By tensor: whether it is an input of new tokens, one with another shape at more positions.
std::vector<bool> token_inputs(const Network& network, const Network& longer) {
    std::vector<bool> found(network.tensors().size(), false);
    for (const TensorId input : network.inputs()) {
        const TensorId other = longer.find_tensor(network.tensor(input).name);
        found[input.position()] =
            !other.valid() || longer.tensor(other).shape != network.tensor(input).shape;
    }
    return found;
}

/// Whether a layer of the prompt makes `tensor` and another layer reads it.
bool is_left_to_steps(const Tensor& tensor, const std::vector<bool>& of_prompt) {
    return tensor.producer.valid() && of_prompt[tensor.producer.position()] &&
           std::any_of(tensor.consumers.begin(), tensor.consumers.end(),
                       [&](LayerId reader) { return !of_prompt[reader.position()]; });
}

}  // namespace

std::vector<bool> layers_of_prompt(const Network& network, const Network& longer) {
    std::vector<bool> reads_tokens = token_inputs(network, longer);
    std::vector<bool> of_prompt(network.layers().size(), false);
    if (std::find(reads_tokens.begin(), reads_tokens.end(), true) == reads_tokens.end()) {
        return of_prompt;
    }
    for (std::size_t l = 0; l < of_prompt.size(); ++l) {
        const Layer& layer = network.layers()[l];
        of_prompt[l] = std::none_of(layer.inputs.begin(), layer.inputs.end(),
                                    [&](TensorId input) { return reads_tokens[input.position()]; });
        for (const TensorId output : layer.outputs) {
            reads_tokens[output.position()] = !of_prompt[l];
        }
    }
    return of_prompt;
}

Network keeping_prompt(const Network& prefill, const std::vector<bool>& of_prompt) {
    NetworkParts parts = prefill.parts();
    for (const Tensor& tensor : prefill.tensors()) {
        if (!is_left_to_steps(tensor, of_prompt)) {
            continue;
        }
        Tensor& kept = parts.tensors[prefill.storage(prefill.find_tensor(tensor.name)).position()];
        kept.kind = kept.kind == TensorKind::activation ? TensorKind::state : kept.kind;
        for (const LayerId reader : tensor.consumers) {
            parts.layers[reader.position()].stands_alone = true;
        }
    }
    return Network(std::move(parts));
}

Network without_prompt(const Network& step, const std::vector<bool>& of_prompt,
                       const Network& longer) {
    std::vector<bool> of_step(of_prompt.size());
    std::transform(of_prompt.begin(), of_prompt.end(), of_step.begin(), std::logical_not<>());
    const Network sliced = slice_network(step, of_step, step.name());
    const std::vector<bool> of_tokens = token_inputs(sliced, longer);
    NetworkParts parts = sliced.parts();
    for (std::size_t t = 0; t < parts.tensors.size(); ++t) {
        if (sliced.tensors()[t].kind == TensorKind::input && !of_tokens[t]) {
            parts.tensors[t].kind = TensorKind::state;
        }
    }
    return Network(std::move(parts));
}

}  // namespace memwall
