// SPDX-License-Identifier: Apache-2.0
// Continuous batching on a machine whose users take their steps together.
#pragma once

#include <deque>
#include <vector>

#include "study/serving/instance.hpp"

namespace memwall {

// MODEL: users of a batch take each step together. Between two steps those who have their last
// token leave, and waiting requests take the free places in the order of their arrival (continuous
// batching: Yu et al., Orca, OSDI 2022); the prompt of each is read in a pass of its own, which
// gives its first token, while the others wait (prompts first: Kwon et al., vLLM, SOSP 2023). A
// step costs what it costs at the mean context of its users, on which attention depends linearly.
class BatchInstance final : public ServingInstance {
public:
    BatchInstance(ServingCosts& costs, std::size_t position, const std::vector<Request>& requests,
                  std::vector<Served>& served)
        : ServingInstance(position, requests, served), costs_(costs) {}

    void advance(Picoseconds until) override;

private:
    struct User {
        std::size_t request = 0;
        std::int64_t made = 1;  ///< tokens that it has
    };
    void enqueue(std::size_t request) override { waiting_.push_back(request); }
    void read_prompt();
    void take_step();

    ServingCosts& costs_;
    Picoseconds free_at_;
    std::deque<std::size_t> waiting_;
    std::vector<User> users_;
    std::int64_t contexts_ = 0;  ///< tokens in the caches of all users
};

}  // namespace memwall
