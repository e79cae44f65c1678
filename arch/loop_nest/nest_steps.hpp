// SPDX-License-Identifier: Apache-2.0
// The outer levels of a loop nest as a list of steps: which tile each level holds at each of them.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/core_split.hpp"
#include "arch/loop_nest/nest.hpp"

namespace memwall {

/// One part of a tile that was spread over instances.
struct InstanceBox {
    std::int64_t lane = 0;  ///< the same for the same place side by side in every step
    Box box;
};

/// The innermost level with moves of its own; 0: the outermost streams to the one below.
std::size_t innermost_moved(const IterationSpace& space, const LoopNest& nest,
                            const NestMachine& machine);

/// Steps of the levels with moves of their own, as NestSteps lists them.
std::int64_t moved_steps(const IterationSpace& space, const LoopNest& nest,
                         const NestMachine& machine);
/// The most that an inner level may take and still have moves of its own.
inline constexpr std::int64_t kMostSteps = 2'000;
/// The most that the outermost level's tiles may take before those stream, many in a step.
inline constexpr std::int64_t kMostOuterSteps = 16'384;

/// The steps of a nest down to the memory that is filled last by moves of its own; what lies below
/// is counted in the steps that compute.
class NestSteps {
public:
    NestSteps(const IterationSpace& space, const LoopNest& nest, const NestMachine& machine);

    /// As innermost_moved().
    [[nodiscard]] std::size_t moved() const { return moved_; }
    [[nodiscard]] std::size_t size() const { return tiles_.size(); }
    /// What a level holds at a step, all instances together.
    [[nodiscard]] const Box& tile(std::size_t step, std::size_t level) const {
        return tiles_[step][level];
    }
    /// Whether a level's tile of an operand is another one than at the step before.
    [[nodiscard]] bool changes(std::size_t step, std::size_t level,
                               const Projection& projection) const;
    /// How the innermost moved level's tile is spread over its instances.
    [[nodiscard]] CoreSplit split(std::size_t step) const;
    [[nodiscard]] std::vector<InstanceBox> instances(std::size_t step) const;
    /// Steps of the busiest lane inside a step, all its turns.
    [[nodiscard]] std::int64_t lane_steps(std::size_t step) const;

private:
    void stream_outermost(Extents left);
    void list(const Box& box, std::size_t level, std::size_t loop, std::vector<Box>& at);

    const LoopNest& nest_;
    const NestMachine& machine_;
    std::size_t moved_;
    std::size_t walked_ = 0;  ///< loops of the level `moved_` that go by step by step
    Extents spread_;          ///< tiles of the instances of the innermost moved level
    Extents parts_ = unit_extents();
    std::vector<std::vector<Box>> tiles_;
    mutable Extents counted_{};  ///< whose lane steps were asked for last
    mutable std::int64_t counted_steps_ = 0;
};

}  // namespace memwall
