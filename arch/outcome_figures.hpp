// SPDX-License-Identifier: Apache-2.0
// What mappings are compared by, as an engine found it: time, energy and traffic of a window.
#pragma once

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

struct OutcomeFigures {
    double seconds = 0;
    double joules = 0;
    double bytes = 0;  ///< read and written at a memory

    /// What an objective makes least.
    [[nodiscard]] double of(MappingObjective objective) const;
    /// What decides between two that are equal in that: energy where time is made least, else time.
    [[nodiscard]] double second(MappingObjective objective) const;
    /// Of so many times as much.
    friend OutcomeFigures operator*(const OutcomeFigures& figures, double times) {
        return {figures.seconds * times, figures.joules * times, figures.bytes * times};
    }
};

/// Of an outcome's window: the energy of all that was counted and of the power that ran meanwhile,
/// as the ledger sums them up, and the bytes at `memory`. `least`: the window is taken to be no
/// shorter.
OutcomeFigures figures_of(const Program& program, const Machine& machine, const Outcome& outcome,
                          ComponentId memory, Picoseconds least = Picoseconds(0));

}  // namespace memwall
