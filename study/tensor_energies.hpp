// SPDX-License-Identifier: Apache-2.0
// What moving each tensor costs, by the component where it lives or through which it passes.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace memwall {

/// A row a component that moves data, a column a kind of tensor, in joules an item; arithmetic,
/// control and leakage are left out. Rows and columns of nothing are not there.
std::string tensor_energies(const RunResult& run);

/// The same of all runs: machine, network, component, tensor, pJ an item.
std::string tensor_energies_csv(const Result& result);

}  // namespace memwall
