// SPDX-License-Identifier: Apache-2.0
// A network over several cards: divided as a pipeline, each kind of card run once, the way of the
// users over all of them composed.
#pragma once

#include <functional>
#include <optional>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "sim/scenario.hpp"
#include "study/card_divider.hpp"
#include "study/card_fit.hpp"
#include "study/card_parts.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Runs a part of a network on one card; to weigh layers (`as`), by the analytic engine.
using CardRunner = std::function<RunResult(const Network& part, const Scenario& rounds,
                                           std::optional<WholeCard> as)>;

/// How items go through the cards.
enum class Passage {
    ring,   ///< for ever: a user's next token begins when the last has come out
    once,   ///< all begin at once, as prompts do
    stream  ///< one behind the other, frames without end
};

/// A batch (all users) on a machine with cards; the result counts it once. The division in `layout`
/// is made where it is empty, else that of another step. Throws DoesNotFit where the cards cannot
/// hold it, with what they would hold, DividedAgain where they can, but not as divided for another
/// step.
RunResult run_cards(const Network& network, const Machine& machine, Passage passage,
                    CardLayout& layout, const CardRunner& run, const CardFits& fits);

}  // namespace memwall
