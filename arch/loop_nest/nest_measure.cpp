// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_measure.hpp"

#include "arch/estimate.hpp"

namespace memwall {

bool takes_long_to_measure(const IterationSpace& space, const LoopNest& nest,
                           const NestMachine& machine) {
    return moved_steps(space, nest, machine) > kMostSteps;
}

NestFigures measured(const Network& network, const NestHierarchy& hierarchy, const Machine& machine,
                     const MappedNest& nest, const NestPrices& prices, const NestFigures& counted,
                     const Replayer& replay) {
    MapperOptions options;
    options.rounds = 1;
    options.repetition = !replay;
    NestFigures figures = counted;
    try {
        const Program program =
            NestEmitter(network, hierarchy, machine, {nest}, options, Tells::times).run();
        const Outcome outcome =
            replay ? replay(program, machine, Window{0}) : estimate(program, machine, Window{0});
        const ClockId clock = machine.component(hierarchy.array()).clock;
        const auto hertz = static_cast<double>(machine.clock(clock).frequency().count());
        figures.cycles = static_cast<double>(outcome.end.count()) * 1e-12 * hertz;
    } catch (const InputError&) {
        return counted;  // what does not fit the dram is said of the whole network
    }
    figures.joules += (figures.cycles - counted.cycles) * prices.static_per_cycle;
    return figures;
}

}  // namespace memwall
