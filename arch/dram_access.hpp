// SPDX-License-Identifier: Apache-2.0
// Where the words of a part of a tensor lie in a DRAM, as runs of bytes.
#pragma once

#include "arch/dram_config.hpp"
#include "arch/program.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A part of a tensor as a layer sees it.
struct TensorPart {
    TensorId tensor;
    Region region;
    Bytes bytes;  ///< that are moved: fewer than the region's where it has holes
    Precision precision = Precision::int8;
    std::int64_t drawn = 0;  ///< rows of a gather, scattered over the table; 0: no gather
};

/// The axes of an operand's projection in the order of its tensor's words in a DRAM, the innermost
/// first. None: a part is one run.
std::vector<std::size_t> axes_of_runs(const Network& network, TensorId tensor);

/// The runs of a part of a tensor that begins at `address`; which DRAM and which way are the
/// caller's.
DramAccess tensor_access(const Network& network, const TensorPart& part, std::int64_t address);

/// Where a piece of an access begins. One that draws rows of a table draws them as if at random, a
/// row no more than once in as many draws as the table has rows, from the burst on that it lies in.
std::int64_t piece_address(const DramAccess& access, std::int64_t piece, Bytes burst);

/// The access in a round: in each of them data draw other rows.
DramAccess in_round(DramAccess access, std::int64_t round);

/// The least bytes that an access makes a DRAM serve: pieces apart from each other are whole
/// bursts.
Bytes least_served(const DramAccess& access, Bytes burst);
/// The rows that an access opens where nothing else is served between; none of a `simple` DRAM.
std::int64_t rows_opened(const DramAccess& access, const DramConfig& dram);

/// How much longer an access takes than its bytes at the DRAM's peak where nothing else is served:
/// pieces that fill their bursts badly, reach few channels or bank groups, or open a row each.
double stretch(const DramAccess& access, const DramConfig& dram);

}  // namespace memwall
