// SPDX-License-Identifier: Apache-2.0
// Whether two networks are the same in all but the places in files that they came from.
#pragma once

#include <string>

#include "workloads/network.hpp"

namespace memwall::test {

/// "" where they are the same, else the first thing that differs.
std::string difference(const Network& a, const Network& b);

}  // namespace memwall::test
