// SPDX-License-Identifier: Apache-2.0
// The shapes that ONNX's own inference finds.
#pragma once

#include <string>

namespace memwall::importers::onnx {

/// A GraphProto with the outputs and values of `model`, a ModelProto, and what inference can tell
/// of them; "" where it can tell nothing. The library may crash at a model that is wrong, and never
/// end: it works in a process of its own, for a few seconds at most.
std::string inferred_values(const std::string& model);

}  // namespace memwall::importers::onnx
