// SPDX-License-Identifier: Apache-2.0
#include "arch/program_builder.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "arch/step_list.hpp"
#include "arch/step_loops.hpp"
#include "base/error.hpp"

namespace memwall {

namespace {

/// A body's actions, mostly: in one piece of memory.
constexpr std::size_t kUsualActions = 8;

}  // namespace

struct ProgramBuilder::Schedule {
    /// An agent's steps of a loop.
    struct LoopSteps {
        std::size_t begin = 0;
        std::size_t end = 0;
        std::int64_t loop = 0;
    };
    struct Row {
        StepList load;
        StepList round;
        std::vector<LoopSteps> loops;  ///< in order
    };
    struct Loop {
        std::int64_t turns = 1;
        std::vector<TurnPosts> posts;
    };
    std::vector<Loop> loops;
    std::deque<StepBody> kept;
    /// What was there before the loop that is written down.
    struct Before {
        std::vector<std::size_t> steps;   ///< by agent
        std::vector<std::int64_t> posts;  ///< by token
    };
    std::optional<Before> before_loop;
    std::deque<Row> agents;  ///< a step is a pointer into its row, which stays where it is
    std::vector<std::int64_t> load_posts;   ///< by token
    std::vector<std::int64_t> round_posts;  ///< by token
    TokenId loading;                        ///< posted by every load step
    std::int64_t load_steps = 0;
    std::int64_t rounds = 1;
    bool scheduled = false;  ///< some step has a start_at

    /// Posts of a token in a turn of a loop.
    [[nodiscard]] std::int64_t turn_posts(std::int64_t loop, TokenId token) const {
        for (const TurnPosts& posts : loops[static_cast<std::size_t>(loop)].posts) {
            if (posts.token == token) {
                return posts.count;
            }
        }
        return 0;
    }

    /// The absolute count that a wait in `round` stands for; not above zero: no wait.
    [[nodiscard]] std::int64_t absolute(const RoundWait& wait, std::int64_t round) const {
        const std::size_t t = wait.token.position();
        if (round_posts[t] == 0) {
            return wait.count;  // posted while loading only
        }
        const std::int64_t within = round * round_posts[t] + wait.count;
        return within > 0 ? load_posts[t] + within : 0;
    }
};

/// Goes through the schedule round by round, one position an agent.
class ProgramBuilder::Source final : public StepSource, public StepLoops {
public:
    explicit Source(std::shared_ptr<const Schedule> schedule) : schedule_(std::move(schedule)) {
        for (const Schedule::Row& row : schedule_->agents) {
            rows_.push_back(&row);
            places_.push_back(row.load.empty() ? begin_of_round(row, 0) : StepPlace{-1, 0, -1, 0});
        }
    }

    void next(AgentId agent, Picoseconds /*now*/, Next& next) override {
        StepPlace& place = places_[agent.position()];
        const Schedule::Row& row = *rows_[agent.position()];
        if (place.round >= schedule_->rounds || (place.round >= 0 && row.round.empty())) {
            next.kind = Next::Kind::done;
            return;
        }
        const bool loading = place.round < 0;
        const bool first = place.round == 0 && place.position == 0 && place.turn == 0;
        fill((loading ? row.load : row.round)[place.position], place, next.step);
        if (place.round == 0) {
            next.step.body = row.round.first_body(place.position);
        }
        if (first && schedule_->load_steps > 0) {
            next.step.waits.push_back({schedule_->loading, schedule_->load_steps});
        }
        next.kind = Next::Kind::step;
        go_on(row, place);
    }

    /// Starts in a schedule count from what was posted in rounds before.
    StepLoops* loops() override { return schedule_->scheduled ? nullptr : this; }
    [[nodiscard]] std::int64_t rounds() const override { return schedule_->rounds; }
    [[nodiscard]] StepPlace place(AgentId agent) const override {
        return places_[agent.position()];
    }
    [[nodiscard]] std::int64_t posts_a_round(TokenId token) const override {
        return schedule_->round_posts[token.position()];
    }
    [[nodiscard]] std::int64_t alike_from() const override {
        const auto differs = [](const Schedule::Row& row) {
            return row.round.first_round_differs();
        };
        const auto& rows = schedule_->agents;
        return std::any_of(rows.begin(), rows.end(), differs) ? 1 : 0;
    }
    void leave_out(AgentId agent, std::int64_t rounds) override {
        places_[agent.position()].round += rounds;
    }

