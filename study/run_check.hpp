// SPDX-License-Identifier: Apache-2.0
// What a run refuses before anything is mapped, so that a sweep tells it of all its points first.
#pragma once

#include <optional>

#include "arch/machine.hpp"
#include "base/yaml_value.hpp"
#include "study/command_line.hpp"
#include "study/load.hpp"

namespace memwall {

/// Throws InputError where the scenario, the network and the machine do not go together: a phase
/// that one of them lacks, tokens that the network has no positions for, a layer that the machine
/// has no lanes for. Whether there is room for the network only a mapping can tell.
void check_run(const NetworkSource& source, const Machine& machine, const RunSettings& settings);

/// The network of a run in precision and batch.
NetworkAtPrecision with_items(const Network& network, const std::string& precision,
                              std::int64_t batch);

/// Throws InputError where frames go through a machine with cards in another way than one that its
/// cards have.
void check_phase_of_cards(const Machine& machine, const Scenario& scenario);

/// A mapping by hand is of a network on one card. Throws InputError for one on a pipeline of cards,
/// each of which has a part of the network.
void check_mapping_of_cards(const Machine& machine, const std::optional<YamlValue>& mapping);

}  // namespace memwall
