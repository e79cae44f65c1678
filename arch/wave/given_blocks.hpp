// SPDX-License-Identifier: Apache-2.0
// Thread blocks that are given by hand, layer by layer.
#pragma once

#include <map>

#include "arch/tiling/hierarchy.hpp"
#include "arch/wave/block_plan.hpp"
#include "base/yaml.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The blocks of the products that a file names. Throws InputError with every fault: layers and
/// levels that are none, layers that are no product, blocks that a core does not hold.
std::map<LayerId, GivenBlock> read_given_blocks(const YamlValue& root, const Network& network,
                                                const Machine& machine, const Hierarchy& gpu);

}  // namespace memwall
