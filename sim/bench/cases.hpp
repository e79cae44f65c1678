// SPDX-License-Identifier: Apache-2.0
// Fixed programs to measure the replay with: always the same steps, whatever a mapper learns.
#pragma once

#include <cstdint>
#include <string>

#include "arch/machine.hpp"
#include "arch/program.hpp"
#include "workloads/network.hpp"

namespace memwall::bench {

struct Case {
    std::string name;
    Machine machine;
    Program program;
    std::int64_t layers = 0;  ///< of the network, if there is one
};

/// Tiles through a double-buffered pipeline of load, compute and store, `tiles` of them. Loads and
/// stores go over links of their own, over one bus, or over one DRAM.
enum class Contended { nothing, bus, dram };
Case pipeline(Contended sharing, std::int64_t tiles);

/// A shipped machine and a shipped network, at its own precision, batch 1.
struct Shipped {
    Machine machine;
    Network network;
};
Shipped shipped(const std::string& configs, const std::string& machine, const std::string& network);
/// The one as the program of the other.
Case mapped(const std::string& configs, const std::string& machine, const std::string& network);

/// Eight pseudo-channels of HBM2.
DramConfig hbm();

}  // namespace memwall::bench
