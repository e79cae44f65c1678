// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "arch/dram_access.hpp"
#include "arch/loop_nest/exact_choice.hpp"
#include "arch/loop_nest/given_nest.hpp"
#include "arch/loop_nest/nest_measure.hpp"
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

}  // namespace

NestPlanner::NestPlanner(const Network& network, const Machine& machine,
                         const NestHierarchy& hierarchy, const MapperOptions& options)
    : network_(network), machine_(machine), hierarchy_(hierarchy), options_(options) {
    if (options.given) {
        given_ = read_given_nests(*options.given, network, hierarchy);
    }
}

// MODEL: pointwise layers without an operand of their own run on results on their way out, where
// one memory of one instance gathers them; others are layers of their own.
void NestPlanner::run() {
    list_segments();
    // Where results are not gathered, the first layer of a tail heads a segment of its own. What
    // that takes is known before it is asked whether to take it.
    std::vector<Segment> tails;
    for (const Segment& segment : segments_) {
        if (!segment.tail.empty() && options_.effort != Effort::quick) {
            tails.push_back({segment.tail.front(), {}});
        }
    }
    search_ahead(tails, std::min(options_.effort, Effort::normal));  // pointwise: easily mapped
    search_ahead(segments_, options_.effort);
    for (const Segment& segment : segments_) {
        add(segment);
    }
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
void NestPlanner::search_ahead(const std::vector<Segment>& segments, Effort effort) {
    std::vector<const Segment*> asked;
    for (const Segment& segment : segments) {
        asked.push_back(&segment);
    }
    // Those with the most points first: they take longest.
    std::stable_sort(asked.begin(), asked.end(), [&](const Segment* a, const Segment* b) {
        return network_.layer(a->head).space.points() > network_.layer(b->head).space.points();
    });
    std::vector<std::function<void()>> searches;
    for (const Segment* segment : asked) {
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

bool NestPlanner::joins(const MappedNest& nest) const {
    return epilogue_level(network_.layer(nest.root).space, nest.nest, nest.machine) > 0;
}

void NestPlanner::add(const Segment& segment) {
    const Layer& layer = network_.layer(segment.head);
    MappedNest nest;
    nest.root = segment.head;
    nest.machine = machine_for(layer);
    const auto given = given_.find(segment.head);
    if (given != given_.end()) {
        nest.nest = given->second;
        nest.counts = count_nest(layer.space, nest.nest, nest.machine);
        notes_.emplace_back("given by hand");
    } else {
        const SearchedNest& found = search(segment).found;
        nest.nest = found.nest;
        nest.counts = found.counts;
        notes_.push_back(note(found));
    }
    const bool gathers = !segment.tail.empty() && joins(nest);
    nest.epilogues = gathers ? segment.tail : std::vector<LayerId>();
    nests_.push_back(std::move(nest));
    if (!gathers && !segment.tail.empty()) {
        add({segment.tail.front(), {segment.tail.begin() + 1, segment.tail.end()}});
    }
}

NestMachine NestPlanner::machine_for(const Layer& layer) const {
    NestMachine machine = hierarchy_.machine_for(layer);
    for (const Operand& operand : layer.space.operands) {
        machine.runs.push_back(axes_of_runs(network_, operand.tensor));
    }
    return machine;
}

const NestPlanner::SearchedLayer* NestPlanner::searched_tail(const Segment& segment) {
    if (segment.tail.empty() || options_.effort == Effort::quick) {
        return nullptr;
    }
    const Segment tail{segment.tail.front(), {}};
    return find(tail, machine_for(network_.layer(tail.head)));
}

NestPlanner::SearchedLayer* NestPlanner::find(const Segment& segment, const NestMachine& machine) {
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

NestPlanner::SearchedLayer& NestPlanner::search(const Segment& segment) {
    if (find(segment, machine_for(network_.layer(segment.head))) == nullptr) {
        search_ahead({segment}, options_.effort);
    }
    return *find(segment, machine_for(network_.layer(segment.head)));
}

void NestPlanner::fill(const Segment& segment, const NestMachine& machine, Effort effort,
                       SearchedLayer& searched) const {
    const Layer& layer = network_.layer(segment.head);
    const NestPrices prices = nest_prices(machine_, hierarchy_, layer);
    SearchedNest& found = searched.found;
    found = search_nest(layer, machine, prices,
                        {options_.objective, options_.cancelled,
                         searched.tail != nullptr ? &searched.tail->taken : nullptr},
                        search_stages(effort));
    searched.taken = found.figures;
    if (found.candidates.size() > 1) {
        const CountedNest best = best_measured(segment, machine, prices, searched);
        // It may be another one than the best of all by the count.
        found.whole_mapspace = found.whole_mapspace && best.nest == found.nest;
        found.take(best);
    }
    found.candidates.clear();
}

/// Of what the search found, the best by what the analytic engine says that it takes. Nests that
/// take long to measure go by the count where they are far better than what was measured.
CountedNest NestPlanner::best_measured(const Segment& segment, const NestMachine& machine,
                                       const NestPrices& prices, SearchedLayer& searched) const {
    constexpr double kFar = 0.9;
    constexpr double kHardlyAbove = 1.02;
    const IterationSpace& space = network_.layer(segment.head).space;
    // The most promising first: the count is hardly ever above what is measured, so that what is
    // worse by the count than the best that was measured is left out.
    std::vector<const CountedNest*> promising;
    for (const CountedNest& candidate : searched.found.candidates) {
        promising.push_back(&candidate);
    }
    const auto judge = [&](const CountedNest& candidate, bool measures) {
        const NestFigures figures = taken(segment, machine, prices, searched, candidate, measures);
        return JudgedNest{&candidate, figures, score_of(figures, options_.objective)};
    };
    const auto counted = [&](const CountedNest* candidate) {
        return judge(*candidate, false).score;
    };
    std::stable_sort(
        promising.begin(), promising.end(),
        [&](const CountedNest* a, const CountedNest* b) { return counted(a) < counted(b); });
    std::vector<JudgedNest> judged;
    double least = std::numeric_limits<double>::infinity();
    bool least_is_measured = false;
    for (const bool is_short : {true, false}) {
        for (const CountedNest* candidate : promising) {
            if (takes_long_to_measure(space, candidate->nest, machine) == is_short) {
                continue;
            }
            JudgedNest one = judge(*candidate, false);
            if (least_is_measured && one.score.first > kHardlyAbove * least) {
                continue;
            }
            bool measures = is_short;
            if (!measures && least_is_measured && one.score.first > kFar * least) {
                measures = true;
            }
            one = measures ? judge(*candidate, true) : one;
            if (one.score.first < least) {
                least = one.score.first;
                least_is_measured = measures;
            }
            judged.push_back(one);
        }
    }
    const JudgedNest& chosen = choose_frugally(judged);
    searched.taken = chosen.figures;
    return *chosen.nest;
}

NestFigures NestPlanner::taken(const Segment& segment, const NestMachine& machine,
                               const NestPrices& prices, const SearchedLayer& searched,
                               const CountedNest& candidate, bool measures) const {
    MappedNest nest{segment.head, {}, machine, candidate.nest, candidate.counts};
    const bool gathers = searched.tail != nullptr && joins(nest);
    nest.epilogues = gathers ? segment.tail : std::vector<LayerId>();
    NestFigures figures =
        measures ? measured(network_, hierarchy_, machine_, nest, prices, candidate.figures)
                 : candidate.figures;
    if (searched.tail == nullptr) {
        return figures;
    }
    if (!gathers) {
        return figures + searched.tail->taken;
    }
    const Layer& first = network_.layer(segment.tail.front());
    figures.joules +=
        static_cast<double>(first.space.points()) * nest_prices(machine_, hierarchy_, first).point;
    return figures;
}

std::string NestPlanner::note(const SearchedNest& found) const {
    std::string text = "least " + std::string(name(options_.objective)) + " of " +
                       format_count(found.evaluations) + " mappings";
    if (found.interrupted) {
        return text + ", interrupted";
    }
    const double gap = found.gap(options_.objective);
    if (found.whole_mapspace || gap == 0) {
        return text + ", proved optimal";
    }
    // A bound that leaves more open says nothing.
    return gap > 1 ? text : text + fmt::format(", at most {:.1f} % above the best", gap * 100);
}

std::optional<std::int64_t> NestPlanner::cut_after() const {
    std::int64_t evaluations = 0;
    bool cut = false;
    for (const SearchedLayer& searched : searched_) {
        evaluations += searched.found.evaluations;
        cut = cut || searched.found.interrupted;
    }
    return cut ? std::optional(evaluations) : std::nullopt;
}

}  // namespace memwall
