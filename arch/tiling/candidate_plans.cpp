// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/candidate_plans.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "arch/tiling/smaller_machine.hpp"
#include "arch/tiling/stacked_plans.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Networks of more layers get few plans: their steps are long, and hide what comes.
constexpr std::size_t kLarge = 400;

/// Networks of no more get plans by more estimates: that of few steps is the worst.
constexpr std::size_t kFewLayers = 32;

/// How many of the ways of judging passes are tried of smaller buffers for networks of more layers.
constexpr std::size_t kJudgedSmaller = 3;

/// Of a cycle of the DRAM, in plans that spare it where that costs little time.
constexpr double kDramHidden = 0.2;

/// How passes may be judged: as it seems, as if more came out of hiding, and for less feeding.
std::vector<PassAim> pass_aims() {
    std::vector<PassAim> aims(5);
    aims[1].overlaps = true;
    aims[2].finer = false;
    aims[3].hidden = 0.5;
    aims[4].feeding = 1;
    return aims;
}

/// The whole buffer, by both estimates, and, since these are no more, what the planner would do
/// with smaller ones: so a larger buffer is seldom worse by a wrong estimate.
std::vector<PlanAim> plan_aims(Bytes whole, std::size_t layers, Effort effort) {
    if (layers > kLarge && effort == Effort::quick) {
        return {{whole, Starts::hidden}};
    }
    PlanAim thrifty{whole, Starts::hidden};
    thrifty.tiles.dram_hidden = kDramHidden;
    PlanAim full = thrifty;
    full.tiles.fills_lanes = true;
    if (layers > kLarge) {
        return {{whole, Starts::hidden}, thrifty, full};
    }
    if (effort == Effort::quick) {
        PlanAim aim{whole, Starts::exposed};
        aim.passes.finer = false;
        return {aim};
    }
    std::vector<PlanAim> found;
    const auto add = [&found](Bytes capacity, const std::vector<PassAim>& aims) {
        for (const PassAim& passes : aims) {
            for (const Starts starts : {Starts::exposed, Starts::hidden}) {
                if (passes.finer || starts == Starts::exposed) {
                    found.push_back({capacity, starts});
                    found.back().passes = passes;
                }
            }
        }
    };
    std::vector<PassAim> aims = pass_aims();
    add(whole, aims);
    aims.resize(layers <= kFewLayers ? aims.size() : kJudgedSmaller);
    found.insert(found.end(), {thrifty, full});
    std::int64_t power = power_of_two_up_to(whole.count() - 1);
    // A budget of layers to plan: small networks, whose estimate is the worse, get more.
    const std::size_t smaller =
        effort == Effort::thorough
            ? 8
            : std::clamp<std::size_t>(120 / std::max<std::size_t>(layers, 1), 2, 8);
    for (std::size_t i = 0; i < smaller && power > 0; ++i, power /= 2) {
        if (power < whole.count()) {
            add(Bytes(power), aims);
        }
    }
    return found;
}

/// Plans whose traffic is taken up by stacks: the activations of those that pretend a smaller
/// buffer go through the DRAM more often.
constexpr std::size_t kStackedPlans = 3;

/// How wrong the estimate of a plan may be, as a factor: that of a few short steps is the worst.
constexpr double kNear = 2;

/// Whether two plans keep the same and cut layers alike.
bool does_same(const NetworkPlan& a, const NetworkPlan& b) {
    return a.kept == b.kept && a.stacks == b.stacks &&
           std::equal(a.layers.begin(), a.layers.end(), b.layers.begin(), b.layers.end(),
                      [](const LayerTiling& x, const LayerTiling& y) {
                          return x.tile == y.tile && x.positions_outer == y.positions_outer &&
                                 x.weights_resident == y.weights_resident &&
                                 x.passes.pass == y.passes.pass && x.passes.core == y.passes.core;
                      });
}

/// How much slower a DRAM is taken to be for plans that weigh its traffic against time, and for
/// those that look at nothing else.
constexpr double kSlower = 2;
constexpr double kNothingElse = 64;
/// How much slower than the fastest a plan of the latter kind may be.
constexpr double kPatient = 8;

