// SPDX-License-Identifier: Apache-2.0
// A SystemC program that does nothing but wait: what the kernel alone costs.
#pragma once

#include <cstdint>

namespace memwall::bench {

/// Simulates `notifications` timed notifications of a few methods with periods of their own; once
/// in a process.
void wait_bare(std::int64_t notifications);

}  // namespace memwall::bench
