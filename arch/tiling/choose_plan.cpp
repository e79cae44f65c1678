// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/choose_plan.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "arch/tiling/candidate_plans.hpp"
#include "arch/tiling/compared_plans.hpp"
#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/plan_measure.hpp"
#include "arch/tiling/tilings_to_try.hpp"
#include "base/error.hpp"
#include "base/parse.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// Plans of other parts of the batch are made, but not looked at, where the planner's estimate is
/// above that of the best part by more than this factor.
constexpr double kNearPart = 1.5;

/// A refusal for want of room, told where the file says how much there is.
DoesNotFit at_capacity(const InputError& refusal, const Component& memory) {
    std::vector<Diagnostic> faults = refusal.faults();
    for (Diagnostic& fault : faults) {
        fault.where = fault.where.line > 0 ? fault.where : memory.capacity_where;
    }
    DoesNotFit placed(std::move(faults));
    return placed;
}

/// The plans of a part of the batch.
struct PartPlans {
    Network network;
    std::vector<NetworkPlan> plans;
    GivenTilings given;

    /// Estimate.
    [[nodiscard]] double cycles() const { return plans.front().cycles_per_item; }
};

class PlanChooser {
public:
    PlanChooser(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
                const Cores& cores, const MapperOptions& options)
        : network_(network),
          machine_(machine),
          hierarchy_(hierarchy),
          cores_(cores),
          clock_(machine.clock(machine.component(hierarchy.array).clock)),
          options_(options),
          measure_(network.batch(), machine, hierarchy, cores, options),
          pool_(options.effort == Effort::thorough || options.objective != MappingObjective::latency
                    ? PlanPool::all
                    : PlanPool::fast),
          compared_(options.objective) {
        if (options.given) {
            Diagnostics faults;
            given_ = read_given_mapping(*options.given, faults);
            faults.throw_if_any();
            check_together();
        }
    }

    PlanChoice run() {
        make_plans(options_.effort);
        if (options_.effort == Effort::thorough && !options_.cancelled()) {
            make_plans(Effort::normal);
        }
        best_ = {fastest_part(), 0};
        std::size_t made = 0;
        for (const PartPlans& part : parts_) {
            made += part.plans.size();
        }
        bool cut = false;
        try {
            if (pool_ == PlanPool::fast) {
                leave_best_parts();
            }
            if (parts_.size() > 1 || parts_.front().plans.size() > 1) {
                compare();
            }
            if (options_.effort == Effort::thorough) {
                refine();
            }
            replay_best();
        } catch (const Interrupted&) {
            cut = true;
            best_ = compared_.empty() ? best_ : compared_.best();
        }
        cut = cut || options_.cancelled();
        PartPlans& part = parts_[best_.part];
        return {std::move(part.network), std::move(part.plans[best_.plan]), std::move(part.given),
                compared_.size() + tried_, cut ? std::optional(made) : std::nullopt};
    }

private:
    void check_together() const {
        if (given_.together && network_.batch() % *given_.together != 0) {
            Diagnostics faults;
            faults.error(given_.together_mark,
                         "'together': expected an equal part of the batch of " +
                             std::to_string(network_.batch()) + ", found '" +
                             std::to_string(*given_.together) + "'");
            faults.throw_if_any();
        }
    }

    /// Whether so many items may go through the machine together.
    [[nodiscard]] bool is_part(std::int64_t items) const {
        // All users have their state; gradients are those of the whole batch.
        const bool together = network_.state_bytes().count() > 0 || network_.trains();
        return network_.batch() % items == 0 && (!together || items == network_.batch()) &&
               (!given_.together || items == *given_.together);
    }

    /// What is given by hand for a part of the batch.
    [[nodiscard]] GivenTilings given_for(const Network& part) const {
        return read_given_tilings(given_, part, machine_, hierarchy_, cores_);
    }

