// SPDX-License-Identifier: Apache-2.0
// The numbers that a step moves or computes: enough to execute a program on integers and compare it
// with what the layers are defined to be.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arch/identifiers.hpp"
#include "workloads/projection.hpp"

namespace memwall {

class Network;

/// One instance of a memory; lane -1 where the memory has a single one.
struct Place {
    ComponentId memory;
    std::int64_t lane = -1;

    friend auto operator<=>(const Place&, const Place&) = default;
};

/// Words of a tensor, as a layer sees it (an alias is resolved by the executor), copied from one
/// place to others, or added to what is there.
struct MovePiece {
    TensorId tensor;
    Region region;
    Place from;
    std::vector<Place> to;
    bool add = false;
    /// Which of the buffers at its destination it fills, where several hold parts of one tensor.
    std::size_t buffer = 0;
    /// Of that buffer, where several steps of a round fill it together; -1: a step is a filling.
    std::int64_t filling = -1;
};

/// A box of a layer's space. An epilogue finds the result that it goes on with at `results`.
struct ComputePiece {
    LayerId layer;
    Box box;
    Place operands;  ///< where inputs are read
    Place weights;
    Place results;       ///< where results are added up
    bool first = true;   ///< starts from zero; else goes on with what is there
    bool alone = false;  ///< a pointwise layer that reads what it goes on with at `operands`
};

struct StepImage {
    std::vector<MovePiece> moves;
    std::vector<ComputePiece> computes;
};

/// All of an activation, every item of the batch.
Region whole_region(const Network& network, TensorId activation);

/// A step that moves one region.
std::shared_ptr<const StepImage> image_of_move(TensorId tensor, const Region& region, Place from,
                                               std::vector<Place> to);

}  // namespace memwall
