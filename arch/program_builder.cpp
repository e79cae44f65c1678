// SPDX-License-Identifier: Apache-2.0
#include "arch/program_builder.hpp"

#include "base/error.hpp"

namespace memwall {

struct ProgramBuilder::Schedule {
    struct Row {
        std::vector<RoundStep> load;
        std::vector<RoundStep> round;
    };
    std::vector<Row> agents;
    std::vector<std::int64_t> load_posts;   ///< by token
    std::vector<std::int64_t> round_posts;  ///< by token
    TokenId loading;                        ///< posted by every load step
    std::int64_t load_steps = 0;
    std::int64_t rounds = 1;

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
class ProgramBuilder::Source final : public StepSource {
public:
    explicit Source(std::shared_ptr<const Schedule> schedule)
        : schedule_(std::move(schedule)), places_(schedule_->agents.size()) {}

    void next(AgentId agent, Picoseconds /*now*/, Next& next) override {
        Place& place = places_[agent.position()];
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

private:
    struct Place {
        std::int64_t round = -1;  ///< -1: loading
        std::size_t position = 0;
    };

    void fill(const RoundStep& from, std::int64_t round, Step& step) const {
        step.body = &from.body;
        step.layer = from.layer;
        step.item = round;
        step.waits.clear();
        for (const RoundWait& wait : from.waits) {
            const std::int64_t count = schedule_->absolute(wait, round);
            if (count > 0) {
                step.waits.push_back({wait.token, count});
            }
        }
        step.posts = from.posts;
        step.epoch = from.epoch.token;
        step.epoch_count = from.epoch.token.valid() ? schedule_->absolute(from.epoch, round) : 0;
        step.start_at = step.epoch_count > 0 ? from.start_at : Cycles(-1);
    }

    std::shared_ptr<const Schedule> schedule_;
    std::vector<Place> places_;
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
    schedule().agents[agent.position()].round.push_back(std::move(step));
}

std::int64_t ProgramBuilder::posted(TokenId token) const {
    return schedule_ ? schedule_->round_posts[token.position()] : 0;
}

void ProgramBuilder::count(StepBody& body, LayerId layer, ComponentId component, Action action,
                           TensorRole tensor, Precision precision, std::int64_t count) {
    ensure(count >= 0, "a count is never negative");
    if (count > 0 && component.valid()) {
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
