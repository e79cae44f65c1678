// SPDX-License-Identifier: Apache-2.0
// What `memwall show` can describe, each as JSON, CSV and a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "arch/spatial_mapper.hpp"
#include "arch/technology.hpp"
#include "base/yaml.hpp"
#include "study/configs.hpp"
#include "study/execute.hpp"
#include "study/published_figures.hpp"
#include "study/settable_files.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The three forms of one answer, made when asked for.
struct Shown {
    std::function<std::string()> json;
    std::function<std::string()> csv;
    std::function<std::string()> table;
};

/// The references must outlive the answer.
Shown show_list(ConfigKind kind, const Configs& configs);
Shown show_everything(const Configs& configs);
Shown show_network(const Network& network);
Shown show_comparison(const Network& first, const Network& second);
/// With the published figures that check it; none are asked for where it is not as shipped.
Shown show_machine(const Machine& machine, const std::vector<MachineCheck>& checks);
Shown show_technology(const Technology& technology);
/// A file of configs/dram, by its tree. Throws InputError with all its faults.
Shown show_dram(const YamlValue& file);
/// Throws InputError where the file is no result.
Shown show_result(const std::string& file);
/// Its energy of moving data by component and tensor. Throws likewise.
Shown show_tensor_energies(const std::string& file);

/// The stage of a pipeline of cards whose card is shown.
struct ShownStage {
    std::size_t number = 1, count = 1;
    std::int64_t cards = 1;   ///< that have a like part of it
    std::string first, last;  ///< layers
};
/// "stage 3 of 15, b3_norm1 to b3_add2, on 1 card", as a line; empty without a stage.
std::string stage_line(const std::optional<ShownStage>& stage);

/// What is shown is of a stage where one is given.
/// In words of one layer `alone`, where one is given.
Shown show_mapping(const Network& network, const Machine& machine, const MappedRun& run,
                   MappingObjective objective, const std::optional<ShownStage>& stage,
                   const std::optional<LayerId>& alone);
/// The memories of all cores, or with `core` (a lane) the blocks in one of them.
Shown show_memory(const Network& network, const Machine& machine, const SpatialMemory& memory,
                  std::optional<std::size_t> core, const std::optional<ShownStage>& stage);

Shown show_paths(const Configs& configs, const std::vector<SettableFile>& files);

}  // namespace memwall
