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

/// How much longer an access takes than its bytes at the DRAM's peak where nothing else is served:
/// pieces that fill their bursts badly, reach few channels or bank groups, or open a row each.
double stretch(const DramAccess& access, const DramConfig& dram);

}  // namespace memwall