    /// For the whole batch and its equal parts.
    void make_plans(Effort effort) {
        std::optional<InputError> refusal;
        std::optional<InputError> wrong;  // what is given, for the whole batch
        Bytes staying;                    // of the smallest part, by hand
        const std::size_t before = parts_.size();
        for (std::int64_t items = network_.batch(); items >= 1; --items) {
            if (!is_part(items)) {
                continue;
            }
            if (options_.cancelled() && !parts_.empty()) {
                return;
            }
            Network part = with_batch(network_, items);
            std::optional<GivenTilings> given;
            try {
                given = given_for(part);
                staying = bytes_staying(*given, part);
                std::vector<NetworkPlan> plans = candidate_plans(
                    part, hierarchy_, clock_, cores_, *given, effort, pool_, options_.cancelled);
                parts_.push_back({std::move(part), std::move(plans), std::move(*given)});
            } catch (const InputError& error) {
                wrong = !given && !wrong ? error : wrong;
                refusal = error;
            }
        }
        if (parts_.size() == before && wrong) {
            throw *wrong;
        }
        if (parts_.size() == before && !given_.layers.empty()) {
            throw beside_given(staying);
        }
        if (parts_.size() == before) {
            throw at_capacity(*refusal, machine_.component(hierarchy_.buffer));
        }
    }

    /// Each layer's tiles have room by themselves, but not with what is to stay.
    [[nodiscard]] DoesNotFit beside_given(Bytes staying) const {
        const Component& buffer = machine_.component(hierarchy_.buffer);
        const std::string what = staying.count() > 0
                                     ? format_bytes(staying) + " that are to stay by hand"
                                     : "the tiles that are given by hand";
        const bool others = network_.layers().size() > 1 && staying <= buffer.capacity();
        std::vector<Diagnostic> faults = {
            {given_.layers.front().mark,
             "'" + buffer.name + "' (" + format_bytes(buffer.capacity()) + ") has no room for " +
                 what + (others ? " and for the tiles of the other layers" : "")}};
        DoesNotFit placed(std::move(faults));
        return placed;
    }

    /// Of parts that are as fast by the estimate, the largest.
    [[nodiscard]] std::size_t fastest_part() const {
        std::size_t fastest = 0;
        for (std::size_t c = 1; c < parts_.size(); ++c) {
            fastest = parts_[c].cycles() < parts_[fastest].cycles() * (1 - 1e-9) ? c : fastest;
        }
        return fastest;
    }

    /// Keeps the part of the batch that is best by the planner's estimate, and that which the
    /// engine finds best by the first and the last plan of each.
    void leave_best_parts() {
        const std::size_t fastest = fastest_part();
        std::vector<std::size_t> keep = {fastest};
        if (options_.effort != Effort::quick && parts_.size() > 1) {
            const double most = parts_[fastest].cycles() * kNearPart;
            for (std::size_t c = 0; c < parts_.size(); ++c) {
                if (parts_[c].cycles() <= most) {
                    measure({c, 0});
                    measure({c, parts_[c].plans.size() - 1});
                }
            }
            const std::size_t found = compared_.empty() ? fastest : compared_.best().part;
            if (found != fastest) {
                keep.push_back(found);
            }
        }
        std::vector<PartPlans> kept;
        for (const std::size_t c : keep) {
            kept.push_back(std::move(parts_[c]));
        }
        parts_ = std::move(kept);
        compared_.clear();
        best_ = {parts_.size() - 1, 0};
    }

    void compare() {
        for (std::size_t c = 0; c < parts_.size(); ++c) {
            for (std::size_t p = 0; p < parts_[c].plans.size(); ++p) {
                measure({c, p});
            }
        }
        if (compared_.empty()) {
            throw *refusal_;
        }
        best_ = compared_.best();
    }

