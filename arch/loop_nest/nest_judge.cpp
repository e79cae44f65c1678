// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_judge.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "arch/loop_nest/nest_measure.hpp"
#include "arch/loop_nest/nest_polish.hpp"
#include "arch/loop_nest/nest_steps.hpp"

namespace memwall {
namespace {

/// Whether what is only counted leaves the choice as it is, where the count of its like was above
/// what was measured by no more than `above`, a factor.
bool cannot_be_chosen(const JudgedNest& counted, const JudgedNest& chosen, double above) {
    return kEquallyGood * counted.score.first >= above * chosen.score.first &&
           counted.score.second >= above * chosen.score.second;
}

/// Whether rows of a machine's DRAM may decide which nest of a layer is the best, and a replay of
/// it is short.
bool asks_the_replay(const JudgedOn& on, const IterationSpace& space) {
    return on.options.replay && on.options.effort != Effort::quick && on.machine.has_rows() &&
           is_small(space);
}

}  // namespace

NestJudge::NestJudge(const JudgedOn& on, std::vector<CountedNest>& candidates)
    : on_(on),
      space_(on.network.layer(on.segment.head).space),
      candidates_(candidates),
      counted_(candidates.size()),
      measured_(candidates.size()),
      replayed_(candidates.size()),
      asks_replay_(asks_the_replay(on, space_)) {}

NestJudge::Length NestJudge::length_of(std::size_t c) const {
    constexpr std::int64_t kMany = 200;
    const LoopNest& nest = candidates_[c].nest;
    return takes_long_to_measure(space_, nest, on_.nest_machine) ? Length::very_many
           : moved_steps(space_, nest, on_.nest_machine) > kMany ? Length::many
                                                                 : Length::few;
}

/// How far what is counted may be above what is measured, as a factor: of few steps, begin and end
/// matter much. Those of very many steps, which overlap with nothing, are measured where they seem
/// better than what is known.
double NestJudge::most_above(Length length) {
    switch (length) {
        case Length::few:
            return std::numeric_limits<double>::infinity();
        case Length::many:
            return 1.1;
        default:
            return 0.97;
    }
}

std::vector<std::size_t> NestJudge::by_promise(std::size_t first) {
    std::vector<std::size_t> order(first);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return judged(a, false).score < judged(b, false).score;
    });
    return order;
}

JudgedNest NestJudge::judged(std::size_t c, bool measures) {
    std::optional<NestFigures>& figures = (measures ? measured_ : counted_)[c];
    if (!figures) {
        figures = taken(candidates_[c], measures, {});
    }
    return {&candidates_[c], *figures, score_of(*figures, on_.options.objective)};
}

JudgedNest NestJudge::best(std::size_t first) {
    std::vector<std::size_t> order = by_promise(first);
    const std::size_t promising = order.front();
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return length_of(a) < length_of(b); });
    const bool quick = on_.options.effort == Effort::quick;  // measures little
    if (first == 1 || (quick && length_of(order.front()) != Length::few)) {
        return judged(promising, false);
    }
    std::vector<JudgedNest> nests;
    double least = std::numeric_limits<double>::infinity();
    bool least_is_measured = false;
    double above = 1;
    for (const std::size_t c : order) {
        const Length length = length_of(c);
        JudgedNest one = judged(c, false);
        if (least_is_measured &&
            (one.score.first > most_above(length) * least ||
             (length != Length::few && cannot_be_chosen(one, choose_frugally(nests), above)))) {
            continue;
        }
        const bool goes_by_count = length == Length::very_many && !least_is_measured;
        if (!goes_by_count && length == Length::very_many && quick) {
            continue;
        }
        if (!goes_by_count) {
            const double counted = one.score.first;
            one = judged(c, true);
            above = std::max(above, counted / one.score.first);
        }
        if (one.score.first < least) {
            least = one.score.first;
            least_is_measured = !goes_by_count;
        }
        nests.push_back(one);
    }
    return asks_replay_ ? replayed_best(std::move(nests)) : choose_frugally(nests);
}

