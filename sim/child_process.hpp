// SPDX-License-Identifier: Apache-2.0
// Runs a piece of work in a forked child and brings back its bytes: a crash costs that work alone.
#pragma once

#include <sys/types.h>

#include <functional>
#include <stdexcept>
#include <string>

namespace memwall {

/// The child was ended from outside, or crashed: another try may go better.
class ChildEnded : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What the parent hears while it waits. Both may be empty.
struct ChildWatch {
    /// The fraction of the work that is done.
    std::function<void(double)> progress;
    /// Asked when a signal interrupts the wait; true ends the child.
    std::function<bool()> cancelled;
};

/// Waits for a child's end, through signals; the status of waitpid.
int wait_for_end(pid_t child);

/// Calls `work` in a child and returns what it returns. `work` may call its argument with the
/// fraction that it has done. An InputError, std::bad_alloc or InternalError of the work is thrown
/// here; ChildEnded where the child died, and Interrupted where the wait was cancelled. The child
/// dies with its parent.
std::string run_in_child(
    const std::function<std::string(const std::function<void(double)>& progress)>& work,
    const ChildWatch& watch = {});

}  // namespace memwall
