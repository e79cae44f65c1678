// SPDX-License-Identifier: Apache-2.0
#include "arch/network_bound.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace memwall {
namespace {

/// What a layer touches of an operand, each word once.
Bytes touched_bytes(const Layer& layer, const Operand& operand) {
    return stored_bytes(touched_words(operand.projection, layer.space.box()), operand.precision);
}

}  // namespace

Bytes on_chip_capacity(const Hierarchy& hierarchy) {
    return hierarchy.buffer_config->capacity +
           (hierarchy.cache_config != nullptr ? hierarchy.cache_config->capacity : Bytes(0)) +
           hierarchy.operands_config->capacity * hierarchy.cores +
           (hierarchy.accumulators_config != nullptr
                ? hierarchy.accumulators_config->capacity * hierarchy.cores
                : Bytes(0));
}

Bytes in_and_out(const Network& network) {
    std::map<TensorId, std::int64_t> moved;
    const auto add = [&](const std::vector<TensorId>& tensors, TensorRole role) {
        std::set<TensorId> asked;
        for (const TensorId tensor : tensors) {
            asked.insert(network.storage(tensor));
        }
        for (const Layer& layer : network.layers()) {
            for (const Operand& operand : layer.space.operands) {
                const TensorId storage = network.storage(operand.tensor);
                if (!layer.no_work && operand.role == role && asked.count(storage) > 0) {
                    moved[storage] =
                        std::max(moved[storage], touched_bytes(layer, operand).count());
                }
            }
        }
    };
    add(network.inputs(), TensorRole::inputs);
    add(network.outputs(), TensorRole::outputs);
    Bytes sum(0);
    for (const auto& [tensor, bytes] : moved) {
        sum += Bytes(bytes);
    }
    return sum;
}

Bytes network_bound(const Network& network, Bytes capacity) {
    return network_bound(network, capacity, touched_bytes);
}

Bytes network_bound(const Network& network, Bytes capacity,
                    const std::function<Bytes(const Layer&, const Operand&)>& stored) {
    std::map<TensorId, std::int64_t> read;
    for (const Layer& layer : network.layers()) {
        for (const Operand& operand : layer.space.operands) {
            if (operand.role == TensorRole::weights || operand.role == TensorRole::state) {
                const std::int64_t touched = stored(layer, operand).count();
                std::int64_t& most = read[network.storage(operand.tensor)];
                most = std::max(most, touched);
            }
        }
    }
    Bytes sum(0);
    for (const auto& [tensor, most] : read) {
        sum += Bytes(most);
    }
    return sum > capacity ? sum - capacity : Bytes(0);
}

}  // namespace memwall
