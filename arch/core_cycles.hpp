// SPDX-License-Identifier: Apache-2.0
// Cycles of one core for parts of one layer: what does not depend on the part is found once.
#pragma once

#include <cstdint>

#include "arch/core_work.hpp"
#include "arch/split_search.hpp"

namespace memwall {

/// core_cycles() of one layer. The cores' configuration and the layer must outlive it.
class CoreCycles {
public:
    CoreCycles(const Cores& cores, const Layer& layer);

    [[nodiscard]] std::int64_t operator()(const Extents& part) const;
    /// No way of cutting `part` along some dimensions, for so many cores, has the slowest core done
    /// earlier.
    [[nodiscard]] std::int64_t least(const Extents& part, std::int64_t cores, DimSet cut) const;
    /// The lanes that the layer uses; nullptr where it has no MACs.
    [[nodiscard]] const ArrayShape* shape() const { return shape_; }

private:
    const MacArrayConfig* array_;
    const ArrayShape* shape_ = nullptr;
    const Projection* gathered_ = nullptr;     ///< weights that are drawn by the data
    const IterationSpace* divided_ = nullptr;  ///< of the layer whose draws cores divide by expert
    const VectorUnitConfig* vector_;
    std::int64_t operations_;  ///< a point, on the vector unit
};

}  // namespace memwall
