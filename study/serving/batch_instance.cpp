// SPDX-License-Identifier: Apache-2.0
#include "study/serving/batch_instance.hpp"

#include <algorithm>

#include "study/serving/rounding.hpp"

namespace memwall {

void BatchInstance::advance(Picoseconds until) {
    while (!users_.empty() || !waiting_.empty()) {
        if (users_.empty()) {
            free_at_ = std::max(free_at_, request(waiting_.front()).arrival);
        }
        if (free_at_ >= until) {
            return;
        }
        const auto taken = static_cast<std::int64_t>(users_.size());
        if (!waiting_.empty() && taken < costs_.places) {
            read_prompt();
        } else {
            take_step();
        }
    }
}

void BatchInstance::read_prompt() {
    const std::size_t who = waiting_.front();
    waiting_.pop_front();
    admit(who, free_at_);
    const std::int64_t tokens = request(who).prompt;
    const std::vector<double>& cost = costs_.prompts.at(1, static_cast<double>(tokens));
    free_at_ += whole_picoseconds(cost[0]);
    spend(cost[1]);
    give_first_token(who, free_at_);
    if (request(who).output_tokens == 1) {
        finish(who, free_at_);
    } else {
        users_.push_back({who, 1});
        contexts_ += tokens;
    }
}

void BatchInstance::take_step() {
    const auto count = static_cast<std::int64_t>(users_.size());
    const std::vector<double>& cost =
        costs_.steps.at(count, static_cast<double>(contexts_) / static_cast<double>(count));
    free_at_ += whole_picoseconds(cost[0]);
    spend(cost[1]);
    contexts_ += count;
    for (User& user : users_) {
        ++user.made;
        if (user.made == request(user.request).output_tokens) {
            finish(user.request, free_at_);
            contexts_ -= request(user.request).prompt + user.made - 1;
        }
    }
    std::erase_if(
        users_, [&](const User& user) { return user.made == request(user.request).output_tokens; });
}

}  // namespace memwall
