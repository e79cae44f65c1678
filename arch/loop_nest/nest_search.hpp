// SPDX-License-Identifier: Apache-2.0
// Finds a good loop nest for a layer: descent from several starts, and all of a small mapspace.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "arch/loop_nest/nest_cost.hpp"

namespace memwall {

/// What a search may spend, in counted mappings: the same everywhere.
struct SearchBudget {
    std::int64_t evaluations = 0;
    std::size_t starts = 1;       ///< spatial choices that are tried
    std::size_t sizes = 6;        ///< of a tile, a level and dimension
    bool pairs = false;           ///< two dimensions change together
    bool bypass = false;          ///< operands may skip levels
    std::size_t finalists = 1;    ///< by each objective, counted exactly in the end
    std::int64_t exhaustive = 0;  ///< mapspaces up to this size are tried whole
    std::size_t candidates = 1;   ///< by each objective, given to be measured
    bool fills_room = false;      ///< a bypass and the tile that makes use of it change together
    std::int64_t anneals = 0;     ///< by each objective, at random, also over what is worse
    std::size_t ways = 0;         ///< candidates by each, of those that keep operands elsewhere
};

/// Whether a layer has so few points that what it takes is judged more closely, and a search for
/// it, where it is a product, has ways that take longer; and whether `thorough` has still longer
/// ones.
bool is_small(const IterationSpace& space);
bool is_very_small(const IterationSpace& space);
bool is_small_product(const IterationSpace& space);

/// The stages of an effort for a layer: each search goes on from the one of less effort before it.
std::vector<SearchBudget> search_stages(Effort effort, const IterationSpace& space);

struct CountedNest {
    LoopNest nest;
    NestCounts counts;
    NestFigures figures;
    std::optional<NestPoint> point;  ///< whose nest it is, or nearly: loops may stand further out
};

/// The best by what was counted.
struct SearchedNest {
    LoopNest nest;
    NestCounts counts;
    NestFigures figures;
    std::int64_t evaluations = 0;
    double bound = 0;             ///< no mapping has less of the objective
    bool whole_mapspace = false;  ///< all mappings were tried
    bool interrupted = false;     ///< ended early, with the best so far
    /// The best of every stage by each objective: any may be the best when measured. They are the
    /// same whichever objective was asked for.
    std::vector<CountedNest> candidates;
    std::vector<std::size_t> candidates_by_stage;  ///< how many there were after each stage

    void take(const CountedNest& other);

    /// How far the result may be from the best: 0 where it is proved to be that.
    [[nodiscard]] double gap(MappingObjective objective) const;
};

/// What a search asks beside the layer and its budget.
struct SearchRequest {
    MappingObjective objective = MappingObjective::latency;
    std::function<bool()> cancelled = [] { return false; };
    /// What it takes to run what follows apart, where no memory gathers the results for it to run
    /// on their way out; none: nothing follows.
    const NestFigures* apart = nullptr;
};

/// Throws InputError at the layer where no tile of it fits the machine.
SearchedNest search_nest(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                         const SearchRequest& request, const std::vector<SearchBudget>& stages);

}  // namespace memwall