/// What smaller machines have half as much of: for few layers of anything that the passes are cut
/// by, for many of what their estimates are most often wrong about.
std::vector<Halved> halves_to_try(std::size_t layers) {
    if (layers > kFewLayers) {
        return {Halved::operand_memory, Halved::weight_loads};
    }
    return {Halved::cores, Halved::operand_memory, Halved::accumulators, Halved::output_lanes,
            Halved::input_lanes};
}

/// Collects plans that differ.
class PlanList {
public:
    PlanList(const Network& network, const Hierarchy& hierarchy, const ClockDomain& clock,
             PassPlanner& passes, const GivenTilings& given, const std::function<bool()>& cancelled)
        : network_(network),
          hierarchy_(hierarchy),
          clock_(clock),
          passes_(passes),
          given_(given),
          cancelled_(cancelled) {}

    /// By the estimate, for the buffer and smaller ones; then depth first.
    void add_fast(Effort effort) {
        for (PlanAim aim :
             plan_aims(hierarchy_.buffer_config->capacity, network_.layers().size(), effort)) {
            aim.given = &given_;
            if (!plans_.empty() && cancelled_()) {
                return;
            }
            try {
                NetworkPlan plan = plan_network(network_, hierarchy_, clock_, passes_, aim);
                if (plans_.empty() || is_near(plan)) {
                    add(std::move(plan));
                } else if (aim.capacity < hierarchy_.buffer_config->capacity) {
                    break;  // and so are those of still smaller ones
                }
            } catch (const InputError&) {
                if (plans_.empty()) {
                    throw;
                }
                break;  // smaller ones do not hold it either
            }
        }
        if (may_stack(effort)) {
            StackedPlans stacked(network_, hierarchy_, clock_, passes_, given_, 1, cancelled_);
            for (std::size_t p = 0; p < plans_.size() && p < kStackedPlans; ++p) {
                stacked.find(plans_[p]);
            }
            for (NetworkPlan& plan : stacked.take()) {
                if (is_near(plan)) {
                    plans_.push_back(std::move(plan));
                }
            }
        }
    }

    /// As for a DRAM that is slower than it is, so that less goes through it. That for the whole
    /// buffer comes last.
    void add_lean(double dram_slowdown, Effort effort) {
        std::vector<NetworkPlan> found;
        for (PlanAim aim :
             plan_aims(hierarchy_.buffer_config->capacity, network_.layers().size(), effort)) {
            aim.dram_slowdown = dram_slowdown;
            aim.given = &given_;
            if (cancelled_()) {
                break;
            }
            if (aim.starts == Starts::exposed && effort != Effort::quick) {
                continue;
            }
            try {
                found.push_back(plan_network(network_, hierarchy_, clock_, passes_, aim));
            } catch (const InputError&) {
                break;  // smaller ones do not hold it either
            }
        }
        for (; !found.empty(); found.pop_back()) {
            add_lean_if_near(std::move(found.back()), dram_slowdown);
        }
    }

    /// As for machines with half as much of something: so more of it is seldom worse by a wrong
    /// estimate.
    void add_smaller(const Cores& cores, Effort effort) {
        for (const Halved halved : halves_to_try(network_.layers().size())) {
            const SmallerMachine smaller(hierarchy_, cores, halved);
            if (!smaller.is_smaller() || cancelled_()) {
                continue;
            }
            PassPlanner passes(smaller.hierarchy(), smaller.cores(), effort);
            for (const bool overlaps : {false, true}) {
                PlanAim aim{hierarchy_.buffer_config->capacity, Starts::exposed, 1, &given_};
                aim.passes.overlaps = overlaps;
                try {
                    add_if_near(plan_network(network_, smaller.hierarchy(), clock_, passes, aim));
                } catch (const InputError&) {
                    break;  // it does not hold it
                }
            }
        }
    }

    /// As for a DRAM as fast as the cache before it: what comes again and again may come from
    /// there.
    void add_cached(Effort effort) {
        const double faster = cache_speedup();
        if (faster <= 1) {
            return;
        }
        for (PlanAim aim :
             plan_aims(hierarchy_.buffer_config->capacity, network_.layers().size(), effort)) {
            aim.dram_slowdown = 1 / faster;
            aim.given = &given_;
            try {
                add(plan_network(network_, hierarchy_, clock_, passes_, aim));
            } catch (const InputError&) {
                break;  // smaller ones do not hold it either
            }
        }
    }

