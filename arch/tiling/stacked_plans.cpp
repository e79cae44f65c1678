// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/stacked_plans.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.hpp"

namespace memwall {
namespace {

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

}  // namespace

StackedPlans::StackedPlans(const Network& network, const Hierarchy& hierarchy,
                           const ClockDomain& clock, PassPlanner& passes, const GivenTilings& given,
                           double dram_slowdown, const std::function<bool()>& cancelled)
    : network_(network),
      hierarchy_(hierarchy),
      clock_(clock),
      passes_(passes),
      aim_{hierarchy.buffer_config->capacity, Starts::exposed, dram_slowdown, &given},
      cancelled_(cancelled) {}

void StackedPlans::find(const NetworkPlan& others) {
    std::vector<bool> resident;
    for (const LayerTiling& layer : others.layers) {
        resident.push_back(layer.weights_resident);
    }
    const StackFinder finder(network_, others.fused, std::move(resident), passes_.sum_bytes() / 2);
    for (const Bytes room : rooms()) {
        if (cancelled_()) {
            return;
        }
        try {
            make(others, free_of_given(finder.stacks(others.kept, room)));
        } catch (const InputError&) {  // there is no room for the rest
            continue;
        }
    }
}

/// Most of the buffer, and powers of two below that: so what is tried in a buffer is mostly tried
/// in a somewhat larger one too.
std::vector<Bytes> StackedPlans::rooms() const {
    const std::int64_t most = hierarchy_.buffer_config->capacity.count() / 10 * 9;
    const std::int64_t power = power_of_two_up_to(most);
    return {Bytes(most), Bytes(power), Bytes(power / 2), Bytes(power / 4)};
}

/// Layers that are mapped by hand run one by one.
std::vector<Stack> StackedPlans::free_of_given(std::vector<Stack> stacks) const {
    const auto has_given = [&](const Stack& stack) {
        bool found = false;
        for (std::size_t f = stack.begin; f < stack.end; ++f) {
            found = found || aim_.given->find(f) != nullptr;
        }
        return found;
    };
    stacks.erase(std::remove_if(stacks.begin(), stacks.end(), has_given), stacks.end());
    return stacks;
}

void StackedPlans::make(const NetworkPlan& others, std::vector<Stack> stacks) {
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

bool StackedPlans::is_new(const std::vector<Stack>& stacks) {
    if (stacks.empty() || std::find(tried_.begin(), tried_.end(), stacks) != tried_.end()) {
        return false;
    }
    tried_.push_back(stacks);
    return true;
}

NetworkPlan StackedPlans::plan(const std::vector<Stack>& stacks) {
    return plan_network(network_, hierarchy_, clock_, passes_, aim_, stacks);
}

}  // namespace memwall
