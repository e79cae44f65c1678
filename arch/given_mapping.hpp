// SPDX-License-Identifier: Apache-2.0
// A file of mappings by hand as it is written, before a machine makes sense of it: layers, memory
// levels, loops.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/yaml.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Steps over what is left of a dimension, or a tile where they do not divide it.
struct GivenLoop {
    std::optional<Dim> dim;  ///< none: a fault was reported
    std::int64_t steps = 0;  ///< 0: by the tile
    std::int64_t tile = 0;
    std::string axis;  ///< of the instances below; empty: none is named
    SourceMark mark;
};

using KeyMark = std::pair<std::string, SourceMark>;

/// What a file says of a layer at one memory.
struct GivenLevel {
    std::string name;
    SourceMark mark;
    std::vector<GivenLoop> loops;    ///< in time, outermost first
    std::vector<GivenLoop> spatial;  ///< side by side
    bool has_loops = false;          ///< the key is there, if empty
    bool has_spatial = false;
    std::vector<KeyMark> bypass;         ///< operands
    std::vector<KeyMark> keeps;          ///< operands that stay
    std::vector<KeyMark> streams;        ///< operands that come from above each time
    std::optional<std::size_t> halo;     ///< kept: 1
    std::optional<std::size_t> buffers;  ///< single: 1
    std::int64_t block_rows = 0;         ///< of a thread block's results; 0: not said
    std::int64_t block_columns = 0;
    std::int64_t stages = 0;        ///< of a block's pipeline
    std::int64_t resident = 0;      ///< blocks that a core runs at a time
    std::int64_t cluster_rows = 0;  ///< of blocks that share reads; 0: not said
    std::int64_t cluster_columns = 0;
    std::vector<KeyMark> wave_keys;    ///< that are for the mapper of waves alone
    std::vector<KeyMark> nest_keys;    ///< for that of loop nests
    std::vector<KeyMark> tiling_keys;  ///< and for that of tiles
};

struct GivenLayer {
    std::string name;
    SourceMark mark;
    std::vector<GivenLevel> levels;
};

struct GivenMapping {
    std::string name;
    std::optional<std::int64_t> together;  ///< items of a batch
    SourceMark together_mark;
    std::vector<GivenLayer> layers;
};

/// Reads a file's form: its keys and numbers.
GivenMapping read_given_mapping(const YamlValue& root, Diagnostics& faults);
/// The same, to check it. Throws InputError with every fault. Returns the mapping's name.
std::string check_given_mapping(const YamlValue& root);

/// The layer that is meant; invalid, with a fault, where the network has none to map.
LayerId given_layer(const GivenLayer& given, const Network& network, Diagnostics& faults);

/// The tile of a loop over `left` of its dimension, which shrinks to it.
std::int64_t cut_by(const GivenLoop& loop, std::int64_t& left, Diagnostics& faults);

/// A fault for each key that is there for machines with another mapper.
void refuse_keys(const std::vector<KeyMark>& keys, const std::string& mapper, Diagnostics& faults);

}  // namespace memwall
