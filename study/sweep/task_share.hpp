// SPDX-License-Identifier: Apache-2.0
// How the tasks of a job array share the points of a sweep: each begins with its own part, then
// takes from what the others have left. They meet in a folder of their file system and nowhere
// else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "study/sweep/worker_pool.hpp"

namespace memwall {

/// Which task of how many, each with so many processes.
struct TaskPlace {
    int task = 0;
    int tasks = 1;
    int jobs = 1;
};

/// Points of one block follow each other: enough blocks that the last ones spread over all tasks,
/// few enough that claiming them costs nothing.
std::int64_t block_size(std::int64_t points, const TaskPlace& place);

/// The blocks in the order in which a task asks for them: its own part forwards, then those of the
/// tasks behind it, each from its end. Every block once.
std::vector<std::int64_t> block_order(std::int64_t blocks, const TaskPlace& place);

/// Files that say whose a block is. Making a file that must not exist yet is one step on every
/// shared file system.
class BlockClaims {
public:
    /// Makes the folder. Throws StoreError where that cannot be done.
    BlockClaims(std::filesystem::path folder, std::string owner);

    /// Whether the block is this owner's now: nobody had it, or this owner, who was started again.
    /// Throws StoreError where no file can be made.
    bool take(std::int64_t block);

private:
    std::filesystem::path folder_;
    std::string owner_;
};

/// Gives `points`, those that `wanted` asks for, block by block as `claims` grants them.
PointSource shared_points(std::vector<std::int64_t> points, const TaskPlace& place,
                          BlockClaims& claims, std::function<bool(std::int64_t)> wanted);

}  // namespace memwall
