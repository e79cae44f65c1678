// SPDX-License-Identifier: Apache-2.0
// A language model as a file of any number of tokens: its sizes are expressions of the parameters
// `positions` and `context`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "workloads/network.hpp"

namespace memwall {

/// New tokens, and those in the cache before.
struct StepSize {
    std::int64_t positions = 1;
    std::int64_t context = 0;
};

/// The file of a network whose sizes follow from its step, by default that of `size`. None where
/// some number does not grow evenly with positions and context: a file cannot say it then.
std::optional<std::string> text_of_steps(const std::function<Network(StepSize)>& at, StepSize size);

}  // namespace memwall
