// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "arch/dram_access.hpp"
#include "arch/loop_nest/given_nest.hpp"
#include "arch/loop_nest/nest_measure.hpp"
#include "arch/loop_nest/nest_polish.hpp"
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

/// Whether what is only counted leaves the choice as it is, where the count of its like was above
/// what was measured by no more than `above`, a factor.
bool cannot_be_chosen(const JudgedNest& counted, const JudgedNest& chosen, double above) {
    return kEquallyGood * counted.score.first >= above * chosen.score.first &&
           counted.score.second >= above * chosen.score.second;
}

/// How many steps a nest has, by what it takes to measure it: no time, some, long.
enum class Length { few, many, very_many };

Length length_of(const IterationSpace& space, const LoopNest& nest, const NestMachine& machine) {
    constexpr std::int64_t kMany = 200;
    return takes_long_to_measure(space, nest, machine) ? Length::very_many
           : moved_steps(space, nest, machine) > kMany ? Length::many
                                                       : Length::few;
}

/// Of the last touch for a small layer, by each objective.
constexpr std::int64_t kChanges = 10;
constexpr std::int64_t kThoroughChanges = 300;

/// How far what is counted may be above what is measured, as a factor: of few steps, begin and end
/// matter much. Those of very many steps, which overlap with nothing, are measured where they seem
/// better than what is known.
double most_above(Length length) {
    switch (length) {
        case Length::few:
            return std::numeric_limits<double>::infinity();
        case Length::many:
            return 1.1;
        default:
            return 0.97;
    }
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
}

NetworkNests NestPlanner::nests(Effort effort) {
    NetworkNests nests;
    for (const Segment& segment : segments_) {
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

void NestPlanner::add(const Segment& segment, Effort effort, NetworkNests& nests) {
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
    const bool gathers = !segment.tail.empty() && joins(nest);
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
                        search_stages(effort, layer.space));
    Judged known{found.candidates, {}, {}};
    known.counted.resize(found.candidates.size());
    known.measured.resize(found.candidates.size());
    const auto take = [&](std::size_t first, SearchedNest& result) {
        const JudgedNest best = best_measured(segment, machine, prices, searched, first, known);
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
            first = polish(segment, machine, prices, searched, first, changes, known);
            figures = take(first, result);
        }
        return figures;
    };
    if (effort == Effort::thorough && !found.interrupted) {
        first = found.candidates_by_stage[static_cast<std::size_t>(Effort::normal)];
        FoundNest& normally = searched.normally.emplace(FoundNest{found, {}});
        normally.found.candidates.clear();
        normally.taken = polish_and_take(kChanges, normally.found);
        first = found.candidates.size();
        searched.taken = polish_and_take(kThoroughChanges, found);
    } else if (effort == Effort::normal) {
        searched.taken = polish_and_take(kChanges, found);
    } else {
        searched.taken = take(first, found);
    }
    found.candidates.clear();
}

/// Adds to the first of what was found, behind them, what is better by the engine. Returns how many
/// these are then.
std::size_t NestPlanner::polish(const Segment& segment, const NestMachine& machine,
                                const NestPrices& prices, SearchedLayer& searched,
                                std::size_t first, std::int64_t changes, Judged& known) const {
    SearchedNest& found = searched.found;
    std::vector<TakenNest> judged;
    for (std::size_t c = 0; c < first; ++c) {
        const std::optional<NestFigures>& measured = known.measured[c];
        judged.push_back(
            {found.candidates[c], measured ? *measured : *known.counted[c], measured.has_value()});
    }
    NestPolish polish(
        network_.layer(segment.head), machine, prices,
        [&](const CountedNest& nest, bool measures) {
            return taken(segment, machine, prices, searched, nest, measures);
        },
        options_.cancelled);
    for (TakenNest& better : polish.run(judged, changes)) {
        const auto at = static_cast<std::ptrdiff_t>(first++);
        found.candidates.insert(found.candidates.begin() + at, std::move(better.nest));
        known.counted.emplace(known.counted.begin() + at);
        known.measured.emplace(known.measured.begin() + at,
                               better.measured ? std::optional(better.taken) : std::nullopt);
    }
    found.evaluations += changes * static_cast<std::int64_t>(kMappingObjectives.size());
    found.interrupted = found.interrupted || options_.cancelled();
    return first;
}

/// Of the first that the search found, the best by what the analytic engine says that it takes.
/// Nests that take long to measure go by the count where they are far better than what was
/// measured.
JudgedNest NestPlanner::best_measured(const Segment& segment, const NestMachine& machine,
                                      const NestPrices& prices, const SearchedLayer& searched,
                                      std::size_t first, Judged& known) const {
    constexpr double kFar = 0.9;
    const auto judge = [&](std::size_t c, bool measures) {
        const CountedNest& candidate = known.candidates[c];
        std::optional<NestFigures>& figures = (measures ? known.measured : known.counted)[c];
        if (!figures) {
            figures = taken(segment, machine, prices, searched, candidate, measures);
        }
        return JudgedNest{&candidate, *figures, score_of(*figures, options_.objective)};
    };
    const auto length = [&](std::size_t c) {
        return length_of(network_.layer(segment.head).space, known.candidates[c].nest, machine);
    };
    // Those of few steps first, the most promising of them first.
    std::vector<std::size_t> order(first);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return judge(a, false).score < judge(b, false).score;
    });
    const std::size_t promising = order.front();
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return length(a) < length(b); });
    const bool quick = options_.effort == Effort::quick;  // measures little
    if (first == 1 || (quick && length(order.front()) != Length::few)) {
        return judge(promising, false);
    }
    std::vector<JudgedNest> judged;
    double least = std::numeric_limits<double>::infinity();
    bool least_is_measured = false;
    double above = 1;
    for (const std::size_t c : order) {
        JudgedNest one = judge(c, false);
        if (least_is_measured &&
            (one.score.first > most_above(length(c)) * least ||
             (length(c) != Length::few && cannot_be_chosen(one, choose_frugally(judged), above)))) {
            continue;
        }
        const bool is_far = least_is_measured && one.score.first <= kFar * least;
        const bool goes_by_count = length(c) == Length::very_many && (is_far || !least_is_measured);
        if (!goes_by_count && length(c) == Length::very_many && quick) {
            continue;
        }
        if (!goes_by_count) {
            const double counted = one.score.first;
            one = judge(c, true);
            above = std::max(above, counted / one.score.first);
        }
        if (one.score.first < least) {
            least = one.score.first;
            least_is_measured = !goes_by_count;
        }
        judged.push_back(one);
    }
    return choose_frugally(judged);
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

std::int64_t NestPlanner::looked_at(LayerId head) {
    for (const Segment& segment : segments_) {
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
