// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/network_nests.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/loop_nest/exact_choice.hpp"
#include "arch/loop_nest/nest_measure.hpp"
#include "arch/loop_nest/nest_planner.hpp"
#include "arch/loop_nest/nest_steps.hpp"
#include "arch/outcome_figures.hpp"

namespace memwall {
namespace {

bool does_same(const NetworkNests& a, const NetworkNests& b) {
    return std::equal(a.nests.begin(), a.nests.end(), b.nests.begin(), b.nests.end(),
                      [](const MappedNest& x, const MappedNest& y) {
                          return x.root == y.root && x.epilogues == y.epilogues && x.nest == y.nest;
                      });
}

class NetworkChooser {
public:
    NetworkChooser(const Network& network, const Machine& machine, const NestHierarchy& hierarchy,
                   const MapperOptions& options)
        : network_(network), machine_(machine), hierarchy_(hierarchy), options_(options) {}

    NetworkNests run() {
        NestPlanner planner(network_, machine_, hierarchy_, options_);
        planner.run();
        found_.push_back(planner.nests(options_.effort));
        if (options_.effort == Effort::quick || found_.front().cut_after) {
            return std::move(found_.front());
        }
        if (options_.effort == Effort::thorough) {
            add(planner.nests(Effort::normal));
        }
        if (!is_short(found_.front())) {
            return std::move(found_[best([](const NetworkNests& nests) { return nests.sum; })]);
        }
        // What little effort finds is no step of a search that knows what runs apart.
        MapperOptions quick = options_;
        quick.effort = Effort::quick;
        NestPlanner quickly(network_, machine_, hierarchy_, quick);
        quickly.adds_to(planner);
        quickly.run();
        add(quickly.nests(Effort::quick));
        try {
            const bool replays =
                std::all_of(found_.begin(), found_.end(),
                            [&](const NetworkNests& nests) { return is_replayed(nests); });
            return std::move(
                found_[best([&](const NetworkNests& nests) { return run(nests, replays); })]);
        } catch (const Interrupted&) {
            found_.front().cut_after = planner.evaluations();
            return std::move(found_.front());
        }
    }

private:
    void add(NetworkNests nests) {
        if (std::none_of(found_.begin(), found_.end(),
                         [&](const NetworkNests& known) { return does_same(known, nests); })) {
            found_.push_back(std::move(nests));
        }
    }

    /// Whether the engine runs it in no time.
    [[nodiscard]] bool is_short(const NetworkNests& nests) const {
        constexpr std::int64_t kFewSteps = 10'000;
        return steps_of(nests) <= kFewSteps;
    }
    /// Whether the replay does: rows of a DRAM may decide then.
    [[nodiscard]] bool is_replayed(const NetworkNests& nests) const {
        constexpr std::int64_t kFewSteps = 3'000;
        return options_.replay && machine_.has_rows() && steps_of(nests) <= kFewSteps;
    }
    [[nodiscard]] std::int64_t steps_of(const NetworkNests& nests) const {
        std::int64_t steps = 0;
        for (const MappedNest& nest : nests.nests) {
            steps += moved_steps(network_.layer(nest.root).space, nest.nest, nest.machine);
        }
        return steps;
    }

    /// By its place among what was found. What the effort asked for has found is left for what is
    /// better, unless it is equally good and has less of what comes second.
    template <class FiguresOf>
    [[nodiscard]] std::size_t best(const FiguresOf& figures_of) const {
        if (found_.size() == 1) {
            return 0;
        }
        std::vector<NestScore> scores;
        for (const NetworkNests& nests : found_) {
            scores.push_back(score_of(figures_of(nests), options_.objective));
        }
        const NestScore& asked = scores.front();
        const auto best = std::min_element(scores.begin(), scores.end());
        const bool stays =
            asked.first <= kEquallyGood * best->first && asked.second <= best->second;
        return stays ? 0 : static_cast<std::size_t>(best - scores.begin());
    }

    /// What a steady round takes, or the only one; without end where the outermost memory has no
    /// room for it.
    [[nodiscard]] NestFigures run(const NetworkNests& nests, bool replays) const {
        constexpr double kNever = std::numeric_limits<double>::infinity();
        const std::int64_t warmup = options_.rounds == 1 ? 0 : 1;
        MapperOptions options;
        options.rounds = warmup + 1;
        options.repetition = !replays;
        options.cancelled = options_.cancelled;
        try {
            const Program program =
                NestEmitter(network_, hierarchy_, machine_, nests.nests, options).run();
            const Outcome outcome =
                replays ? options_.replay(program, machine_, Window{warmup})
                        : estimate(program, machine_, Window{warmup}, {}, options_.cancelled);
            const OutcomeFigures figures =
                figures_of(program, machine_, outcome, hierarchy_.levels().front().memory);
            return {figures.seconds, figures.joules, figures.bytes};
        } catch (const InputError&) {
            return {kNever, kNever, kNever};
        }
    }

    const Network& network_;
    const Machine& machine_;
    const NestHierarchy& hierarchy_;
    const MapperOptions& options_;
    std::vector<NetworkNests> found_;  ///< those of more effort first
};

}  // namespace

NetworkNests choose_network_nests(const Network& network, const Machine& machine,
                                  const NestHierarchy& hierarchy, const MapperOptions& options) {
    return NetworkChooser(network, machine, hierarchy, options).run();
}

}  // namespace memwall
