// SPDX-License-Identifier: Apache-2.0
// Which of the nests that a search found for a layer is the best, by what they take when they run.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arch/loop_nest/exact_choice.hpp"
#include "arch/loop_nest/nest_emitter.hpp"
#include "arch/loop_nest/nest_search.hpp"
#include "arch/mapper.hpp"

namespace memwall {

/// A layer and those that may run on its results on their way out.
struct NestSegment {
    LayerId head;
    std::vector<LayerId> tail;
};

/// What nests of a segment are judged on. All must outlive the judge.
struct JudgedOn {
    const Network& network;
    const Machine& machine;
    const NestHierarchy& hierarchy;
    const MapperOptions& options;
    const NestSegment& segment;
    const NestMachine& nest_machine;  ///< the levels and lanes that the layer finds
    const NestPrices& prices;
    /// What it takes to run the tail apart, where no memory gathers the results; none: no tail.
    const NestFigures* apart = nullptr;
};

/// Judges candidates, which may become more, each once.
class NestJudge {
public:
    NestJudge(const JudgedOn& on, std::vector<CountedNest>& candidates);

    /// Of the first so many, the best. Nests that take long to measure go by the count where they
    /// are far better than what was measured.
    JudgedNest best(std::size_t first);
    /// Whether the replay decides: a DRAM has rows, and the layer is small.
    [[nodiscard]] bool asks_replay() const { return asks_replay_; }
    /// Adds to the first of the candidates, behind them, what so many changes of them lead to that
    /// is better when it runs. Returns how many those are then.
    std::size_t polish(std::size_t first, std::int64_t changes);

private:
    /// How many steps a nest has, by what it takes to measure it: no time, some, long.
    enum class Length { few, many, very_many };

    [[nodiscard]] Length length_of(std::size_t candidate) const;
    static double most_above(Length length);
    /// The first so many, the best by their counts first.
    [[nodiscard]] std::vector<std::size_t> by_promise(std::size_t first);
    JudgedNest judged(std::size_t candidate, bool measures);
    /// As choose_frugally(), by what they take in the replay.
    [[nodiscard]] JudgedNest replayed_best(std::vector<JudgedNest> nests);
    /// Of a candidate and what follows the layer: by its count, by the analytic engine, or by the
    /// replay where there is one.
    [[nodiscard]] NestFigures taken(const CountedNest& candidate, bool measures,
                                    const Replayer& replay) const;

    JudgedOn on_;
    const IterationSpace& space_;
    std::vector<CountedNest>& candidates_;
    std::vector<std::optional<NestFigures>> counted_, measured_, replayed_;  ///< by candidate
    bool asks_replay_;
};

/// Whether some memory gathers the results of a nest for its tail to run on them.
bool gathers_results(const Network& network, const MappedNest& nest);

}  // namespace memwall
