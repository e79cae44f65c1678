// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "arch/dram_access.hpp"
#include "arch/loop_nest/given_nest.hpp"
#include "arch/loop_nest/nest_judge.hpp"
#include "base/parallel.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

IterationSpace nameless(IterationSpace space) {
    for (Operand& operand : space.operands) {
        operand.tensor = TensorId();
    }
    return space;
}

/// Of the last touch for a small layer, by each objective.
constexpr std::int64_t kChanges = 10;
constexpr std::int64_t kReplayedChanges = 40;  ///< where the search knows less of what they take
constexpr std::int64_t kThoroughChanges = 300;

}  // namespace

NestPlanner::NestPlanner(const Network& network, const Machine& machine,
                         const NestHierarchy& hierarchy, const MapperOptions& options)
    : network_(network), machine_(machine), hierarchy_(hierarchy), options_(options) {
    if (options.given) {
        given_ = read_given_nests(*options.given, network, hierarchy);
    }
}

// MODEL: pointwise layers without an operand of their own run on results on their way out, where
// one memory of one instance gathers them; others are layers of their own. The vector unit takes
// the results as they leave: that memory is read no further time.
void NestPlanner::run() {
    list_segments();
    // Where results are not gathered, the first layer of a tail heads a segment of its own. What
    // that takes is known before it is asked whether to take it.
    std::vector<NestSegment> tails;
    for (const NestSegment& segment : segments_) {
        if (!segment.tail.empty() && options_.effort != Effort::quick) {
            tails.push_back({segment.tail.front(), {}});
        }
    }
    search_ahead(tails, std::min(options_.effort, Effort::normal));  // pointwise: easily mapped
    search_ahead(segments_, options_.effort);
}

NetworkNests NestPlanner::nests(Effort effort) {
    NetworkNests nests;
    for (const NestSegment& segment : segments_) {
        add(segment, effort, nests);
    }
    const bool cut =
        std::any_of(searched_.begin(), searched_.end(),
                    [](const SearchedLayer& searched) { return searched.found.interrupted; });
    nests.cut_after = cut ? std::optional(evaluations()) : std::nullopt;
    return nests;
}

void NestPlanner::list_segments() {
    for (const FusedLayer& fused : fuse_layers(network_)) {
        segments_.push_back({fused.root, {}});
        for (const LayerId epilogue : fused.epilogues) {
            const bool has_operand = std::find(fused.operand_of.begin(), fused.operand_of.end(),
                                               epilogue) != fused.operand_of.end();
            if (has_operand || given_.count(epilogue) > 0 || !hierarchy_.vector().valid()) {
                segments_.push_back({epilogue, {}});
            } else {
                segments_.back().tail.push_back(epilogue);
            }
        }
    }
}

/// Layers that will be asked for whatever is found of others, several at a time.
void NestPlanner::search_ahead(const std::vector<NestSegment>& segments, Effort effort) {
    std::vector<const NestSegment*> asked;
    for (const NestSegment& segment : segments) {
        asked.push_back(&segment);
    }
    // Those with the most points first: they take longest.
    std::stable_sort(asked.begin(), asked.end(), [&](const NestSegment* a, const NestSegment* b) {
        return network_.layer(a->head).space.points() > network_.layer(b->head).space.points();
    });
    std::vector<std::function<void()>> searches;
    for (const NestSegment* segment : asked) {
        if (given_.count(segment->head) > 0) {
            continue;
        }
        const Layer& layer = network_.layer(segment->head);
        NestMachine machine = machine_for(layer);
        if (find(*segment, machine) == nullptr) {
            SearchedLayer& searched = searched_.emplace_back();
            searched.space = nameless(layer.space);
            searched.precision = layer.precision;
            searched.runs = machine.runs;
            searched.tail = searched_tail(*segment);
            searches.emplace_back([this, segment, effort, &searched, machine = std::move(machine)] {
                fill(*segment, machine, effort, searched);
            });
        }
    }
    parallel_for(searches.size(), options_.threads, [&](std::size_t i) { searches[i](); });
}

void NestPlanner::add(const NestSegment& segment, Effort effort, NetworkNests& nests) {
    const Layer& layer = network_.layer(segment.head);
    MappedNest nest;
    nest.root = segment.head;
    nest.machine = machine_for(layer);
    const auto given = given_.find(segment.head);
    if (given != given_.end()) {
        nest.nest = given->second;
        nest.counts = count_nest(layer.space, nest.nest, nest.machine);
        nests.notes.emplace_back("given by hand");
        nests.sum = nests.sum + nest_figures(layer.space, nest_prices(machine_, hierarchy_, layer),
                                             nest.counts);
    } else {
        const SearchedLayer& searched = search(segment);
        const bool normally = effort < options_.effort && searched.normally;
        const SearchedNest& found = normally ? searched.normally->found : searched.found;
        nest.nest = found.nest;
        nest.counts = found.counts;
        nests.notes.push_back(note(found, segment.head));
        nests.sum = nests.sum + (normally ? searched.normally->taken : searched.taken);
    }
    const bool gathers = !segment.tail.empty() && gathers_results(network_, nest);
    nest.epilogues = gathers ? segment.tail : std::vector<LayerId>();
    if (const SearchedLayer* tail = searched_tail(segment); tail != nullptr && !gathers) {
        nests.sum = nests.sum - tail->taken;  // it comes by itself
    }
    nests.nests.push_back(std::move(nest));
    if (!gathers && !segment.tail.empty()) {
        add({segment.tail.front(), {segment.tail.begin() + 1, segment.tail.end()}}, effort, nests);
    }
}

