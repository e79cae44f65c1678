// SPDX-License-Identifier: Apache-2.0
// What is said of a replay that will take long, before it begins.
#pragma once

#include <cstdint>
#include <string>

#include "workloads/network.hpp"

namespace memwall {

/// Whether a round may have so many steps that they are counted before they are all written down:
/// by the analytic engine, which takes a small part of the time then.
bool may_be_long(const Network& network);

/// Empty where a replay of `steps` in so many rounds is soon over.
std::string replay_notice(std::int64_t steps, std::int64_t rounds);

}  // namespace memwall