    /// The same as add_lean() with layers depth first.
    void add_lean_stacks(double dram_slowdown, Effort effort) {
        if (!may_stack(effort) || cancelled_()) {
            return;
        }
        StackedPlans stacked(network_, hierarchy_, clock_, passes_, given_, dram_slowdown,
                             cancelled_);
        stacked.find(plan_network(
            network_, hierarchy_, clock_, passes_,
            {hierarchy_.buffer_config->capacity, Starts::hidden, dram_slowdown, &given_}));
        for (NetworkPlan& plan : stacked.take()) {
            add_lean_if_near(std::move(plan), dram_slowdown);
        }
    }

    std::vector<NetworkPlan> take() { return std::move(plans_); }

private:
    void add(NetworkPlan plan) {
        if (std::none_of(plans_.begin(), plans_.end(),
                         [&](const NetworkPlan& known) { return does_same(plan, known); })) {
            plans_.push_back(std::move(plan));
        }
    }

    void add_if_near(NetworkPlan plan) {
        if (is_near(plan)) {
            add(std::move(plan));
        }
    }

    /// Adds a plan that was made for a slower DRAM, with its estimate at the DRAM's own pace.
    void add_lean_if_near(NetworkPlan plan, double dram_slowdown) {
        double cycles = 0;
        double dram = 0;
        for (const LayerTiling& layer : plan.layers) {
            cycles += std::max(layer.core_cycles, layer.dram_cycles / dram_slowdown);
            dram += layer.dram_cycles / dram_slowdown;
        }
        plan.cycles_per_item = std::max(cycles, dram) / static_cast<double>(network_.batch());
        const double limit = dram_slowdown == kNothingElse ? kPatient : kNear;
        if (plan.cycles_per_item <= plans_.front().cycles_per_item * limit) {
            add(std::move(plan));
        }
    }

    [[nodiscard]] bool is_near(const NetworkPlan& plan) const {
        return plan.cycles_per_item <= plans_.front().cycles_per_item * kNear;
    }

    /// Of what the cache has to what the DRAM has to send; 0 without a cache.
    [[nodiscard]] double cache_speedup() const {
        if (hierarchy_.cache_config == nullptr) {
            return 0;
        }
        constexpr double kNoLimit = 1024;
        const auto width = static_cast<double>(hierarchy_.cache_config->read_width.count());
        const double hertz = static_cast<double>(clock_.frequency().count());
        const double faster = width * hertz / hierarchy_.dram_config->peak().count();
        return width > 0 ? std::min(faster, kNoLimit) : kNoLimit;
    }

    [[nodiscard]] bool may_stack(Effort effort) const {
        return effort != Effort::quick && network_.layers().size() <= kLarge;
    }

    const Network& network_;
    const Hierarchy& hierarchy_;
    const ClockDomain& clock_;
    PassPlanner& passes_;
    const GivenTilings& given_;
    const std::function<bool()>& cancelled_;
    std::vector<NetworkPlan> plans_;
};

}  // namespace

std::vector<NetworkPlan> candidate_plans(const Network& network, const Hierarchy& hierarchy,
                                         const ClockDomain& clock, const Cores& cores,
                                         const GivenTilings& given, Effort effort, PlanPool pool,
                                         const std::function<bool()>& cancelled) {
    PassPlanner passes(hierarchy, cores, effort);
    PlanList plans(network, hierarchy, clock, passes, given, cancelled);
    plans.add_fast(effort);
    const bool all = pool == PlanPool::all;
    if (effort == Effort::quick && !all) {
        return plans.take();
    }
    plans.add_cached(effort);
    if (effort != Effort::quick && network.layers().size() <= kLarge) {
        plans.add_smaller(cores, effort);
    }
    // By how much less traffic is faster the estimate does not know well.
    if (all || network.layers().size() <= kLarge) {
        plans.add_lean_stacks(kSlower, effort);
        plans.add_lean(kNothingElse, Effort::quick);
        plans.add_lean_stacks(kNothingElse, effort);
    }
    plans.add_lean(kSlower, effort);
    return plans.take();
}

}  // namespace memwall
