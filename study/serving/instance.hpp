// SPDX-License-Identifier: Apache-2.0
// One copy of a model that serves requests: who has a place, who waits, and when work is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "base/quantity.hpp"
#include "study/serving/request.hpp"
#include "study/serving/work_grid.hpp"

namespace memwall {

/// What work costs an instance, shared by all of them. The first two values of both grids are
/// seconds and the joules beside its standing power; of a pipeline of cards three more follow for
/// each stage: seconds until it can take in the next work, until this work leaves it, and of the
/// way behind it beside the hop.
struct ServingCosts {
    WorkGrid steps;    ///< of so many users with so many tokens in each cache; of a pipeline, of
                       ///< one user's token
    WorkGrid prompts;  ///< of one user and so many tokens; in chunks, of so many tokens of a
                       ///< prompt behind so many that were read
    std::int64_t places = 1;  ///< users at a time
    std::size_t stages = 0;   ///< 0: no pipeline
    Seconds hop;              ///< between the cards of a pipeline, and back to the first
    Watts standing;           ///< whatever it does
    std::int64_t chunk = 0;   ///< tokens of a prompt that a pipeline reads at a time; 0: all
};

inline constexpr std::size_t kBeforeStages = 2;  ///< values in front of those of the stages
inline constexpr std::size_t kOfStage = 3;       ///< values of each

/// An instance goes through its own time as it is told to. Requests and what becomes of them are
/// kept outside, by position.
class ServingInstance {
public:
    ServingInstance(std::size_t position, const std::vector<Request>& requests,
                    std::vector<Served>& served)
        : requests_(requests), served_(served), position_(position) {}
    virtual ~ServingInstance() = default;
    ServingInstance(const ServingInstance&) = delete;
    ServingInstance& operator=(const ServingInstance&) = delete;
    ServingInstance(ServingInstance&&) = delete;
    ServingInstance& operator=(ServingInstance&&) = delete;

    /// Begins all work that begins before `until`.
    virtual void advance(Picoseconds until) = 0;
    /// A request arrives; everything before its arrival has begun.
    void accept(std::size_t request);
    /// Requests accepted and not done at `now`, which never goes back.
    std::int64_t load(Picoseconds now);
    /// Of all work so far, beside the standing power.
    [[nodiscard]] Joules work_energy() const { return energy_; }

protected:
    virtual void enqueue(std::size_t request) = 0;

    [[nodiscard]] const Request& request(std::size_t request) const { return requests_[request]; }
    void admit(std::size_t request, Picoseconds at) { served_[request].admitted = at; }
    void give_first_token(std::size_t request, Picoseconds at);
    void finish(std::size_t request, Picoseconds at);
    void spend(double joules) { energy_ += Joules(joules); }

private:
    const std::vector<Request>& requests_;
    std::vector<Served>& served_;
    std::size_t position_;
    std::int64_t accepted_ = 0;
    std::priority_queue<Picoseconds, std::vector<Picoseconds>, std::greater<>> ends_;
    Joules energy_;
};

/// A batch of users that take steps together, or a pipeline of cards, as `costs` say.
std::unique_ptr<ServingInstance> make_instance(ServingCosts& costs, std::size_t position,
                                               const std::vector<Request>& requests,
                                               std::vector<Served>& served);

/// All requests, in the order of their arrival, each to the instance with the least of them, the
/// first of equals. `interrupted` ends it by throwing Interrupted.
struct ServingOutcome {
    std::vector<Served> served;  ///< by request
    Joules work_energy;          ///< of all instances, beside their standing power
};
ServingOutcome serve_requests(const std::vector<Request>& requests, std::int64_t instances,
                              ServingCosts& costs, const std::function<bool()>& interrupted = {});

}  // namespace memwall
