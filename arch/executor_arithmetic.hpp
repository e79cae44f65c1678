// SPDX-License-Identifier: Apache-2.0
// What the steps of a program do while it is executed: moves and computes on the words in the
// memories, each of which must be there.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/executor_memory.hpp"
#include "arch/layer_arithmetic.hpp"
#include "arch/machine.hpp"
#include "arch/step_image.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Throws InternalError, naming layer, tensor and place, where a word is read that is not there.
class StepArithmetic {
public:
    StepArithmetic(const Network& network, const Machine& machine, const StoredWords& stored,
                   ExecutorMemory& memory);

    /// That all words which a step reads from elsewhere are there when it starts.
    void check_sources(const StepImage& image, const Doing& doing, LayerId layer);

    /// What a step does when it completes: first its computes, then its moves.
    void perform(const StepImage& image, const Doing& doing, LayerId layer);

    /// The word, which must be there.
    std::int64_t& word(Place place, TensorId tensor, std::int64_t position, const Doing& doing,
                       LayerId layer);

    /// Points of iteration spaces that were computed so far.
    [[nodiscard]] std::int64_t points() const { return points_; }

private:
    class Access;

    void move(const MovePiece& piece, const Doing& doing, LayerId layer);
    void compute(const ComputePiece& piece, const Doing& doing);
    [[noreturn]] void missing(Place place, TensorId tensor, std::int64_t position,
                              const Doing& doing, LayerId layer) const;

    const Network& network_;
    const Machine& machine_;
    const StoredWords& stored_;
    ExecutorMemory& memory_;
    std::vector<TensorId> running_;  ///< by epilogue: the stored result that it goes on with
    std::int64_t points_ = 0;
};

}  // namespace memwall
