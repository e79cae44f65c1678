// SPDX-License-Identifier: Apache-2.0
#include "study/power_cap.hpp"

#include <map>
#include <utility>
#include <vector>

#include "arch/outcome_figures.hpp"
#include "arch/wave_mapper.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Of an item: its time at the rate of the window, its energy, what the DRAMs move for it.
OutcomeFigures figures_of(const RunResult& result, const Machine& machine) {
    const auto items = static_cast<double>(result.scenario.counted_items());
    OutcomeFigures sums = {result.totals.window.count(), result.totals.energy.count(), 0};
    for (const LayerResult& layer : result.layers) {
        for (const MemoryTraffic& memory : layer.traffic) {
            const bool outside =
                machine.component(machine.find(memory.memory)).kind == ComponentKind::dram;
            for (const TensorTraffic& tensor : memory.tensors) {
                sums.bytes +=
                    outside ? static_cast<double>((tensor.read + tensor.write).count()) : 0;
            }
        }
    }
    return sums * (1 / items);
}

UnderCap run_plan(const Machine& machine, std::optional<MappingObjective> plan,
                  const SteadyRun& run) {
    std::map<Hertz, RunResult> tried;
    const Hertz clock = clock_under_cap(machine, [&](const Machine& at) {
        RunResult& result = tried[at.clocks().front().frequency()];
        result = run(at, plan);
        return result.totals.power;
    });
    const auto found = tried.find(clock);
    return {clock, plan,
            found != tried.end() ? std::move(found->second) : run(machine.at_clock(clock), plan)};
}

}  // namespace

Hertz clock_under_cap(const Machine& machine,
                      const std::function<Watts(const Machine&)>& steady_power) {
    ensure(machine.parts().power_cap.has_value(), "only a power cap lowers a clock");
    const PowerCap& cap = *machine.parts().power_cap;
    const Hertz own = machine.clocks().front().frequency();
    if (steady_power(machine) <= cap.power) {
        return own;
    }
    const auto lowered = [&](std::int64_t steps) {
        const Hertz clock = own - cap.clock_step * steps;
        return clock > cap.lowest_clock ? clock : cap.lowest_clock;
    };
    // Power rises with the clock: the least number of steps that are enough lies between none and
    // all.
    std::int64_t too_few = 0;
    std::int64_t enough = ceil_divide((own - cap.lowest_clock).count(), cap.clock_step.count());
    while (enough - too_few > 1) {
        const std::int64_t middle = too_few + (enough - too_few) / 2;
        (steady_power(machine.at_clock(lowered(middle))) <= cap.power ? enough : too_few) = middle;
    }
    return lowered(enough);
}

UnderCap run_under_cap(const Machine& machine, MappingObjective asked, Effort effort,
                       const SteadyRun& run) {
    if (machine.parts().mapper != kWaveMapper || !compares_wave_plans(asked, effort)) {
        return run_plan(machine, std::nullopt, run);
    }
    std::optional<UnderCap> best;
    std::pair<double, double> least;
    for (const MappingObjective plan : kWavePlans) {
        UnderCap capped = run_plan(machine, plan, run);
        const OutcomeFigures figures = figures_of(capped.result, machine);
        const std::pair<double, double> costs = {figures.of(asked), figures.second(asked)};
        if (!best || costs < least) {
            least = costs;
            best = std::move(capped);
        }
    }
    return std::move(*best);
}

}  // namespace memwall