// MODEL: the nest of a layer of up to 16 million points is chosen by the replay where a DRAM has
// rows: the analytic engine has none. It takes no less time than that engine says, so nests that
// are worse by it are not asked.
JudgedNest NestJudge::replayed_best(std::vector<JudgedNest> nests) {
    constexpr std::size_t kMostReplayed = 200;
    std::stable_sort(nests.begin(), nests.end(),
                     [](const JudgedNest& a, const JudgedNest& b) { return a.score < b.score; });
    std::vector<JudgedNest> replayed;
    const auto place_of = [&](const JudgedNest& nest) {
        return static_cast<std::size_t>(nest.nest - candidates_.data());
    };
    const JudgedNest& frugal = choose_frugally(nests);
    if (length_of(place_of(frugal)) == Length::very_many) {
        return frugal;
    }
    double most = std::numeric_limits<double>::infinity();
    for (JudgedNest nest : nests) {
        if (replayed.size() == kMostReplayed || nest.score.first > kEquallyGood * most) {
            break;
        }
        const std::size_t c = place_of(nest);
        if (length_of(c) == Length::very_many) {
            continue;
        }
        if (!replayed_[c]) {
            replayed_[c] = taken(candidates_[c], true, on_.options.replay);
        }
        nest.figures = *replayed_[c];
        nest.score = score_of(nest.figures, on_.options.objective);
        most = std::min(most, nest.score.first);
        replayed.push_back(nest);
    }
    return choose_frugally(replayed);
}

std::size_t NestJudge::polish(std::size_t first, std::int64_t changes) {
    const Replayer replay = asks_replay_ ? on_.options.replay : Replayer();
    std::vector<std::optional<NestFigures>>& run = asks_replay_ ? replayed_ : measured_;
    std::vector<TakenNest> known;
    for (std::size_t c = 0; c < first; ++c) {
        if (run[c] || !asks_replay_) {
            known.push_back({candidates_[c], run[c] ? *run[c] : *counted_[c], run[c].has_value()});
        }
    }
    NestPolish polish(
        on_.network.layer(on_.segment.head), on_.nest_machine, on_.prices,
        [&](const CountedNest& nest, bool measures) { return taken(nest, measures, replay); },
        on_.options.cancelled);
    for (TakenNest& better : polish.run(known, changes)) {
        const auto at = static_cast<std::ptrdiff_t>(first++);
        candidates_.insert(candidates_.begin() + at, std::move(better.nest));
        for (auto* figures : {&counted_, &measured_, &replayed_}) {
            figures->emplace(figures->begin() + at);
        }
        if (better.measured) {
            run[static_cast<std::size_t>(at)] = better.taken;
        }
    }
    return first;
}

NestFigures NestJudge::taken(const CountedNest& candidate, bool measures,
                             const Replayer& replay) const {
    const Network& network = on_.network;
    MappedNest nest{on_.segment.head, {}, on_.nest_machine, candidate.nest, candidate.counts};
    const bool gathers = on_.apart != nullptr && gathers_results(network, nest);
    nest.epilogues = gathers ? on_.segment.tail : std::vector<LayerId>();
    NestFigures figures = measures ? measured(network, on_.hierarchy, on_.machine, nest, on_.prices,
                                              candidate.figures, replay)
                                   : candidate.figures;
    if (on_.apart == nullptr) {
        return figures;
    }
    if (!gathers) {
        return figures + *on_.apart;
    }
    const Layer& first = network.layer(on_.segment.tail.front());
    figures.joules += static_cast<double>(first.space.points()) *
                      nest_prices(on_.machine, on_.hierarchy, first).point;
    return figures;
}

bool gathers_results(const Network& network, const MappedNest& nest) {
    return epilogue_level(network.layer(nest.root).space, nest.nest, nest.machine) > 0;
}

}  // namespace memwall