    /// Of small networks the best plan of each part is tried with other tiles and splits, layer by
    /// layer.
    void refine() {
        if (compared_.empty()) {
            measure(best_);
        }
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            refine(p);
        }
        best_ = compared_.best();
    }

    void refine(std::size_t p) {
        constexpr std::size_t kFewLayers = 8;
        const std::optional<ComparedPlan> best = compared_.best_of(p);
        PartPlans& part = parts_[p];
        if (!best) {
            return;
        }
        const NetworkPlan plan = part.plans[best->place.plan];
        if (plan.fused.size() > kFewLayers || !plan.stacks.empty() ||
            !is_short(part.network, plan)) {
            return;
        }
        PassPlanner passes(hierarchy_, cores_, Effort::thorough);
        GivenTilings given = part.given;
        given.layers.resize(plan.fused.size());
        for (std::size_t f = 0; f < plan.fused.size(); ++f) {
            if (part.given.find(f) == nullptr) {
                refine_layer(p, f, tilings_to_try(part.network, plan.fused[f], hierarchy_), passes,
                             given);
            }
        }
    }

    /// Leaves the best tiling of a layer in `given`, beside those of the layers before.
    void refine_layer(std::size_t p, std::size_t f, const std::vector<GivenTiling>& tilings,
                      PassPlanner& passes, GivenTilings& given) {
        PartPlans& part = parts_[p];
        std::optional<GivenTiling> found;
        for (const GivenTiling& tiling : tilings) {
            throw_if_cancelled(options_);
            given.layers[f] = tiling;
            try {
                NetworkPlan plan =
                    plan_network(part.network, hierarchy_, clock_, passes,
                                 {hierarchy_.buffer_config->capacity, Starts::exposed, 1, &given});
                if (!is_short(part.network, plan)) {
                    continue;
                }
                const OutcomeFigures figures = measure_(part.network, plan);
                if (compared_.is_clearly_better(figures, compared_.best_of(p)->figures)) {
                    part.plans.push_back(std::move(plan));
                    compared_.add({p, part.plans.size() - 1}, figures);
                    found = tiling;
                } else {
                    ++tried_;
                }
            } catch (const InputError&) {
                continue;  // it does not fit
            }
        }
        given.layers[f] = found;
    }

    // MODEL: of plans that the analytic engine finds worse than the best by no more than 15 %, the
    // replay decides where a DRAM has rows: of four at most, where the effort is thorough or the
    // network takes few passes, and where it does not take long to replay.
    void replay_best() {
        constexpr double kNearlyGood = 1.15;
        constexpr std::size_t kMostReplayed = 4;
        if (!options_.replay || !machine_.has_rows()) {
            return;
        }
        ComparedPlans replayed(options_.objective);
        for (const PlanPlace& place : compared_.nearly_best(kNearlyGood, kMostReplayed)) {
            const PartPlans& part = parts_[place.part];
            const NetworkPlan& plan = part.plans[place.plan];
            if (!is_replayed(part.network, plan)) {
                return;
            }
            throw_if_cancelled(options_);
            replayed.add(place, measure_.replayed(part.network, plan));
        }
        best_ = replayed.empty() ? best_ : replayed.best();
    }

    /// Whether a replay of it is short: that of steps, and of what goes through the DRAM in a round
    /// and before the first.
    [[nodiscard]] bool is_replayed(const Network& part, const NetworkPlan& plan) const {
        constexpr double kFewBytes = 16e6;
        constexpr double kManyBytes = 2e9;
        const double bytes = static_cast<double>(part.weight_bytes().count()) +
                             plan.dram_bytes_per_item * static_cast<double>(part.batch());
        return options_.effort == Effort::thorough ? bytes <= kManyBytes
                                                   : options_.effort == Effort::normal &&
                                                         bytes <= kFewBytes && is_short(part, plan);
    }

    void measure(PlanPlace place) {
        throw_if_cancelled(options_);
        const PartPlans& part = parts_[place.part];
        try {
            compared_.add(place, measure_(part.network, part.plans[place.plan]));
        } catch (const InputError& error) {  // more goes through the DRAM than it holds
            refusal_ = refusal_ ? refusal_ : error;
        }
    }

    const Network& network_;
    const Machine& machine_;
    const Hierarchy& hierarchy_;
    const Cores& cores_;
    const ClockDomain& clock_;
    const MapperOptions& options_;
    PlanMeasure measure_;
    PlanPool pool_;
    GivenMapping given_;
    std::vector<PartPlans> parts_;
    ComparedPlans compared_;
    std::size_t tried_ = 0;  ///< tilings of single layers that were no better
    std::optional<InputError> refusal_;
    PlanPlace best_;
};

}  // namespace

PlanChoice choose_plan(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
                       const Cores& cores, const MapperOptions& options) {
    return PlanChooser(network, machine, hierarchy, cores, options).run();
}

}  // namespace memwall
