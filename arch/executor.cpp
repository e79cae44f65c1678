// SPDX-License-Identifier: Apache-2.0
#include "arch/executor.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>

#include "arch/executor_arithmetic.hpp"
#include "arch/executor_memory.hpp"
#include "arch/layer_arithmetic.hpp"
#include "arch/step_image.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Starts and completes steps in a random order that the tokens allow.
class Execution {
public:
    Execution(const Network& network, const Machine& machine, const Program& program,
              const ExecutionOptions& options)
        : network_(network),
          program_(program),
          stored_(network),
          memory_(stored_, options.buffered),
          arithmetic_(network, machine, stored_, memory_),
          draw_(options.seed),
          edge_(edge_of(machine)),
          state_(state_home(machine)),
          source_(program.make_source()),
          agents_(program.agents.size()),
          posted_(program.tokens.size()) {
        set_values();
    }

    ExecutionReport run() {
        while (one_event()) {
        }
        check_finished();
        for (std::int64_t round = 0; round < program_.rounds; ++round) {
            compare(round);
        }
        report_.points = arithmetic_.points();
        return report_;
    }

private:
    struct Flight {
        Step step;
        Doing doing;
    };
    struct Row {
        Next next;
        bool asked = false;
        bool done = false;
        std::deque<Flight> flights;  ///< started, not completed, in order
    };

    /// How many steps of an agent may have started before the first of them takes effect.
    static constexpr std::size_t kInFlight = 2;

    static Place edge_of(const Machine& machine) {
        for (const ComponentKind kind : {ComponentKind::link, ComponentKind::dram}) {
            const std::vector<ComponentId> found = machine.of_kind(kind);
            if (!found.empty()) {
                return {found.front(), -1};
            }
        }
        fail("a machine has a host link or a dram");
    }

    static Place state_home(const Machine& machine) {
        const std::vector<ComponentId> found = machine.of_kind(ComponentKind::dram);
        return found.empty() ? edge_of(machine) : Place{found.front(), -1};
    }

    [[nodiscard]] Words random_words(TensorId tensor) {
        Words words(stored_.count(tensor));
        for (std::size_t w = 0; w < words.values.size(); ++w) {
            const auto value = static_cast<std::int64_t>(draw_() % 18) - 9;
            words.values[w] = value >= 0 ? value + 1 : value;  // never zero: a lost one is seen
            words.known[w] = true;
        }
        return words;
    }

    /// Weights once, inputs for each round; and what the outputs must be.
    void set_values() {
        std::vector<Words> weights(network_.tensors().size());
        for (std::size_t t = 0; t < weights.size(); ++t) {
            if (network_.tensors()[t].is_weight()) {
                weights[t] = random_words(TensorId(t));
                memory_.put(edge_, TensorId(t), weights[t], -1);
            } else if (network_.tensors()[t].kind == TensorKind::optimizer) {
                weights[t] = random_words(TensorId(t));
                memory_.put(state_, TensorId(t), weights[t], -1);
            }
        }
        for (std::int64_t round = 0; round < program_.rounds; ++round) {
            std::vector<Words> given = weights;
            for (const TensorId input : network_.inputs()) {
                given[input.position()] = random_words(input);
                memory_.put(edge_, input, given[input.position()], round);
            }
            for (std::size_t t = 0; t < given.size(); ++t) {
                if (network_.tensors()[t].kind == TensorKind::state) {
                    given[t] = earlier_state(TensorId(t));
                    memory_.put(state_, TensorId(t), given[t], round);
                }
            }
            expected_.push_back(evaluate(network_, stored_, std::move(given)));
        }
    }

    /// A state tensor before a round: all but what the round's layers write of it.
    [[nodiscard]] Words earlier_state(TensorId state) {
        Words words = random_words(state);
        for (const Layer& layer : network_.layers()) {
            const TensorId made = layer.outputs.front();
            if (layer.no_work || stored_.storage(made) != state) {
                continue;
            }
            const Region region = image(layer.space.outputs().projection, layer.space.box());
            for (const std::int64_t position : stored_.positions(made, region)) {
                words.known[static_cast<std::size_t>(position)] = false;
            }
        }
        return words;
    }

    bool one_event() {
        std::vector<std::size_t> can_start;
        std::vector<std::size_t> can_complete;
        for (std::size_t a = 0; a < agents_.size(); ++a) {
            if (ready(a)) {
                can_start.push_back(a);
            }
            if (!agents_[a].flights.empty()) {
                can_complete.push_back(a);
            }
        }
        const std::size_t choices = can_start.size() + can_complete.size();
        if (choices == 0) {
            return false;
        }
        const std::size_t chosen = draw_() % choices;
        if (chosen < can_start.size()) {
            start(can_start[chosen]);
        } else {
            complete(can_complete[chosen - can_start.size()]);
        }
        return true;
    }

