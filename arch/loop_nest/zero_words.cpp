// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/zero_words.hpp"

#include <algorithm>

namespace memwall {

double stated_density(const Network& network, TensorId tensor) {
    const Tensor& of = network.tensor(tensor);
    return of.sparsity && !of.is_weight() ? of.sparsity->density : 1;
}

double stored_share(const Network& network, const Machine& machine, ComponentId dma,
                    TensorId tensor) {
    if (!dma.valid()) {
        return 1;
    }
    const auto& code = std::get<DmaConfig>(machine.component(dma).config).code;
    return code ? code->share(1 - stated_density(network, tensor), network.tensor(tensor).precision)
                : 1;
}

double least_stored_share(const Network& network, const Machine& machine, ComponentId dma) {
    double least = 1;
    for (std::size_t t = 0; t < network.tensors().size(); ++t) {
        least = std::min(least, stored_share(network, machine, dma, TensorId(t)));
    }
    return least;
}

}  // namespace memwall
