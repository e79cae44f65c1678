// SPDX-License-Identifier: Apache-2.0
// Independent pieces of work on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace memwall {

/// Calls `work(i)` for every i below `count`, on up to `threads` threads, this one among them; all
/// are done and gone when it returns. Where calls throw, the rest is left and what the one with the
/// least number threw is thrown again.
void parallel_for(std::size_t count, std::size_t threads,
                  const std::function<void(std::size_t)>& work);

/// Threads that the machine runs at a time.
std::size_t hardware_threads();

}  // namespace memwall
