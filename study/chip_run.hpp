// SPDX-License-Identifier: Apache-2.0
// A run of a result once more, to see what the result does not hold: what one chip was given to do.
#pragma once

#include <optional>
#include <string>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "sim/result.hpp"
#include "study/configs.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Which chip of a result is asked for, and where its files are.
struct ChipRequest {
    std::string machine, network;      ///< "": those of the result, see input_again()
    std::optional<std::string> stage;  ///< of cards, from 1
};

/// What a chip did, by the result and by the run that was made of it now.
struct ChipRun {
    Network network;  ///< what the chip does of the run's, in a round
    Machine machine;
    MapperOptions options;  ///< by which the network is mapped as it was
    std::string where;      ///< "northpole", "northpole_16, stage 3 of 15"
    RunResult found;        ///< as in the result, with the layers of this chip alone
    RunResult now;          ///< the chip's own, with its ledger
};

/// Runs the first run in a result that is on chips whose memory lies beside their cores, as its
/// machine, settings and overrides say. Energies, times and counts of the layers and
/// of the whole must come out the same. Throws
/// InputError where it does not, the result has no such run, or a stage is missing or unknown.
ChipRun run_chip_again(const std::string& result_file, const ChipRequest& request,
                       const Configs& configs);

}  // namespace memwall
