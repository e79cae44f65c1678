// SPDX-License-Identifier: Apache-2.0
#include "study/serving/pipeline_instance.hpp"

#include <algorithm>

#include "study/serving/rounding.hpp"

namespace memwall {
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

void PipelineInstance::add(Picoseconds at, std::size_t who, std::int64_t made, std::int64_t read) {
    events_.push({at, events_made_++, who, made, read});
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

std::int64_t PipelineInstance::part_of_prompt(const Event& event) const {
    const std::int64_t left = request(event.request).prompt - event.read;
    return costs_.chunk > 0 ? std::min(costs_.chunk, left) : left;
}

const std::vector<double>& PipelineInstance::cost_of(const Event& event) {
    if (event.made > 0) {
        return costs_.steps.at(costs_.places,
                               static_cast<double>(request(event.request).prompt + event.made - 1));
    }
    const std::int64_t part = part_of_prompt(event);
    return costs_.chunk > 0 ? costs_.prompts.at(part, static_cast<double>(event.read))
                            : costs_.prompts.at(1, static_cast<double>(part));
}

bool PipelineInstance::continue_prompt(const Event& event) {
    const std::int64_t read = event.read + part_of_prompt(event);
    if (event.made > 0 || read == request(event.request).prompt) {
        return false;
    }
    add(stage_free_.front(), event.request, 0, read);
    return true;
}

void PipelineInstance::enter(const Event& event) {
    const Request& asked = request(event.request);
    const bool reads = event.made == 0;
    const std::vector<double>& cost = cost_of(event);
    spend(cost[1]);
    const Picoseconds out = pass_through(event.at, cost);
    if (continue_prompt(event)) {
        return;
    }
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
           whole_picoseconds(cost[kBeforeStages + kOfStage * stage + 2]);
}

Picoseconds PipelineInstance::pass_through(Picoseconds at, const std::vector<double>& cost) {
    Picoseconds out = at;
    for (std::size_t s = 0; s < costs_.stages; ++s) {
        const Picoseconds start =
            std::max(s == 0 ? at : out + way_behind(s - 1, cost), stage_free_[s]);
        stage_free_[s] = start + whole_picoseconds(cost[kBeforeStages + kOfStage * s]);
        out = std::max(start + whole_picoseconds(cost[kBeforeStages + kOfStage * s + 1]),
                       stage_left_[s]);
        stage_left_[s] = out;
    }
    return out;
}

}  // namespace memwall
