// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "study/serving/serving_result.hpp"

namespace memwall {

Distribution distribution_of(std::vector<Picoseconds> times) {
    ensure(!times.empty(), "a distribution has times");
    std::sort(times.begin(), times.end());
    double sum = 0;
    for (const Picoseconds time : times) {
        sum += to_seconds(time).count();
    }
    const auto percentile = [&](std::size_t percent) {
        return to_seconds(times[(times.size() * percent + 99) / 100 - 1]);
    };
    return {Seconds(sum / static_cast<double>(times.size())), percentile(50), percentile(90),
            percentile(99), to_seconds(times.back())};
}

Occupancy occupancy_of(const std::vector<Stay>& stays, Picoseconds begin, Picoseconds end,
                       std::int64_t limit) {
    std::map<Picoseconds, std::int64_t> changes;
    for (const Stay& stay : stays) {
        if (stay.from < stay.to) {
            ++changes[stay.from];
            --changes[stay.to];
        }
    }
    Occupancy occupancy;
    const Seconds span = to_seconds(end - begin);
    std::int64_t now = 0;
    Picoseconds since = begin;
    const auto pass = [&](Picoseconds to) {
        const double share = span.count() > 0 ? ratio(to_seconds(to - since), span) : 0;
        occupancy.mean += share * static_cast<double>(now);
        occupancy.at_limit += limit > 0 && now >= limit ? share : 0;
        since = to;
    };
    for (const auto& [at, change] : changes) {
        pass(at);
        now += change;
        occupancy.most = std::max(occupancy.most, now);
    }
    return occupancy;
}

namespace {

struct Times {
    std::vector<Picoseconds> waiting, first_token, token, request;
};

Times times_of(const std::vector<Request>& requests, const std::vector<Served>& served) {
    Times times;
    for (std::size_t r = 0; r < requests.size(); ++r) {
        const Picoseconds arrival = requests[r].arrival;
        times.waiting.push_back(served[r].admitted - arrival);
        times.first_token.push_back(served[r].first_token - arrival);
        times.request.push_back(served[r].done - arrival);
        if (requests[r].output_tokens > 1) {
            times.token.emplace_back((served[r].done - served[r].first_token).count() /
                                     (requests[r].output_tokens - 1));
        }
    }
    return times;
}

}  // namespace

ServingTotals serving_totals(const std::vector<Request>& requests,
                             const std::vector<Served>& served, std::int64_t instances,
                             std::int64_t places) {
    ServingTotals totals;
    totals.requests = static_cast<std::int64_t>(requests.size());
    const Picoseconds begin = requests.front().arrival;
    Picoseconds end = begin;
    std::vector<std::vector<Stay>> with_place(static_cast<std::size_t>(instances));
    std::vector<Stay> without;
    for (std::size_t r = 0; r < requests.size(); ++r) {
        totals.prompt_tokens += requests[r].prompt;
        totals.output_tokens += requests[r].output_tokens;
        end = std::max(end, served[r].done);
        with_place[served[r].instance].push_back({served[r].admitted, served[r].done});
        without.push_back({requests[r].arrival, served[r].admitted});
    }
    totals.span = to_seconds(end - begin);
    for (const std::vector<Stay>& stays : with_place) {
        const Occupancy of_one = occupancy_of(stays, begin, end, places);
        totals.users.mean += of_one.mean / static_cast<double>(instances);
        totals.users.at_limit += of_one.at_limit / static_cast<double>(instances);
        totals.users.most = std::max(totals.users.most, of_one.most);
    }
    totals.queued = occupancy_of(without, begin, end, 0);
    Times times = times_of(requests, served);
    totals.waiting = distribution_of(std::move(times.waiting));
    totals.first_token = distribution_of(std::move(times.first_token));
    totals.request = distribution_of(std::move(times.request));
    if (!times.token.empty()) {
        totals.token = distribution_of(std::move(times.token));
    }
    return totals;
}

}  // namespace memwall
