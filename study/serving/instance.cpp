// SPDX-License-Identifier: Apache-2.0
#include "study/serving/instance.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "study/serving/batch_instance.hpp"
#include "study/serving/pipeline_instance.hpp"

namespace memwall {

void ServingInstance::accept(std::size_t request) {
    served_[request].instance = position_;
    ++accepted_;
    enqueue(request);
}

std::int64_t ServingInstance::load(Picoseconds now) {
    while (!ends_.empty() && ends_.top() <= now) {
        ends_.pop();
        --accepted_;
    }
    return accepted_;
}

void ServingInstance::give_first_token(std::size_t request, Picoseconds at) {
    served_[request].first_token = at;
}

void ServingInstance::finish(std::size_t request, Picoseconds at) {
    served_[request].done = at;
    ends_.push(at);
}

std::unique_ptr<ServingInstance> make_instance(ServingCosts& costs, std::size_t position,
                                               const std::vector<Request>& requests,
                                               std::vector<Served>& served) {
    if (costs.stages > 0) {
        return std::make_unique<PipelineInstance>(costs, position, requests, served);
    }
    return std::make_unique<BatchInstance>(costs, position, requests, served);
}

ServingOutcome serve_requests(const std::vector<Request>& requests, std::int64_t instances,
                              ServingCosts& costs, const std::function<bool()>& interrupted) {
    ServingOutcome outcome;
    outcome.served.resize(requests.size());
    std::vector<std::unique_ptr<ServingInstance>> all;
    for (std::int64_t i = 0; i < instances; ++i) {
        all.push_back(make_instance(costs, static_cast<std::size_t>(i), requests, outcome.served));
    }
    for (std::size_t r = 0; r < requests.size(); ++r) {
        if (interrupted && interrupted()) {
            throw Interrupted();
        }
        const Picoseconds now = requests[r].arrival;
        ServingInstance* least = nullptr;
        for (const auto& instance : all) {
            instance->advance(now);
            if (least == nullptr || instance->load(now) < least->load(now)) {
                least = instance.get();
            }
        }
        least->accept(r);
    }
    for (const auto& instance : all) {
        instance->advance(Picoseconds(std::numeric_limits<std::int64_t>::max()));
        outcome.work_energy += instance->work_energy();
    }
    return outcome;
}

}  // namespace memwall