    [[nodiscard]] bool held(const TokenWait& wait) const {
        return posted_[wait.token.position()] >= wait.count;
    }

    bool ready(std::size_t a) {
        Row& row = agents_[a];
        if (row.done || row.flights.size() == kInFlight) {
            return false;
        }
        if (!row.asked) {
            row.next.kind = Next::Kind::done;
            source_->next(AgentId(a), Picoseconds(0), row.next);
            row.done = row.next.kind == Next::Kind::done;
            row.asked = true;
            ensure(row.done || row.next.kind == Next::Kind::step,
                   "only programs whose steps do not depend on time can be executed");
        }
        return !row.done && std::all_of(row.next.step.waits.begin(), row.next.step.waits.end(),
                                        [&](const TokenWait& wait) { return held(wait); });
    }

    void start(std::size_t a) {
        Row& row = agents_[a];
        Flight flight{row.next.step, {}};
        flight.doing = {flight.step.layer.valid() ? flight.step.item : -1, report_.steps++, 0};
        row.asked = false;
        if (flight.step.body->image) {
            arithmetic_.check_sources(*flight.step.body->image, flight.doing, flight.step.layer);
        }
        post(flight.step, PostAt::start);
        row.flights.push_back(std::move(flight));
    }

    void complete(std::size_t a) {
        const Flight flight = std::move(agents_[a].flights.front());
        agents_[a].flights.pop_front();
        if (flight.step.body->image) {
            arithmetic_.perform(*flight.step.body->image, flight.doing, flight.step.layer);
        }
        source_->completed(AgentId(a), flight.step, Picoseconds(0));
        post(flight.step, PostAt::end);
    }

    void post(const Step& step, PostAt when) {
        for (const TokenPost& token : step.posts) {
            if (token.at == when) {
                posted_[token.token.position()] += token.count;
            }
        }
    }

    void check_finished() const {
        for (std::size_t a = 0; a < agents_.size(); ++a) {
            if (agents_[a].done) {
                continue;
            }
            for (const TokenWait& wait : agents_[a].next.step.waits) {
                if (!held(wait)) {
                    fail("deadlock: agent '" + program_.agents[a].name + "' waits for '" +
                         program_.tokens[wait.token.position()] + "'");
                }
            }
        }
    }

    /// What leaves the network, and what takes the place of its parameters.
    [[nodiscard]] std::vector<std::pair<TensorId, Place>> results() const {
        std::vector<std::pair<TensorId, Place>> found;
        for (const TensorId output : network_.outputs()) {
            found.emplace_back(output, edge_);
        }
        for (std::size_t t = 0; t < network_.tensors().size(); ++t) {
            if (network_.tensors()[t].kind == TensorKind::update) {
                found.emplace_back(TensorId(t), state_);
            }
        }
        return found;
    }

    void compare(std::int64_t round) {
        const std::vector<Words>& expected = expected_[static_cast<std::size_t>(round)];
        for (const auto& [output, home] : results()) {
            const Words& right = expected[stored_.storage(output).position()];
            const LayerId producer = network_.tensor(output).producer;
            for (std::size_t w = 0; w < right.values.size(); ++w) {
                const auto position = static_cast<std::int64_t>(w);
                const std::int64_t found =
                    arithmetic_.word(home, output, position, {round, -1, 0}, producer);
                if (found != right.values[w]) {
                    fail("word " + std::to_string(w) + " of '" + network_.tensor(output).name +
                         "' is " + std::to_string(found) + " instead of " +
                         std::to_string(right.values[w]) + " in round " + std::to_string(round));
                }
                ++report_.outputs;
            }
        }
    }

    const Network& network_;
    const Program& program_;
    StoredWords stored_;
    ExecutorMemory memory_;
    StepArithmetic arithmetic_;
    std::mt19937 draw_;
    Place edge_;
    Place state_;  ///< where state tensors live
    std::unique_ptr<StepSource> source_;
    std::vector<Row> agents_;
    std::vector<std::int64_t> posted_;
    std::vector<std::vector<Words>> expected_;  ///< by round and tensor
    ExecutionReport report_;
};

}  // namespace

ExecutionReport execute(const Network& network, const Machine& machine, const Program& program,
                        const ExecutionOptions& options) {
    return Execution(network, machine, program, options).run();
}

}  // namespace memwall
