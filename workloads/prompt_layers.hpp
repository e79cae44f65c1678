// SPDX-License-Identifier: Apache-2.0
// What a decode step does not do again: layers that read no new token, such as the encoder of a
// speech or translation model and the keys and values that its decoder makes of it.
#pragma once

#include <vector>

#include "workloads/network.hpp"

namespace memwall {

/// By layer: whether nothing that it reads comes from an input that changes shape with the
/// positions. `longer` is the same network at more positions. Of a network without such an input
/// none.
std::vector<bool> layers_of_prompt(const Network& network, const Network& longer);

/// A prefill that keeps, as state, what its layers of the prompt leave to the others.
Network keeping_prompt(const Network& prefill, const std::vector<bool>& of_prompt);

/// A decode step without the layers of the prompt: what the others read of them, and of inputs that
/// came with it, is state.
Network without_prompt(const Network& step, const std::vector<bool>& of_prompt,
                       const Network& longer);

}  // namespace memwall
