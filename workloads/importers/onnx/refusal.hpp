// SPDX-License-Identifier: Apache-2.0
// Why a node cannot be read; thrown by the readers of operators and caught for each node.
#pragma once

#include <string>

namespace memwall::importers::onnx {

/// A form that ONNX allows and this program does not read.
struct NotExpressible {
    std::string why;
};

/// What contradicts itself or what it reads: ONNX does not allow it either.
struct Contradiction {
    std::string why;
};

}  // namespace memwall::importers::onnx
