// SPDX-License-Identifier: Apache-2.0
// What a machine makes of the zeros that a network states of its activations.
#pragma once

#include "arch/machine.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The share of an activation's words that are not zero; 1 where its file does not say.
double stated_density(const Network& network, TensorId tensor);

/// Bytes off the chip for a byte of the words: below 1 where a dma codes the zeros of an
/// activation.
double stored_share(const Network& network, const Machine& machine, ComponentId dma,
                    TensorId tensor);

/// The least of these over all tensors.
double least_stored_share(const Network& network, const Machine& machine, ComponentId dma);

}  // namespace memwall
