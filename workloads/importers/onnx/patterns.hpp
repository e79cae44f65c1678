// SPDX-License-Identifier: Apache-2.0
// Functions that exporters spell out in elementary operators, put together again.
#pragma once

#include "workloads/importers/onnx/model.hpp"

namespace memwall::importers::onnx {

/// Replaces the last node of each spelt-out gelu, silu, hard_swish, mish, layer_norm and rms_norm
/// by one node of that function, and leaves out all nodes whose results nobody reads.
void fuse_patterns(Model& model);

}  // namespace memwall::importers::onnx
