// SPDX-License-Identifier: Apache-2.0
#include "tests/workloads/training_steps.hpp"

#include <catch2/catch.hpp>

#include "tests/workloads/network_text.hpp"
#include "workloads/transforms.hpp"

namespace memwall::test {

Network step_of(const std::string& input, const std::string& layers, std::int64_t batch,
                Optimizer optimizer, const std::string& precision) {
    const Network network =
        with_precision(network_of_layers(input, layers),
                       std::get<PrecisionPolicy>(parse_precision_policy(precision)));
    return training_step(with_batch(network, batch), optimizer);
}

const Layer& layer(const Network& network, const std::string& name) {
    const LayerId id = network.find_layer(name);
    INFO(name);
    REQUIRE(id.valid());
    return network.layer(id);
}

bool has(const Network& network, const std::string& name) {
    return network.find_layer(name).valid();
}

Shape shape(const Network& network, const std::string& tensor) {
    return network.tensor(network.find_tensor(tensor)).shape;
}

std::int64_t touched(const Layer& layer, TensorRole role) {
    std::int64_t bytes = 0;
    for (const Operand& operand : layer.space.operands) {
        if (operand.role == role) {
            bytes += stored_bytes(touched_words(operand.projection, layer.space.box()),
                                  operand.precision)
                         .count();
        }
    }
    return bytes;
}

}  // namespace memwall::test
