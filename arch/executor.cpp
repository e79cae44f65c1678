// SPDX-License-Identifier: Apache-2.0
#include "arch/executor.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>

#include "arch/executor_memory.hpp"
#include "arch/fused_layer.hpp"
#include "arch/layer_arithmetic.hpp"
#include "arch/step_image.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Executes computes and moves on the words in the memories.
class Arithmetic {
public:
    Arithmetic(const Network& network, const Machine& machine, const StoredWords& stored,
               ExecutorMemory& memory)
        : network_(network),
          machine_(machine),
          stored_(stored),
          memory_(memory),
          running_(network.layers().size()) {
        for (const FusedLayer& fused : fuse_layers(network)) {
            LayerId before = fused.root;
            for (const LayerId epilogue : fused.epilogues) {
                running_[epilogue.position()] =
                    network.storage(network.layer(before).outputs.front());
                before = epilogue;
            }
        }
    }

    /// That all words which a step reads from elsewhere are there when it starts.
    void check_sources(const StepImage& image, const Doing& doing, LayerId layer) {
        for (const MovePiece& piece : image.moves) {
            if (!made_by(image, piece)) {
                for (const std::int64_t position : stored_.positions(piece.tensor, piece.region)) {
                    word(piece.from, piece.tensor, position, doing, layer);
                }
            }
        }
    }

    void perform(const StepImage& image, const Doing& doing, LayerId layer) {
        for (const ComputePiece& piece : image.computes) {
            compute(piece, doing);
        }
        for (const MovePiece& piece : image.moves) {
            move(piece, doing, layer);
        }
    }

    /// The word, which must be there.
    std::int64_t& word(Place place, TensorId tensor, std::int64_t position, const Doing& doing,
                       LayerId layer) {
        std::int64_t* found = memory_.find(place, tensor, position, doing);
        if (found == nullptr) {
            missing(place, tensor, position, doing, layer);
        }
        return *found;
    }

    [[nodiscard]] std::int64_t points() const { return points_; }

private:
    /// A step's own results may leave with it.
    [[nodiscard]] bool made_by(const StepImage& image, const MovePiece& piece) const {
        return std::any_of(image.computes.begin(), image.computes.end(),
                           [&](const ComputePiece& made) { return made.results == piece.from; });
    }

    void move(const MovePiece& piece, const Doing& doing, LayerId layer) {
        for (const std::int64_t position : stored_.positions(piece.tensor, piece.region)) {
            const std::int64_t value = word(piece.from, piece.tensor, position, doing, layer);
            for (const Place& to : piece.to) {
                if (to == piece.from) {
                    continue;
                }
                if (piece.add) {
                    auto& sum = word(to, piece.tensor, position, doing, layer);
                    sum = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) +
                                                    static_cast<std::uint64_t>(value));
                } else {
                    memory_.write(to, piece.tensor, position, value,
                                  {doing.round, doing.step, piece.buffer});
                }
            }
        }
    }

    /// Reads and writes of one piece: weights, inputs, the running result of an epilogue.
    class Access final : public OperandReader, public ResultWriter {
    public:
        Access(Arithmetic& owner, const ComputePiece& piece, const Doing& doing)
            : owner_(owner),
              piece_(piece),
              doing_(doing),
              layer_(owner.network_.layer(piece.layer)),
              started_(
                  static_cast<std::size_t>(owner.stored_.count(layer_.space.outputs().tensor))) {}

        std::int64_t read(std::size_t o, std::int64_t position) override {
            const Operand& operand = layer_.space.operands[o];
            const TensorId running = owner_.running_[piece_.layer.position()];
            const Place place =
                operand.role == TensorRole::weights ? piece_.weights
                : running.valid() && owner_.stored_.storage(operand.tensor) == running
                    ? piece_.results
                    : piece_.operands;
            return owner_.word(place, operand.tensor, position, doing_, piece_.layer);
        }

        std::int64_t& at(std::int64_t position) override {
            const TensorId tensor = layer_.space.outputs().tensor;
            const auto p = static_cast<std::size_t>(position);
            if (piece_.first && !started_[p]) {
                started_[p] = true;
                owner_.memory_.write(piece_.results, tensor, position, neutral(layer_), doing_);
            }
            return owner_.word(piece_.results, tensor, position, doing_, piece_.layer);
        }

    private:
        Arithmetic& owner_;
        const ComputePiece& piece_;
        const Doing& doing_;
        const Layer& layer_;
        std::vector<bool> started_;
    };

    void compute(const ComputePiece& piece, const Doing& doing) {
        Access access(*this, piece, doing);
        evaluate(network_.layer(piece.layer), piece.box, stored_, access, access);
        points_ += piece.box.points();
    }

    [[noreturn]] void missing(Place place, TensorId tensor, std::int64_t position,
                              const Doing& doing, LayerId layer) const {
        std::string where = machine_.component(place.memory).name;
        if (place.lane >= 0) {
            where += "[" + std::to_string(place.lane) + "]";
        }
        fail((layer.valid() ? "layer '" + network_.layer(layer).name + "'" : "loading") +
             " reads word " + std::to_string(position) + " of '" + network_.tensor(tensor).name +
             "' in '" + where + "', where it is not, in round " + std::to_string(doing.round));
    }

    const Network& network_;
    const Machine& machine_;
    const StoredWords& stored_;
    ExecutorMemory& memory_;
    std::vector<TensorId> running_;  ///< by epilogue: the stored result that it goes on with
    std::int64_t points_ = 0;
};

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
    Arithmetic arithmetic_;
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