    [[nodiscard]] bool has_loops() const override { return !schedule_->loops.empty(); }
    [[nodiscard]] std::int64_t turns(std::int64_t loop) const override {
        return schedule_->loops[static_cast<std::size_t>(loop)].turns;
    }
    [[nodiscard]] const std::vector<TurnPosts>& posts_a_turn(std::int64_t loop) const override {
        return schedule_->loops[static_cast<std::size_t>(loop)].posts;
    }
    void leave_out_turns(AgentId agent, std::int64_t turns) override {
        places_[agent.position()].turn += turns;
    }

private:
    static StepPlace begin_of_round(const Schedule::Row& row, std::int64_t round) {
        StepPlace place{round, 0, -1, 0};
        enter_loop(row, place);
        return place;
    }

    /// A place outside of loops may be where one begins.
    static void enter_loop(const Schedule::Row& row, StepPlace& place) {
        place.loop = -1;
        place.turn = 0;
        if (row.loops.empty()) {
            return;
        }
        const auto found = std::lower_bound(
            row.loops.begin(), row.loops.end(), place.position,
            [](const Schedule::LoopSteps& loop, std::size_t at) { return loop.begin < at; });
        if (found != row.loops.end() && found->begin == place.position) {
            place.loop = found->loop;
        }
    }

    /// To the step after the one at `place`.
    void go_on(const Schedule::Row& row, StepPlace& place) const {
        ++place.position;
        if (place.round < 0) {
            if (place.position == row.load.size()) {
                place = begin_of_round(row, 0);
            }
            return;
        }
        if (place.loop >= 0) {
            const Schedule::LoopSteps& steps = steps_of(row, place.loop);
            if (place.position < steps.end) {
                return;
            }
            if (++place.turn < turns(place.loop)) {
                place.position = steps.begin;
                return;
            }
        }
        if (place.position == row.round.size()) {
            place = begin_of_round(row, place.round + 1);
        } else {
            enter_loop(row, place);
        }
    }

    static const Schedule::LoopSteps& steps_of(const Schedule::Row& row, std::int64_t loop) {
        return *std::lower_bound(row.loops.begin(), row.loops.end(), loop,
                                 [](const Schedule::LoopSteps& steps, std::int64_t number) {
                                     return steps.loop < number;
                                 });
    }

    void fill(const StepList::View& from, const StepPlace& place, Step& step) const {
        const std::int64_t round = std::max<std::int64_t>(place.round, 0);
        step.body = from.body;
        step.layer = from.layer;
        step.item = round;
        step.waits.clear();
        for (RoundWait wait : from.waits) {
            if (place.turn > 0) {
                wait.count += place.turn * schedule_->turn_posts(place.loop, wait.token);
            }
            const std::int64_t count = schedule_->absolute(wait, round);
            if (count > 0) {
                step.waits.push_back({wait.token, count});
            }
        }
        step.posts.assign(from.posts.begin(), from.posts.end());
        step.epoch = from.epoch.token;
        step.epoch_count = from.epoch.token.valid() ? schedule_->absolute(from.epoch, round) : 0;
        step.start_at = step.epoch_count > 0 ? from.start_at : Cycles(-1);
    }

