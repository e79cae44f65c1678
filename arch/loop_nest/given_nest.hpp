// SPDX-License-Identifier: Apache-2.0
// Mappings that are given by hand: a file of loop nests, layer by layer, as a text book writes
// them.
#pragma once

#include <map>

#include "arch/loop_nest/nest_hierarchy.hpp"
#include "base/yaml.hpp"

namespace memwall {

/// The nests of the layers that the file has. Throws InputError with every fault: layers, levels,
/// dimensions and axes that are none, loops that do not cover a layer, tiles that do not fit.
std::map<LayerId, LoopNest> read_given_nests(const YamlValue& root, const Network& network,
                                             const NestHierarchy& hierarchy);

}  // namespace memwall
