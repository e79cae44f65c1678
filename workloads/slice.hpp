// SPDX-License-Identifier: Apache-2.0
// Parts of a network as networks of their own: what a chip of several computes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/network.hpp"

namespace memwall {

/// What may cross a place where a network is cut.
enum class Crossing {
    single,  ///< one tensor: the network before and the one behind have only that in common
    several  ///< any but caches
};

/// Places between layers, in order, where a network may be cut. No cache crosses one, and none is
/// before a layer without work of its own, or one that may run on the way out of the layer before.
/// `layers`: which ones count; the results of others are inputs. Without both ends.
std::vector<std::size_t> cut_places(const Network& network, const std::vector<bool>& layers,
                                    Crossing most = Crossing::single);

/// The layers that `keep` says, in their order. What others make and these read are inputs, what
/// others read of these are outputs.
Network slice_network(const Network& network, const std::vector<bool>& keep,
                      const std::string& name);

/// The only layer with MACs, where it is a linear one and makes the network's only output: its
/// outputs may be divided. An invalid id where there is none.
LayerId divisible_layer(const Network& network);

/// Part `part` of `parts` of the outputs of the divisible layer.
Network with_part_of_outputs(const Network& network, std::int64_t part, std::int64_t parts);

}  // namespace memwall
