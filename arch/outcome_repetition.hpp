// SPDX-License-Identifier: Apache-2.0
// The outcome of a program that leaves out equal blocks of layers, completed by what they would
// have added.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

/// What a recorder keeps beside its outcome of a program with a repetition.
struct BlockRecord {
    std::vector<Picoseconds> layer_end;  ///< at [round * layers + layer]: its last step completes
    std::vector<Picoseconds> lane_time;  ///< at [layer * components + component]
    std::vector<std::int64_t> steps;     ///< by layer, over all rounds
};

/// Adds the blocks left out to counts, layers, rounds and busy times, each as the block that stands
/// for them, one after another, in the time from the end of the block before it to its own; gives
/// the time on lanes that they add, by component. How much that time differs from that of the block
/// before goes to Outcome::repetition_error, as a share.
std::vector<Picoseconds> add_blocks_left_out(const Program& program, const BlockRecord& record,
                                             std::int64_t first_counted_round, Outcome& outcome);

}  // namespace memwall
