// SPDX-License-Identifier: Apache-2.0
// What a source of steps does again and again: an engine that finds everything as it was some turns
// before may leave out turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arch/identifiers.hpp"

namespace memwall {

/// Where an agent is: the step that it asks for next.
struct StepPlace {
    std::int64_t round = 0;  ///< -1: loading
    std::size_t position = 0;
    std::int64_t loop = -1;  ///< of the round, that the step is in; -1: none
    std::int64_t turn = 0;   ///< of that loop

    friend bool operator==(const StepPlace&, const StepPlace&) = default;
};

/// Posts of one token in a turn of a loop.
struct TurnPosts {
    TokenId token;
    std::int64_t count = 0;
};

/// The rounds of a source. In each of them every agent asks for the same steps, whose waits count
/// on by what the tokens are posted in a round. In a loop of a round agents do the same steps turn
/// after turn, and waits for what a turn posts count on by that.
class StepLoops {
public:
    virtual ~StepLoops() = default;
    [[nodiscard]] virtual std::int64_t rounds() const = 0;
    [[nodiscard]] virtual StepPlace place(AgentId agent) const = 0;
    /// Posts of a token in one round.
    [[nodiscard]] virtual std::int64_t posts_a_round(TokenId token) const = 0;
    /// The round from which on all are alike.
    [[nodiscard]] virtual std::int64_t alike_from() const { return 0; }
    /// The agent goes on at the same place so many rounds later.
    virtual void leave_out(AgentId agent, std::int64_t rounds) = 0;

    /// Whether a round has loops.
    [[nodiscard]] virtual bool has_loops() const = 0;
    [[nodiscard]] virtual std::int64_t turns(std::int64_t loop) const = 0;
    /// What a turn of a loop posts.
    [[nodiscard]] virtual const std::vector<TurnPosts>& posts_a_turn(std::int64_t loop) const = 0;
    /// The agent, whose place is in a loop, goes on there so many turns later.
    virtual void leave_out_turns(AgentId agent, std::int64_t turns) = 0;
};

}  // namespace memwall