NestMachine NestPlanner::machine_for(const Layer& layer) const {
    NestMachine machine = hierarchy_.machine_for(layer);
    for (const Operand& operand : layer.space.operands) {
        machine.runs.push_back(axes_of_runs(network_, operand.tensor));
    }
    return machine;
}

const NestPlanner::SearchedLayer* NestPlanner::searched_tail(const NestSegment& segment) {
    if (segment.tail.empty() || options_.effort == Effort::quick) {
        return nullptr;
    }
    const NestSegment tail{segment.tail.front(), {}};
    return find(tail, machine_for(network_.layer(tail.head)));
}

NestPlanner::SearchedLayer* NestPlanner::find(const NestSegment& segment,
                                              const NestMachine& machine) {
    const Layer& layer = network_.layer(segment.head);
    const IterationSpace space = nameless(layer.space);
    const SearchedLayer* tail = searched_tail(segment);
    const auto known =
        std::find_if(searched_.begin(), searched_.end(), [&](const SearchedLayer& searched) {
            return searched.tail == tail && searched.precision == layer.precision &&
                   searched.space == space && searched.runs == machine.runs;
        });
    return known == searched_.end() ? nullptr : &*known;
}

NestPlanner::SearchedLayer& NestPlanner::search(const NestSegment& segment) {
    if (find(segment, machine_for(network_.layer(segment.head))) == nullptr) {
        search_ahead({segment}, options_.effort);
    }
    return *find(segment, machine_for(network_.layer(segment.head)));
}

void NestPlanner::fill(const NestSegment& segment, const NestMachine& machine, Effort effort,
                       SearchedLayer& searched) const {
    const Layer& layer = network_.layer(segment.head);
    const NestPrices prices = nest_prices(machine_, hierarchy_, layer);
    SearchedNest& found = searched.found;
    found = search_nest(layer, machine, prices,
                        {options_.objective, options_.cancelled,
                         searched.tail != nullptr ? &searched.tail->taken : nullptr},
                        search_stages(effort, layer.space));
    NestJudge judge({network_, machine_, hierarchy_, options_, segment, machine, prices,
                     searched.tail != nullptr ? &searched.tail->taken : nullptr},
                    found.candidates);
    const auto take = [&](std::size_t first, SearchedNest& result) {
        const JudgedNest best = judge.best(first);
        // It may be another one than the best of all by the count.
        result.whole_mapspace = result.whole_mapspace && best.nest->nest == result.nest;
        result.take(*best.nest);
        return best.figures;
    };
    const bool small = is_small_product(layer.space);
    std::size_t first = found.candidates.size();
    const auto polish_and_take = [&](std::int64_t changes, SearchedNest& result) {
        NestFigures figures = take(first, result);
        if (small && !found.interrupted) {
            first = judge.polish(first, changes);
            found.evaluations += changes * static_cast<std::int64_t>(kMappingObjectives.size());
            found.interrupted = found.interrupted || options_.cancelled();
            figures = take(first, result);
        }
        return figures;
    };
    const std::int64_t usual = judge.asks_replay() ? kReplayedChanges : kChanges;
    if (effort == Effort::thorough && !found.interrupted) {
        first = found.candidates_by_stage[static_cast<std::size_t>(Effort::normal)];
        FoundNest& normally = searched.normally.emplace(FoundNest{found, {}});
        normally.found.candidates.clear();
        normally.taken = polish_and_take(usual, normally.found);
        first = found.candidates.size();
        searched.taken =
            polish_and_take(is_very_small(layer.space) ? kThoroughChanges : usual, found);
    } else if (effort == Effort::normal) {
        searched.taken = polish_and_take(usual, found);
    } else {
        searched.taken = take(first, found);
    }
    found.candidates.clear();
}

std::int64_t NestPlanner::looked_at(LayerId head) {
    for (const NestSegment& segment : segments_) {
        const SearchedLayer* searched =
            segment.head == head ? find(segment, machine_for(network_.layer(head))) : nullptr;
        if (searched != nullptr) {
            return searched->found.evaluations;
        }
    }
    return 0;
}

std::string NestPlanner::note(const SearchedNest& found, LayerId head) const {
    const std::int64_t before = before_ != nullptr ? before_->looked_at(head) : 0;
    std::string text = "least " + std::string(name(options_.objective)) + " of " +
                       format_count(before + found.evaluations) + " mappings";
    if (found.interrupted) {
        return text + ", interrupted";
    }
    const double gap = found.gap(options_.objective);
    if (found.whole_mapspace || gap == 0) {
        return text + ", proved optimal";
    }
    // A bound that leaves more open says nothing.
    constexpr double kTelling = 0.5;
    return gap > kTelling ? text
                          : text + fmt::format(", at most {:.1f} % above the best", gap * 100);
}

std::int64_t NestPlanner::evaluations() const {
    std::int64_t evaluations = 0;
    for (const SearchedLayer& searched : searched_) {
        evaluations += searched.found.evaluations;
    }
    return evaluations;
}

}  // namespace memwall
