// SPDX-License-Identifier: Apache-2.0
// What cores do with a box of a layer: cycles of the slowest, and the counters of the arithmetic
// and of the memories beside it. The same rules for every machine.
#pragma once

#include <cstdint>
#include <optional>

#include "arch/core_split.hpp"
#include "arch/program_builder.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The parts of a group of identical cores.
struct Cores {
    ComponentId array;
    ComponentId vector;
    ComponentId operands;      ///< inputs are read here, and weights where there is no own buffer
    ComponentId weights;       ///< where weights are read
    ComponentId accumulators;  ///< partial sums; invalid: they cost nothing
    const MacArrayConfig* array_config = nullptr;
    const VectorUnitConfig* vector_config = nullptr;
    Bytes read_width;        ///< of one operand memory, a cycle; zero: no limit
    bool by_expert = false;  ///< cores divide the tokens of a mixture by expert (expert_parts.hpp)
    UnitId array_unit;
    UnitId vector_unit;
};

/// Throws InputError with every layer that the cores have no lanes for.
void check_layers(const Network& network, const Machine& machine, const Cores& cores);

/// Cycles of one core for a part of a layer, on the array or the vector unit.
std::int64_t core_cycles(const Cores& cores, const Layer& layer, const Extents& part);

/// The step that computes `split` of a layer at `box`. `starts`: partial sums begin at zero.
/// `points`: those that are counted, where that is not how many of the box count.
StepBody compute_body(ProgramBuilder& builder, const Cores& cores, const Layer& layer, LayerId id,
                      const CoreSplit& split, const Box& box, bool starts,
                      std::optional<std::int64_t> points = std::nullopt);

/// The step of an epilogue on `words` results, at most `core_words` of them in one core.
StepBody epilogue_body(ProgramBuilder& builder, const Cores& cores, const Layer& layer, LayerId id,
                       std::int64_t words, std::int64_t core_words);

/// The box of a pointwise layer whose results are `region`.
Box box_of_results(const Layer& layer, const Region& region);

/// Words of `region`'s share of the fullest core of a split.
std::int64_t result_words(const Layer& layer, const Extents& part);

}  // namespace memwall
