// SPDX-License-Identifier: Apache-2.0
#include "workloads/transforms.hpp"

#include <algorithm>
#include <limits>

namespace memwall {

Network with_batch(const Network& network, std::int64_t batch) {
    if (batch == network.batch()) {
        return network;
    }
    ensure(!network.trains(), "a training step is made for its batch");
    if (batch < 1) {
        throw InputError("expected a batch of at least 1, found " + std::to_string(batch));
    }
    // Every count is below the points of all layers, times the bits of a word.
    double points = 1;
    for (const Layer& layer : network.layers()) {
        const std::int64_t each =
            std::max<std::int64_t>(1, layer.space.vector_operations_per_point);
        points += static_cast<double>(layer.space.points()) * static_cast<double>(each);
    }
    for (const Tensor& tensor : network.tensors()) {
        points += static_cast<double>(tensor.item_words());
    }
    const double counted = points / static_cast<double>(network.batch()) * 64;
    if (counted * static_cast<double>(batch) >
        static_cast<double>(std::numeric_limits<std::int64_t>::max())) {
        throw InputError("a batch of " + std::to_string(batch) + " is too large to be counted");
    }
    NetworkParts parts = network.parts();
    parts.batch = batch;
    return Network(std::move(parts));
}

std::vector<std::string> kept_layers(const Network& network, const PrecisionPolicy& policy) {
    if (policy.keep.empty()) {
        return network.parts().keep_precision;
    }
    std::vector<std::string> known;
    for (const Layer& layer : network.layers()) {
        known.push_back(layer.name);
    }
    Diagnostics faults;
    for (const std::string& name : policy.keep) {
        if (!network.find_layer(name).valid()) {
            faults.error({}, "unknown layer '" + name +
                                 "' in the layers that keep their precision" +
                                 suggestion(name, known));
        }
    }
    faults.throw_if_any();
    return policy.keep;
}

Network with_precision(const Network& network, const PrecisionPolicy& policy) {
    const std::vector<std::string> kept = kept_layers(network, policy);
    return with_precision(network, policy, [&](const Layer& layer) {
        const std::string& named = layer.composite ? layer.composite->name : layer.name;
        return std::find(kept.begin(), kept.end(), named) != kept.end();
    });
}

Network with_precision(const Network& network, const PrecisionPolicy& policy,
                       const std::function<bool(const Layer&)>& keeps) {
    NetworkParts parts = network.parts();
    for (Layer& layer : parts.layers) {
        if (keeps(layer)) {
            continue;
        }
        layer.precision = policy.applied_to(layer.precision);
        if (layer.weights.valid() && policy.weights) {
            parts.tensors[layer.weights.position()].stated_precision.reset();
        }
    }
    if (policy.activations) {
        // What the file says of a tensor holds unless all who read it, or the layer that makes it
        // where nobody does, are under the policy. What arrives from outside is not ours to choose.
        for (std::size_t t = 0; t < parts.tensors.size(); ++t) {
            const Tensor& derived = network.tensor(TensorId(t));
            std::vector<LayerId> deciding = derived.consumers;
            if (deciding.empty() && derived.producer.valid()) {
                deciding.push_back(derived.producer);
            }
            const bool ruled = std::none_of(deciding.begin(), deciding.end(),
                                            [&](LayerId id) { return keeps(network.layer(id)); });
            const bool ours =
                derived.kind == TensorKind::activation || derived.kind == TensorKind::state;
            if (ours && ruled) {
                parts.tensors[t].stated_precision.reset();
            }
        }
    }
    return Network(std::move(parts));
}

}  // namespace memwall
