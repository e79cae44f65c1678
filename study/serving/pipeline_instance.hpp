// SPDX-License-Identifier: Apache-2.0
// Continuous batching over a pipeline of cards, where each user's token goes its own way.
#pragma once

#include <cstdint>
#include <deque>
#include <queue>
#include <tuple>
#include <vector>

#include "study/serving/instance.hpp"

namespace memwall {

// MODEL: a pipeline serves tokens and prompts in the order in which they enter its first stage, and
// none overtakes another. A stage takes in the next one an interval after the last one; a user's
// next token enters when the one before has come out and gone back, and a waiting request enters as
// soon as a place is free. A prompt goes from stage to stage whole, or in chunks: the next one
// enters when the first stage can take it in, behind what came before.
class PipelineInstance final : public ServingInstance {
public:
    PipelineInstance(ServingCosts& costs, std::size_t position,
                     const std::vector<Request>& requests, std::vector<Served>& served)
        : ServingInstance(position, requests, served),
          costs_(costs),
          stage_free_(costs.stages),
          stage_left_(costs.stages) {}

    void advance(Picoseconds until) override;

private:
    /// What happens at the first stage: the next token of a request enters, or its place is free.
    struct Event {
        Picoseconds at;
        std::int64_t order = 0;  ///< in which events were made
        std::size_t request = 0;
        std::int64_t made = 0;  ///< tokens that the request has
        std::int64_t read = 0;  ///< of its prompt, before the first of them

        friend bool operator>(const Event& a, const Event& b) {
            return std::tie(a.at, a.order) > std::tie(b.at, b.order);
        }
    };

    void enqueue(std::size_t request) override;
    void give_place(std::size_t request, Picoseconds at);
    void enter(const Event& event);
    /// Whether the work that enters is not the last of a prompt: then the next chunk follows it.
    bool continue_prompt(const Event& event);
    /// Of the work that enters.
    const std::vector<double>& cost_of(const Event& event);
    /// Tokens of a prompt that are read by the work that enters.
    [[nodiscard]] std::int64_t part_of_prompt(const Event& event) const;
    /// When work that enters at `at` comes out of the last stage.
    Picoseconds pass_through(Picoseconds at, const std::vector<double>& cost);
    /// To the next stage, or from the last one back to the first.
    [[nodiscard]] Picoseconds way_behind(std::size_t stage, const std::vector<double>& cost) const;
    void add(Picoseconds at, std::size_t request, std::int64_t made, std::int64_t read = 0);

    ServingCosts& costs_;
    std::vector<Picoseconds> stage_free_;  ///< when each stage can take in the next work
    std::vector<Picoseconds> stage_left_;  ///< when the last work left it
    std::deque<std::size_t> waiting_;
    std::int64_t taken_ = 0;  ///< places
    std::int64_t events_made_ = 0;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace memwall
