// SPDX-License-Identifier: Apache-2.0
// Outcomes as text, so that two can be compared whole.
#pragma once

#include <string>

#include "arch/outcome.hpp"

namespace memwall::test {

/// All that an outcome says but for events.
std::string full_text(const Outcome& outcome);
/// The same without what causes tell (bound_by, exposed).
std::string times_and_counts(const Outcome& outcome);

}  // namespace memwall::test
