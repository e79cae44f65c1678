// SPDX-License-Identifier: Apache-2.0
// Ctrl-C: noticed, so that a simulation in a child process is ended and nothing is left half
// written.
#pragma once

namespace memwall {

/// From now on SIGINT and SIGTERM are remembered instead of ending the program at once. A second
/// one ends it.
void catch_interrupts();
bool interrupted();

}  // namespace memwall
