// SPDX-License-Identifier: Apache-2.0
// What the arrays read of the operand memories for parts of one layer, without a step's counters.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/split_search.hpp"
#include "arch/tiling/operand_reach.hpp"

namespace memwall {

/// Bytes that a core reads beside its arrays, and the cycles of its memory's port: what
/// compute_body() counts, but that padding is read too. The layer must outlive it.
class CoreReads {
public:
    CoreReads(const Cores& cores, const Layer& layer);

    /// Cycles of the port for a core's part; 0 where it has no limit.
    [[nodiscard]] std::int64_t cycles(const Extents& part) const;
    /// No way of cutting `part` along some dimensions, for so many cores, takes the port less.
    [[nodiscard]] std::int64_t least(const Extents& part, std::int64_t cores, DimSet cut) const;

private:
    struct Read {
        OperandReach reach;
        std::int64_t bits = 8;  ///< a word
        bool once = false;      ///< each word, into the lanes; else at every point
        DimSet dims = 0;        ///< that cutting leaves less of it along
    };
    [[nodiscard]] std::int64_t bits(const Read& read, const Extents& part) const;

    std::int64_t width_ = 0;    ///< bytes a cycle; 0: no limit
    std::int64_t outputs_ = 0;  ///< lanes that an input is read for at once; 0: no array
    std::vector<Dim> dims_;     ///< that points lie along, but for K
    std::vector<Read> reads_;
};

}  // namespace memwall
