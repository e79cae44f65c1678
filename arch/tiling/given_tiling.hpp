// SPDX-License-Identifier: Apache-2.0
// Tiles, passes and splits over cores that are given by hand, layer by layer, and what is to stay
// in the buffer.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/fused_layer.hpp"
#include "arch/given_mapping.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// How passes are to be made; what is not said is chosen.
struct GivenPass {
    Extents pass = unit_extents();
    std::optional<bool> positions_outer;
    std::optional<Extents> core;
};

/// Of one fused layer. Without a tile, nothing but what stays is given.
struct GivenTiling {
    std::optional<Extents> tile;
    std::optional<bool> positions_outer;
    std::optional<GivenPass> pass;
    SourceMark where;  ///< of the layer in the file
};

/// What a file says of a network; nothing where there is no file.
struct GivenTilings {
    std::vector<std::optional<GivenTiling>> layers;  ///< by fused layer; empty: none
    std::map<TensorId, bool> stays;                  ///< by storage: false: goes through the DRAM

    [[nodiscard]] const GivenTiling* find(std::size_t f) const {
        return f < layers.size() && layers[f] ? &*layers[f] : nullptr;
    }
};

/// Makes sense of a file for a network at the batch that goes through the machine together. Throws
/// InputError with every fault: layers, levels, dimensions and operands that are none, orders that
/// the mapper does not know, too many cores, tiles and parts that do not fit.
GivenTilings read_given_tilings(const GivenMapping& mapping, const Network& network,
                                const Machine& machine, const Hierarchy& hierarchy,
                                const Cores& cores);

/// All that is to stay in the buffer, by hand, at some time.
Bytes bytes_staying(const GivenTilings& given, const Network& network);

}  // namespace memwall
