// SPDX-License-Identifier: Apache-2.0
// The layers of a result: when each ran, what held it up, and what it moved and cost.
#pragma once

#include <vector>

#include "sim/assemble_result.hpp"
#include "sim/ledger.hpp"
#include "sim/result.hpp"

namespace memwall {

inline constexpr const char* kLoadLayer = "(load)";
inline constexpr const char* kIdleLayer = "(idle)";
inline constexpr const char* kNoOp = "none";

bool is_memory(ComponentKind kind);

/// Where in make_layers() a row of the ledger belongs.
std::size_t layer_of(const LedgerRow& row, const std::vector<LayerResult>& layers);
/// One row a layer in the network's order, those without work of their own included; of a cold
/// start `(load)`; and `(idle)`.
std::vector<LayerResult> make_layers(const RunInput& input, const std::vector<LedgerRow>& ledger);

}  // namespace memwall
