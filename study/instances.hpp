// SPDX-License-Identifier: Apache-2.0
// Several instances of a model on the cards of one machine, as in a rack.
#pragma once

#include <cstdint>

#include "arch/machine.hpp"
#include "sim/result.hpp"

namespace memwall {

/// How many there are: 1 but on machines whose cards say otherwise.
std::int64_t instances_of(const Machine& machine);

/// The machine with the cards of one instance alone.
Machine one_instance(const Machine& machine);

/// MODEL: users go through a card in as few groups as the machine allows, of equal size; places of
/// the last that stay empty are computed all the same. The machine with groups of that size.
Machine in_equal_groups(const Machine& machine, std::int64_t users);

/// All of the machine, by a run on one instance: each does the same with users of its own, so
/// rates, powers and counts are so many times as large; times and what an item needs stay.
RunResult of_instances(RunResult one, std::int64_t instances);

}  // namespace memwall