    std::shared_ptr<const Schedule> schedule_;
    std::vector<const Schedule::Row*> rows_;  ///< by agent
    std::vector<StepPlace> places_;           ///< by agent
};

ProgramBuilder::Schedule& ProgramBuilder::schedule() {
    if (!schedule_) {
        schedule_ = std::make_shared<Schedule>();
    }
    return *schedule_;
}

AgentId ProgramBuilder::agent(std::string name, int priority, std::int64_t lanes) {
    program_.agents.push_back({std::move(name), priority, lanes});
    schedule().agents.emplace_back();
    return AgentId(program_.agents.size() - 1);
}

UnitId ProgramBuilder::unit(std::string name, ComponentId component, std::int64_t servers) {
    program_.units.push_back({std::move(name), component, -1, servers});
    return UnitId(program_.units.size() - 1);
}

TokenId ProgramBuilder::token(std::string name) {
    program_.tokens.push_back(std::move(name));
    schedule().load_posts.push_back(0);
    schedule().round_posts.push_back(0);
    return TokenId(program_.tokens.size() - 1);
}

TokenId ProgramBuilder::room_token(std::string name) {
    program_.room_tokens.push_back(token(std::move(name)));
    return program_.room_tokens.back();
}

const StepBody* ProgramBuilder::keep(StepBody body) {
    return &schedule().kept.emplace_back(std::move(body));
}

void ProgramBuilder::load(AgentId agent, RoundStep step) {
    ensure(!step.layer.valid(), "loading belongs to no layer");
    if (!schedule().loading.valid()) {
        schedule().loading = this->token("loading");
    }
    step.posts.push_back({schedule().loading});
    ++schedule().load_steps;
    for (const TokenPost& post : step.posts) {
        schedule().load_posts[post.token.position()] += post.count;
    }
    schedule().agents[agent.position()].load.push_back(std::move(step));
}

void ProgramBuilder::step(AgentId agent, RoundStep step) {
    ensure(step.layer.valid(), "a step of a round belongs to a layer");
    for (const TokenPost& post : step.posts) {
        schedule().round_posts[post.token.position()] += post.count;
    }
    schedule().scheduled = schedule().scheduled || step.start_at.count() >= 0;
    schedule().agents[agent.position()].round.push_back(std::move(step));
}

void ProgramBuilder::begin_loop() {
    ensure(!schedule().before_loop, "loops do not lie in each other");
    Schedule::Before before;
    for (const Schedule::Row& row : schedule().agents) {
        before.steps.push_back(row.round.size());
    }
    before.posts = schedule().round_posts;
    schedule().before_loop = std::move(before);
}

void ProgramBuilder::end_loop(std::int64_t turns) {
    Schedule& all = schedule();
    ensure(all.before_loop && turns >= 1, "a loop that was begun has a turn");
    Schedule::Before before = std::move(*all.before_loop);
    all.before_loop.reset();
    before.steps.resize(all.agents.size());
    before.posts.resize(all.round_posts.size());
    for (std::size_t a = 0; a < all.agents.size(); ++a) {
        Schedule::Row& row = all.agents[a];
        if (row.round.size() > before.steps[a]) {
            row.loops.push_back(
                {before.steps[a], row.round.size(), static_cast<std::int64_t>(all.loops.size())});
        }
    }
    Schedule::Loop loop{turns, {}};
    for (std::size_t t = 0; t < all.round_posts.size(); ++t) {
        if (const std::int64_t posts = all.round_posts[t] - before.posts[t]; posts > 0) {
            loop.posts.push_back({TokenId(t), posts});
            all.round_posts[t] += posts * (turns - 1);
        }
    }
    all.loops.push_back(std::move(loop));
}

std::int64_t ProgramBuilder::posted(TokenId token) const {
    return schedule_ ? schedule_->round_posts[token.position()] : 0;
}

void ProgramBuilder::count(StepBody& body, LayerId layer, ComponentId component, Action action,
                           TensorRole tensor, Precision precision, std::int64_t count) {
    ensure(count >= 0, "a count is never negative");
    if (count > 0 && component.valid()) {
        if (body.actions.empty()) {
            body.actions.reserve(kUsualActions);
        }
        body.actions.push_back(
            {program_.actions.row({layer, component, action, tensor, precision}), count});
    }
}

void ProgramBuilder::hold(ComponentId memory, Bytes bytes) {
    if (bytes.count() > 0) {
        program_.resident.push_back({memory, bytes.count(), 0});
    }
}

Program ProgramBuilder::finish(std::vector<LayerPromise> layers, std::int64_t rounds,
                               std::int64_t items_per_round) {
    schedule().rounds = rounds;
    program_.layers = std::move(layers);
    program_.clock = ClockId(std::size_t{0});
    program_.rounds = rounds;
    program_.items_per_round = items_per_round;
    program_.make_source = [schedule = std::shared_ptr<const Schedule>(schedule_)] {
        return std::make_unique<Source>(schedule);
    };
    schedule_.reset();
    return std::move(program_);
}

}  // namespace memwall
