// SPDX-License-Identifier: Apache-2.0
// What the words of a loop nest cost: joules by memory and bus, and the power that runs meanwhile.
#pragma once

#include <vector>

#include "arch/loop_nest/nest_counts.hpp"
#include "arch/loop_nest/nest_hierarchy.hpp"
#include "arch/mapper.hpp"
#include "arch/objective_value.hpp"

namespace memwall {

/// Joules of a byte.
struct LevelPrice {
    double read = 0;
    double write = 0;
};

struct NestPrices {
    std::vector<LevelPrice> levels;
    /// By parent and child: a byte over the buses between them, and each further copy of it.
    std::vector<std::vector<double>> transfer, copy;
    double point = 0;             ///< a multiply-accumulate or a point's elementwise operations
    double addition = 0;          ///< of two sums on their way up
    double static_per_cycle = 0;  ///< leakage, background and clock tree of the whole machine
};

NestPrices nest_prices(const Machine& machine, const NestHierarchy& hierarchy, const Layer& layer);

/// What a mapping is judged by.
struct NestFigures {
    double cycles = 0;
    double joules = 0;
    double bytes = 0;  ///< at the outermost memory

    [[nodiscard]] double of(MappingObjective objective) const {
        return objective_value(objective, cycles, joules, bytes);
    }
    /// One after the other.
    friend NestFigures operator+(const NestFigures& a, const NestFigures& b) {
        return {a.cycles + b.cycles, a.joules + b.joules, a.bytes + b.bytes};
    }
    /// All but one of them.
    friend NestFigures operator-(const NestFigures& a, const NestFigures& b) {
        return {a.cycles - b.cycles, a.joules - b.joules, a.bytes - b.bytes};
    }
};

NestFigures nest_figures(const IterationSpace& space, const NestPrices& prices,
                         const NestCounts& counts);

/// What any nest of a layer moves at the outermost memory: its I/O lower bound, or its weights
/// alone where activations are resident below.
IoBound nest_io_bound(const IterationSpace& space, const NestMachine& machine, Bytes capacity);

/// The least of the objective that any nest of the layer can have: lanes that are all busy, as few
/// folds of a systolic array as hold the words that stay in its lanes, the layer's I/O lower bound
/// at the outermost memory.
double nest_bound(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                  MappingObjective objective);

}  // namespace memwall
