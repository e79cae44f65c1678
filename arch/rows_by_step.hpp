// SPDX-License-Identifier: Apache-2.0
// Which rows of a memory are taken at which steps, to find the lowest that are free while something
// lives. Two ways to remember it with the same answers: as bits, which is quick while rows are few,
// and as lists, which take no room for rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace memwall {

/// Steps of one round, both included.
struct StepRange {
    std::size_t first = 0;
    std::size_t last = 0;
};

/// The steps of a life within one round: what goes on in the next round is there at the end of a
/// round and at its begin.
class StepsOfLife {
public:
    /// `last` may lie in the next round, less than a round after `first`.
    StepsOfLife(std::size_t first, std::size_t last, std::size_t steps);

    [[nodiscard]] const StepRange* begin() const { return ranges_.data(); }
    [[nodiscard]] const StepRange* end() const { return ranges_.data() + count_; }

private:
    std::array<StepRange, 2> ranges_{};
    std::size_t count_ = 1;
};

/// Bits of rows in a tree of ranges of steps.
class RowBitsByStep {
public:
    /// `rows`: about how many are taken at once; more may be.
    RowBitsByStep(std::size_t steps, std::int64_t rows);

    /// The lowest row from which `rows` rows are free at all steps of a life.
    [[nodiscard]] std::int64_t lowest_free(const StepsOfLife& life, std::int64_t rows);
    void take(const StepsOfLife& life, std::int64_t row, std::int64_t rows);

    /// What it takes if no row lies above `rows`.
    static std::int64_t bytes_for(std::size_t steps, std::int64_t rows);

private:
    using Word = std::uint64_t;
    static constexpr std::int64_t kBits = 64;

    /// Rows that are taken at all steps of a node, and at some.
    enum Kind : std::size_t { all_steps, some_steps };
    [[nodiscard]] Word* bits(std::size_t node, Kind kind) {
        return bits_.data() + (2 * node + kind) * words_;
    }
    void join(std::size_t node, Kind kind);
    void set(std::size_t node, Kind kind, std::int64_t row, std::int64_t rows);
    void grow(std::size_t words);

    std::size_t leaves_;  ///< a power of two; the leaf of a step stands at leaves_ on
    std::size_t words_;   ///< of a node
    std::vector<Word> bits_;
    std::vector<Word> taken_;  ///< what lowest_free() joins
};

/// Lists of rows in a tree of ranges of steps.
class RowListsByStep {
public:
    RowListsByStep(std::size_t steps, std::int64_t rows);

    [[nodiscard]] std::int64_t lowest_free(const StepsOfLife& life, std::int64_t rows);
    void take(const StepsOfLife& life, std::int64_t row, std::int64_t rows);

private:
    using Rows = std::pair<std::int64_t, std::int64_t>;  ///< [begin, end)

    std::size_t leaves_;
    std::vector<std::vector<Rows>> through_;   ///< by node: what lives at all of its steps
    std::vector<std::vector<Rows>> begin_at_;  ///< by step
    std::vector<Rows> taken_;                  ///< what lowest_free() finds
};

}  // namespace memwall
