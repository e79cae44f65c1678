// SPDX-License-Identifier: Apache-2.0
// What the analytic engine says of one mapped layer.
#pragma once

#include "arch/loop_nest/nest_emitter.hpp"
#include "arch/loop_nest/nest_price.hpp"

namespace memwall {

/// Whether a nest makes so many steps that to measure it takes long; beginnings and ends of steps
/// hardly count then.
bool takes_long_to_measure(const IterationSpace& space, const LoopNest& nest,
                           const NestMachine& machine);

/// `counted`, with the time that the analytic engine finds for the nest and what runs on its
/// results, alone on the machine, and the energy of that time. With `replay`, the time that it
/// finds.
NestFigures measured(const Network& network, const NestHierarchy& hierarchy, const Machine& machine,
                     const MappedNest& nest, const NestPrices& prices, const NestFigures& counted,
                     const Replayer& replay = {});

}  // namespace memwall
