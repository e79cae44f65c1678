// SPDX-License-Identifier: Apache-2.0
// `show mapping` and `show memory`: a network is mapped as asked for, and what came out described.
// Over several cards it is run as `run` does it, and what that laid out on one of them is
// described.
#pragma once

#include <optional>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "arch/spatial_mapper.hpp"
#include "study/command_line.hpp"
#include "study/configs.hpp"
#include "study/load.hpp"
#include "study/show.hpp"
#include "study/shown_networks.hpp"

namespace memwall {

/// Keeps what is shown. All that it is given must outlive it; each method throws InputError for
/// what cannot be mapped.
class ShowMapped {
public:
    ShowMapped(const CommandLine& command, const RunRequest& request, const Configs& configs,
               InputFiles& inputs, ShownNetworks& networks)
        : command_(command),
          request_(request),
          configs_(configs),
          inputs_(inputs),
          networks_(networks) {}

    Shown mapping();
    Shown memory();

private:
    NetworkSource read();
    void take(const NetworkSource& source);
    void take_stage(const NetworkSource& source);
    void take_network(const NetworkSource& source);

    const CommandLine& command_;
    const RunRequest& request_;
    const Configs& configs_;
    InputFiles& inputs_;
    ShownNetworks& networks_;
    std::optional<Network> network_;
    std::optional<Machine> machine_;
    std::optional<ShownStage> stage_;
    MapperOptions options_;
    Scenario scenario_;
    MappedRun run_;
    SpatialMemory memory_;
};

}  // namespace memwall
