// SPDX-License-Identifier: Apache-2.0
// Plans of a network with some of its layers depth first, beside plans that run them one by one.
#pragma once

#include <functional>
#include <vector>

#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/network_plan.hpp"
#include "arch/tiling/stack.hpp"

namespace memwall {

/// Plans with layers depth first around the activations that go through the DRAM in others, in
/// stacks that take more or less of the buffer, as far as each gains time.
class StackedPlans {
public:
    /// All but `dram_slowdown` (PlanAim) must outlive it.
    StackedPlans(const Network& network, const Hierarchy& hierarchy, const ClockDomain& clock,
                 PassPlanner& passes, const GivenTilings& given, double dram_slowdown,
                 const std::function<bool()>& cancelled);

    void find(const NetworkPlan& others);
    std::vector<NetworkPlan> take() { return std::move(found_); }

private:
    [[nodiscard]] std::vector<Bytes> rooms() const;
    [[nodiscard]] std::vector<Stack> free_of_given(std::vector<Stack> stacks) const;
    void make(const NetworkPlan& others, std::vector<Stack> stacks);
    bool is_new(const std::vector<Stack>& stacks);
    [[nodiscard]] NetworkPlan plan(const std::vector<Stack>& stacks);

    const Network& network_;
    const Hierarchy& hierarchy_;
    const ClockDomain& clock_;
    PassPlanner& passes_;
    PlanAim aim_;
    const std::function<bool()>& cancelled_;
    std::vector<std::vector<Stack>> tried_;
    std::vector<NetworkPlan> found_;
};

}  // namespace memwall
