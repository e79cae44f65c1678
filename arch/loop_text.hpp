// SPDX-License-Identifier: Apache-2.0
// Loops of a mapping as lines of pseudo-code, alike for every mapper.
#pragma once

#include <cstdint>
#include <string>

#include "workloads/iteration_space.hpp"

namespace memwall {

/// The letter that a dimension goes by in a loop: "k" for Dim::K.
std::string dim_letter(Dim dim);

/// A loop over `size` of a dimension in steps of `tile`: "for k in 3 of 16, the last of 8", or with
/// `across` "parallel for k in 3 of 16, the last of 8 on cores".
std::string loop_line(Dim dim, std::int64_t size, std::int64_t tile,
                      const std::string& across = "");

}  // namespace memwall
