// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/candidate_plans.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "arch/tiling/stack.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// What a plan is made for.
struct PlanAim {
    Bytes capacity;
    Starts starts = Starts::exposed;
};

/// Networks of more layers are planned once: their steps are long, and hide what comes.
constexpr std::size_t kLarge = 400;

/// The largest power of two that is no more.
std::int64_t power_up_to(std::int64_t bytes) {
    return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(bytes)));
}

/// The whole buffer, by both estimates, and, since these are no more, what the planner would do
/// with smaller ones: so a larger buffer is seldom worse by a wrong estimate.
std::vector<PlanAim> plan_aims(Bytes whole, std::size_t layers, Effort effort) {
    if (layers > kLarge) {
        return {{whole, Starts::hidden}};
    }
    if (effort == Effort::quick) {
        return {{whole, Starts::exposed}};
    }
    std::vector<PlanAim> found = {{whole, Starts::exposed}, {whole, Starts::hidden}};
    std::int64_t power = power_up_to(whole.count() - 1);
    // A budget of layers to plan: small networks, whose estimate is the worse, get more.
    const std::size_t smaller =
        effort == Effort::thorough
            ? 8
            : std::clamp<std::size_t>(120 / std::max<std::size_t>(layers, 1), 1, 8);
    for (std::size_t i = 0; i < smaller && power > 0; ++i, power /= 2) {
        if (power < whole.count()) {
            found.push_back({Bytes(power), Starts::exposed});
            found.push_back({Bytes(power), Starts::hidden});
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

/// The estimate of a stack's layers, run as one stack or one by one.
double cycles(const NetworkPlan& plan, const Stack& stack) {
    double core = 0;
    double dram = 0;
    double one_by_one = 0;
    for (std::size_t f = stack.begin; f < stack.end; ++f) {
        const LayerTiling& layer = plan.layers[f];
        core += layer.core_cycles;
        dram += layer.dram_cycles;
        one_by_one += std::max(layer.core_cycles, layer.dram_cycles);
    }
    return plan.stack_of(stack.begin) != nullptr ? std::max(core, dram) : one_by_one;
}

/// Plans with layers depth first around the activations that go through the DRAM in others, in
/// stacks that take more or less of the buffer, as far as each gains time.
class StackedPlans {
public:
    StackedPlans(const Network& network, const Hierarchy& hierarchy, const ClockDomain& clock,
                 PassPlanner& passes)
        : network_(network), hierarchy_(hierarchy), clock_(clock), passes_(passes) {}

    void find(const NetworkPlan& others) {
        std::vector<bool> resident;
        for (const LayerTiling& layer : others.layers) {
            resident.push_back(layer.weights_resident);
        }
        const StackFinder finder(network_, others.fused, std::move(resident),
                                 passes_.sum_bytes() / 2);
        for (const Bytes room : rooms()) {
            try {
                make(others, finder.stacks(others.kept, room));
            } catch (const InputError&) {  // there is no room for the rest
                continue;
            }
        }
    }

    std::vector<NetworkPlan> take() { return std::move(found_); }

private:
    /// Most of the buffer, and powers of two below that: so what is tried in a buffer is mostly
    /// tried in a somewhat larger one too.
    [[nodiscard]] std::vector<Bytes> rooms() const {
        const std::int64_t most = hierarchy_.buffer_config->capacity.count() / 10 * 9;
        const std::int64_t power = power_up_to(most);
        return {Bytes(most), Bytes(power), Bytes(power / 2), Bytes(power / 4)};
    }

    void make(const NetworkPlan& others, std::vector<Stack> stacks) {
        if (!is_new(stacks)) {
            return;
        }
        NetworkPlan made = plan(stacks);
        const auto loses = [&](const Stack& stack) {
            return cycles(made, stack) >= cycles(others, stack);
        };
        stacks.erase(std::remove_if(stacks.begin(), stacks.end(), loses), stacks.end());
        if (stacks.size() == made.stacks.size()) {
            found_.push_back(std::move(made));
        } else if (is_new(stacks)) {
            found_.push_back(plan(stacks));
        }
    }

    bool is_new(const std::vector<Stack>& stacks) {
        if (stacks.empty() || std::find(tried_.begin(), tried_.end(), stacks) != tried_.end()) {
            return false;
        }
        tried_.push_back(stacks);
        return true;
    }

    [[nodiscard]] NetworkPlan plan(const std::vector<Stack>& stacks) {
        return plan_network(network_, hierarchy_, hierarchy_.buffer_config->capacity, clock_,
                            passes_, Starts::exposed, stacks);
    }

    const Network& network_;
    const Hierarchy& hierarchy_;
    const ClockDomain& clock_;
    PassPlanner& passes_;
    std::vector<std::vector<Stack>> tried_;
    std::vector<NetworkPlan> found_;
};

}  // namespace

std::vector<NetworkPlan> candidate_plans(const Network& network, const Hierarchy& hierarchy,
                                         const ClockDomain& clock, const Cores& cores,
                                         Effort effort) {
    PassPlanner passes(hierarchy, cores, effort == Effort::thorough);
    std::vector<NetworkPlan> plans;
    for (const PlanAim& aim :
         plan_aims(hierarchy.buffer_config->capacity, network.layers().size(), effort)) {
        try {
            NetworkPlan plan =
                plan_network(network, hierarchy, aim.capacity, clock, passes, aim.starts);
            if (!plans.empty() && plan.cycles_per_item > plans.front().cycles_per_item * kNear) {
                break;  // and so are those of still smaller ones
            }
            if (std::none_of(plans.begin(), plans.end(),
                             [&](const NetworkPlan& known) { return does_same(plan, known); })) {
                plans.push_back(std::move(plan));
            }
        } catch (const InputError&) {
            if (plans.empty()) {
                throw;
            }
            break;  // smaller ones do not hold it either
        }
    }
    if (effort != Effort::quick && network.layers().size() <= kLarge) {
        StackedPlans stacked(network, hierarchy, clock, passes);
        for (std::size_t p = 0; p < plans.size() && p < kStackedPlans; ++p) {
            stacked.find(plans[p]);
        }
        for (NetworkPlan& plan : stacked.take()) {
            if (plan.cycles_per_item <= plans.front().cycles_per_item * kNear) {
                plans.push_back(std::move(plan));
            }
        }
    }
    return plans;
}

}  // namespace memwall
