// SPDX-License-Identifier: Apache-2.0
// Fixed programs to measure the replay with: always the same steps, whatever a mapper learns.
#pragma once

#include <cstdint>
#include <string>

#include "arch/machine.hpp"
#include "arch/program.hpp"

namespace memwall::bench {

struct Case {
    std::string name;
    Machine machine;
    Program program;
};

/// Tiles through a double-buffered pipeline of load, compute and store, `tiles` of them. Loads and
/// stores go over links of their own, over one bus, or over one DRAM.
enum class Sharing { nothing, bus, dram };
Case pipeline(Sharing sharing, std::int64_t tiles);

}  // namespace memwall::bench
