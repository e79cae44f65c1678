// SPDX-License-Identifier: Apache-2.0
// Replays a program on a machine in SystemC: one simulation a child process, its outcome handed
// back.
#pragma once

#include <functional>
#include <stdexcept>

#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

struct ReplayOptions {
    Window window;
    /// Remember what enabled each step; without, `bound_by` and `exposed` are not known and
    /// everything else is the same.
    bool causes = true;
    /// Ask the agents in the reverse of the program's order. Changes nothing; tests show it.
    bool reverse_agents = false;
    /// Called now and then with the fraction of the program that is done, from the caller's thread.
    std::function<void(double)> progress;
    /// Asked whenever a signal interrupts the wait; true ends the child and throws Interrupted.
    std::function<bool()> cancelled;
};

/// Simulates in a forked child. Throws InternalError with the child's message where a promise of
/// the program or of the engine is broken, or the child's signal where it crashed. The calling
/// process must have no other threads.
Outcome replay(const Program& program, const Machine& machine, const ReplayOptions& options = {});

/// The same without a child: once in a process, since SystemC elaborates only once.
Outcome replay_in_this_process(const Program& program, const Machine& machine,
                               const ReplayOptions& options = {});

}  // namespace memwall
