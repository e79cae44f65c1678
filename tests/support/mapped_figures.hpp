// SPDX-License-Identifier: Apache-2.0
// What a mapped network takes from a standing start, by the analytic engine.
#pragma once

#include "arch/estimate.hpp"
#include "arch/outcome_figures.hpp"

namespace memwall::test {

inline OutcomeFigures mapped_figures(const Network& network, const Machine& machine, Effort effort,
                                     MappingObjective asked) {
    MapperOptions options;
    options.effort = effort;
    options.objective = asked;
    options.rounds = 1;
    const Mapping mapping = map_network(network, machine, options);
    return figures_of(mapping.program, machine, estimate(mapping.program, machine, Window{0}),
                      mapping.outermost);
}

}  // namespace memwall::test
