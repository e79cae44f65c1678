// SPDX-License-Identifier: Apache-2.0
#include "study/serving/pipeline_instance.hpp"

#include <algorithm>

#include "study/serving/rounding.hpp"

namespace memwall {
namespace {

constexpr std::size_t kBefore = 2;  // values in front of those of the stages
constexpr std::size_t kEach = 3;    // values of a stage

}  // namespace

void PipelineInstance::enqueue(std::size_t who) {
    if (taken_ < costs_.places) {
        give_place(who, request(who).arrival);
    } else {
        waiting_.push_back(who);
    }
}

void PipelineInstance::give_place(std::size_t who, Picoseconds at) {
    ++taken_;
    admit(who, at);
    add(at, who, 0);
}

void PipelineInstance::add(Picoseconds at, std::size_t who, std::int64_t made) {
    events_.push({at, events_made_++, who, made});
}

void PipelineInstance::advance(Picoseconds until) {
    while (!events_.empty() && events_.top().at < until) {
        const Event event = events_.top();
        events_.pop();
        if (event.made < request(event.request).output_tokens) {
            enter(event);
            continue;
        }
        --taken_;
        if (!waiting_.empty()) {
            const std::size_t next = waiting_.front();
            waiting_.pop_front();
            give_place(next, event.at);
        }
    }
}

void PipelineInstance::enter(const Event& event) {
    const Request& asked = request(event.request);
    const bool reads = event.made == 0;
    const std::vector<double>& cost =
        reads ? costs_.prompts.at(1, static_cast<double>(asked.prompt))
              : costs_.steps.at(costs_.places, static_cast<double>(asked.prompt + event.made - 1));
    spend(cost[1]);
    const Picoseconds out = pass_through(event.at, cost);
    if (reads) {
        give_first_token(event.request, out);
    }
    const std::int64_t made = event.made + 1;
    if (made == asked.output_tokens) {
        finish(event.request, out);
        add(out, event.request, made);
    } else {
        add(out + way_behind(costs_.stages - 1, cost), event.request, made);
    }
}

Picoseconds PipelineInstance::way_behind(std::size_t stage, const std::vector<double>& cost) const {
    return whole_picoseconds(costs_.hop.count()) +
           whole_picoseconds(cost[kBefore + kEach * stage + 2]);
}

Picoseconds PipelineInstance::pass_through(Picoseconds at, const std::vector<double>& cost) {
    Picoseconds out = at;
    for (std::size_t s = 0; s < costs_.stages; ++s) {
        const Picoseconds start =
            std::max(s == 0 ? at : out + way_behind(s - 1, cost), stage_free_[s]);
        stage_free_[s] = start + whole_picoseconds(cost[kBefore + kEach * s]);
        out = std::max(start + whole_picoseconds(cost[kBefore + kEach * s + 1]), stage_left_[s]);
        stage_left_[s] = out;
    }
    return out;
}

}  // namespace memwall
