// SPDX-License-Identifier: Apache-2.0
// Which layers of a network run on results on their way out, and the loop nest of each other one.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arch/fused_layer.hpp"
#include "arch/loop_nest/nest_emitter.hpp"
#include "arch/loop_nest/nest_judge.hpp"
#include "arch/loop_nest/nest_search.hpp"
#include "arch/loop_nest/network_nests.hpp"
#include "arch/mapper.hpp"

namespace memwall {

/// Used once. Network, machine, hierarchy and options must outlive it.
class NestPlanner {
public:
    /// Throws InputError where nests are given by hand and wrong.
    NestPlanner(const Network& network, const Machine& machine, const NestHierarchy& hierarchy,
                const MapperOptions& options);

    /// Throws InputError at a layer that does not fit.
    void run();

    /// What was found, as a search of this effort would have chosen of it: the effort asked for, or
    /// `normal` below it. Searches what no other choice has needed.
    NetworkNests nests(Effort effort);
    /// Mappings that were looked at.
    [[nodiscard]] std::int64_t evaluations() const;
    /// Lets notes say how many `other`, which must outlive it, has looked at as well.
    void adds_to(NestPlanner& other) { before_ = &other; }

private:
    struct FoundNest {
        SearchedNest found;
        NestFigures taken;
    };
    /// What makes two layers one to the search: their spaces without the names of their tensors,
    /// and what may run on their results.
    struct SearchedLayer {
        IterationSpace space;
        LayerPrecision precision;
        std::vector<std::vector<std::size_t>> runs;
        const SearchedLayer* tail = nullptr;  ///< where no memory gathers the results
        SearchedNest found;
        NestFigures taken;  ///< what it takes, by the analytic engine where that was asked
        std::optional<FoundNest> normally;  ///< by `normal`, where more effort was asked for
    };
    void list_segments();
    void search_ahead(const std::vector<NestSegment>& segments, Effort effort);
    void add(const NestSegment& segment, Effort effort, NetworkNests& nests);
    [[nodiscard]] NestMachine machine_for(const Layer& layer) const;
    [[nodiscard]] SearchedLayer* find(const NestSegment& segment, const NestMachine& machine);
    SearchedLayer& search(const NestSegment& segment);
    [[nodiscard]] const SearchedLayer* searched_tail(const NestSegment& segment);
    void fill(const NestSegment& segment, const NestMachine& machine, Effort effort,
              SearchedLayer& searched) const;
    [[nodiscard]] std::int64_t looked_at(LayerId head);
    [[nodiscard]] std::string note(const SearchedNest& found, LayerId head) const;

    const Network& network_;
    const Machine& machine_;
    const NestHierarchy& hierarchy_;
    const MapperOptions& options_;
    std::map<LayerId, LoopNest> given_;
    std::vector<NestSegment> segments_;
    NestPlanner* before_ = nullptr;
    std::deque<SearchedLayer> searched_;  ///< whose places last
};

}  // namespace memwall
