// SPDX-License-Identifier: Apache-2.0
// Decode steps leave out layers that run with the prompt alone: their results as those of the whole
// network, so that they can be added up.
#pragma once

#include "sim/result.hpp"

namespace memwall {

/// `run` with the layers of `whole`, in its order; those that it did not run did nothing. Each
/// layer of `run` is one of `whole`, by name.
RunResult with_layers_of(RunResult run, const RunResult& whole);

}  // namespace memwall
