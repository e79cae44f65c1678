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

/// Throws InputError where writing down the steps of a round and replaying them may take more than
/// `free` bytes of memory.
void check_replay_fits(std::int64_t steps, std::int64_t rounds, Bytes free);

/// The memory that this process can still have: what the machine has free, within the limit that
/// the process was given (ulimit -v).
Bytes free_memory();

/// Empty where a replay of `steps` in so many rounds is soon over.
std::string replay_notice(std::int64_t steps, std::int64_t rounds);

}  // namespace memwall
