// SPDX-License-Identifier: Apache-2.0
#include "arch/program_builder.hpp"

#include <array>
#include <deque>
#include <span>
#include <utility>

#include "arch/step_loops.hpp"
#include "base/error.hpp"

namespace memwall {

namespace {

/// Steps of one agent, one behind the other. Millions of them do a few things: bodies that repeat
/// are kept once.
class StepList {
public:
    [[nodiscard]] std::size_t size() const { return steps_.size(); }
    [[nodiscard]] bool empty() const { return steps_.empty(); }

    void push_back(RoundStep&& step) {
        steps_.push_back({kept(std::move(step.body)), step.layer, waits_.size(), posts_.size(),
                          step.start_at, step.epoch});
        waits_.insert(waits_.end(), step.waits.begin(), step.waits.end());
        posts_.insert(posts_.end(), step.posts.begin(), step.posts.end());
    }

    struct View {
        const StepBody* body;
        LayerId layer;
        std::span<const RoundWait> waits;
        std::span<const TokenPost> posts;
        Cycles start_at;
        RoundWait epoch;
    };
    [[nodiscard]] View operator[](std::size_t s) const {
        const Kept& step = steps_[s];
        const bool last = s + 1 == steps_.size();
        const std::size_t waits_end = last ? waits_.size() : steps_[s + 1].first_wait;
        const std::size_t posts_end = last ? posts_.size() : steps_[s + 1].first_post;
        return {step.body,
                step.layer,
                std::span(waits_).subspan(step.first_wait, waits_end - step.first_wait),
                std::span(posts_).subspan(step.first_post, posts_end - step.first_post),
                step.start_at,
                step.epoch};
    }

private:
    struct Kept {
        const StepBody* body;
        LayerId layer;
        std::size_t first_wait, first_post;
        Cycles start_at;
        RoundWait epoch;
    };

    /// One of the last few bodies that were new, if it is equal.
    const StepBody* kept(StepBody&& body) {
        for (const StepBody* known : recent_) {
            if (known != nullptr && *known == body) {
                return known;
            }
        }
        const StepBody* added = &bodies_.emplace_back(std::move(body));
        recent_[next_++ % recent_.size()] = added;
        return added;
    }

    std::deque<StepBody> bodies_;
    std::array<const StepBody*, 8> recent_{};
    std::size_t next_ = 0;
    std::vector<Kept> steps_;
    std::vector<RoundWait> waits_;
    std::vector<TokenPost> posts_;
};

/// A body's actions, mostly: in one piece of memory.
constexpr std::size_t kUsualActions = 8;

}  // namespace

struct ProgramBuilder::Schedule {
    struct Row {
        StepList load;
        StepList round;
    };
    std::deque<Row> agents;  ///< a step is a pointer into its row, which stays where it is
    std::vector<std::int64_t> load_posts;   ///< by token
    std::vector<std::int64_t> round_posts;  ///< by token
    TokenId loading;                        ///< posted by every load step
    std::int64_t load_steps = 0;
    std::int64_t rounds = 1;
    bool scheduled = false;  ///< some step has a start_at

    /// The absolute count that a wait in `round` stands for; not above zero: no wait.
    [[nodiscard]] std::int64_t absolute(const RoundWait& wait, std::int64_t round) const {
        const std::size_t t = wait.token.position();
        if (round_posts[t] == 0) {
            return wait.count;  // posted while loading only
        }
        const std::int64_t within = round * round_posts[t] + wait.count;
        return within > 0 ? load_posts[t] + within : 0;
    }

    /// The first round in which a wait is one.
    [[nodiscard]] std::int64_t first_round(const RoundWait& wait) const {
        const std::int64_t posts = round_posts[wait.token.position()];
        return posts == 0 || wait.count > 0 ? 0 : -wait.count / posts + 1;
    }
};

/// Goes through the schedule round by round, one position an agent.
class ProgramBuilder::Source final : public StepSource, public StepLoops {
public:
    explicit Source(std::shared_ptr<const Schedule> schedule)
        : schedule_(std::move(schedule)), places_(schedule_->agents.size(), {-1, 0}) {}

    void next(AgentId agent, Picoseconds /*now*/, Next& next) override {
        StepPlace& place = places_[agent.position()];
        const Schedule::Row& row = schedule_->agents[agent.position()];
        if (place.round < 0 && place.position == row.load.size()) {
            place = {0, 0};
        }
        if (place.round >= 0 && place.position == row.round.size()) {
            place = {place.round + 1, 0};
        }
        if (place.round >= schedule_->rounds || (place.round >= 0 && row.round.empty())) {
            next.kind = Next::Kind::done;
            return;
        }
        const bool loading = place.round < 0;
        const bool first = place.round == 0 && place.position == 0;
        fill((loading ? row.load : row.round)[place.position++], loading ? 0 : place.round,
             next.step);
        if (first && schedule_->load_steps > 0) {
            next.step.waits.push_back({schedule_->loading, schedule_->load_steps});
        }
        next.kind = Next::Kind::step;
    }

    /// Starts in a schedule count from what was posted in rounds before.
    StepLoops* loops() override { return schedule_->scheduled ? nullptr : this; }
    [[nodiscard]] std::int64_t rounds() const override { return schedule_->rounds; }
    [[nodiscard]] StepPlace place(AgentId agent) const override {
        return places_[agent.position()];
    }
    [[nodiscard]] std::int64_t first_whole_round(AgentId agent) const override {
        const StepList& steps = schedule_->agents[agent.position()].round;
        std::int64_t first = 1;  // round 0 waits for loading
        for (std::size_t s = 0; s < steps.size(); ++s) {
            for (const RoundWait& wait : steps[s].waits) {
                first = std::max(first, schedule_->first_round(wait));
            }
        }
        return first;
    }
    [[nodiscard]] std::int64_t posts_a_round(TokenId token) const override {
        return schedule_->round_posts[token.position()];
    }
    void leave_out(AgentId agent, std::int64_t rounds) override {
        places_[agent.position()].round += rounds;
    }

private:
    void fill(const StepList::View& from, std::int64_t round, Step& step) const {
        step.body = from.body;
        step.layer = from.layer;
        step.item = round;
        step.waits.clear();
        for (const RoundWait& wait : from.waits) {
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
    std::vector<StepPlace> places_;
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
