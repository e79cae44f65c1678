// SPDX-License-Identifier: Apache-2.0
// Why a node cannot be read; thrown by the readers of operators and caught for each node.
#pragma once

#include <string>

namespace memwall::importers::onnx {

/// A form that ONNX allows and this program does not read.
struct NotExpressible {
    std::string why;
};

/// A tensor that is not made of as many items as the batch has.
struct NotOfItems : NotExpressible {};

/// A node that has the size of the batch as a number.
struct StatesBatch : NotOfItems {
    StatesBatch() : NotOfItems{{"it has a batch of its own"}} {}
};

/// A node that mixes the items of a batch, or leaves some of them out.
struct AcrossItems : NotExpressible {
    AcrossItems() : NotExpressible{"works across the items of a batch"} {}
};

/// The model as a whole is more than a network can have; ends the reading of it.
struct TooManyLayers {};

/// What contradicts itself or what it reads: ONNX does not allow it either.
struct Contradiction {
    std::string why;
};

}  // namespace memwall::importers::onnx
