// SPDX-License-Identifier: Apache-2.0
// Builds programs whose rounds are alike: steps are written once and repeated, tokens count on from
// round to round.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"

namespace memwall {

/// Wait for the `count`-th post of `token` in the same round. Zero and less reach back into the
/// round before: with k posts a round, 1 - k is the first of the round before. What would lie
/// before the first round is no wait.
struct RoundWait {
    TokenId token;
    std::int64_t count = 1;
};

/// What a step does in the first round where that is not what it does in every later one.
struct FirstRound {
    std::variant<Move, Compute> what;
    std::vector<ActionCount> actions;
};

/// One step of a round.
struct RoundStep {
    StepBody body;
    std::optional<FirstRound> first;  ///< all else is as in `body`
    const StepBody* kept = nullptr;   ///< by ProgramBuilder::keep(): what it does instead of `body`
    LayerId layer;
    ShortList<RoundWait, 4> waits;
    ShortList<TokenPost, 4> posts;
    Cycles start_at = Cycles(-1);
    RoundWait
        epoch;  ///< only with start_at; a step whose epoch lies before round 0 has no schedule

    /// What it does, to be changed: a copy of what is kept.
    StepBody& own_body() {
        if (kept != nullptr) {
            body = *kept;
            kept = nullptr;
        }
        return body;
    }
};

/// A move of `delivered` bytes in all from one memory to another, or within it. Its latency is that
/// of the read; its links and what its way adds are the caller's.
inline Move move_between(const Machine& machine, ComponentId from, ComponentId to,
                         Bytes delivered) {
    Move move;
    move.latency = machine.read_latency(from);
    move.sources = {from};
    move.destinations = {to};
    move.delivered = delivered;
    return move;
}

class ProgramBuilder {
public:
    explicit ProgramBuilder(const Machine& machine) : machine_(machine) {}

    AgentId agent(std::string name, int priority = 0, std::int64_t lanes = 1);
    UnitId unit(std::string name, ComponentId component, std::int64_t servers = 1);
    TokenId token(std::string name);
    /// One whose posts say that room is free again.
    TokenId room_token(std::string name);

    /// What several steps do: they name it instead of a copy each.
    const StepBody* keep(StepBody body);

    /// Appends to what the agent does once, before the rounds. Its layer is none. No round begins
    /// before all agents have done so.
    void load(AgentId agent, RoundStep step);
    /// Appends to what the agent does in every round.
    void step(AgentId agent, RoundStep step);

    /// All steps of a round that are appended between the two calls are done `turns` times in a
    /// row. Waits for a token that a turn posts are those of the first turn, and count on from turn
    /// to turn by what it posts; all others stay. Loops do not lie in each other.
    void begin_loop();
    void end_loop(std::int64_t turns);

    /// Posts of a token in one round so far.
    [[nodiscard]] std::int64_t posted(TokenId token) const;

    /// Adds to a step's counters; nothing for a count of zero.
    void count(StepBody& body, LayerId layer, ComponentId component, Action action,
               TensorRole tensor, Precision precision, std::int64_t count);
    /// Holds bytes of a memory for the whole run.
    void hold(ComponentId memory, Bytes bytes);

    [[nodiscard]] const Machine& machine() const { return machine_; }

    /// The program; the builder is empty afterwards.
    Program finish(std::vector<LayerPromise> layers, std::int64_t rounds,
                   std::int64_t items_per_round);

private:
    struct Schedule;
    class Source;
    Schedule& schedule();

    const Machine& machine_;
    Program program_;
    std::shared_ptr<Schedule> schedule_;
};

}  // namespace memwall
