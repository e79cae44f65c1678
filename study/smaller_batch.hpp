// SPDX-License-Identifier: Apache-2.0
// Kernels hand on through a shared cache what a batch leaves room for: whether a smaller one is
// faster.
#pragma once

#include <optional>
#include <string>

#include "study/execute.hpp"

namespace memwall {

/// A batch at which kernels make more frames a second than at the larger one that was run.
struct SmallerBatch {
    std::int64_t batch = 1;
    double throughput = 0;
    double than = 0;              ///< throughput at the larger one, by the same engine
    Bytes activations;            ///< of a frame, that pass the DRAM
    Bytes activations_of_larger;  ///< the same
};

/// Looks at the two powers of two around the batch whose activations the cache holds at once, with
/// the analytic engine. Nothing: of a machine without kernels or of several cards, of a phase that
/// has no steady state of frames, of a mapping by hand, and where neither gains a fifth by
/// moving less. `run` is of the other arguments.
std::optional<SmallerBatch> faster_smaller_batch(const RunResult& run, const NetworkSource& source,
                                                 const Machine& machine,
                                                 const RunSettings& settings);

/// A line, with its end; empty where there is none.
std::string smaller_batch_note(const RunResult& run, const Machine& machine,
                               const std::optional<SmallerBatch>& smaller);

}  // namespace memwall
