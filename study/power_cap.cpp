// SPDX-License-Identifier: Apache-2.0
#include "study/power_cap.hpp"

#include "base/error.hpp"

namespace memwall {

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

}  // namespace memwall
