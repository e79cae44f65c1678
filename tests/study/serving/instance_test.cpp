// SPDX-License-Identifier: Apache-2.0
// Requests served by instances whose work has simple costs, against times worked out by hand.
#include "study/serving/instance.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "study/serving/arrivals.hpp"
#include "study/serving/serving_result.hpp"

using namespace memwall;

namespace {

constexpr double kSecond = 1e12;  ///< picoseconds

Picoseconds at_seconds(double seconds) {
    return Picoseconds(std::llround(seconds * kSecond));
}

/// A batch whose steps take 1 s and 0.5 s more for each user, and whose prompts take 0.01 s a
/// token; 2 J a step, 3 J a prompt.
ServingCosts batch_costs(std::int64_t places) {
    return {WorkGrid({1, 1000}, {1, 1000},
                     [](std::int64_t users, std::int64_t /*tokens*/) {
                         return std::vector<double>{1 + 0.5 * static_cast<double>(users), 2};
                     }),
            WorkGrid({1}, {1, 1000},
                     [](std::int64_t /*users*/, std::int64_t tokens) {
                         return std::vector<double>{0.01 * static_cast<double>(tokens), 3};
                     }),
            places,
            0,
            Seconds(0),
            Watts(0)};
}

/// Two stages, 2 s between them and back. A token may follow every 1 and 3 s and takes 2 and 4 s;
/// a prompt every 5 s, and takes 6 in each stage.
ServingCosts pipeline_costs(std::int64_t places) {
    return {WorkGrid({places}, {1, 1000},
                     [](std::int64_t /*users*/, std::int64_t /*tokens*/) {
                         return std::vector<double>{10, 1, 1, 2, 0, 3, 4, 0};
                     }),
            WorkGrid({1}, {1, 1000},
                     [](std::int64_t /*users*/, std::int64_t /*tokens*/) {
                         return std::vector<double>{16, 1, 5, 6, 0, 5, 6, 0};
                     }),
            places,
            2,
            Seconds(2),
            Watts(0)};
}

Request request(double arrival, std::int64_t prompt, std::int64_t output_tokens) {
    return {at_seconds(arrival), prompt, output_tokens};
}

}  // namespace

TEST_CASE("Chunks of a prompt follow each other through the stages, and others come between") {
    // A stage takes in a chunk every second and has it for two; the way between is two. A's prompt
    // of 25 tokens enters at 0, 2 and 3 s, since B's only chunk was there at 0.5; each comes out of
    // the second stage 2 + 2 + 2 s later. Of joules a chunk takes as many as it has tokens.
    ServingCosts costs = pipeline_costs(2);
    costs.chunk = 10;
    costs.prompts = WorkGrid({1, 10}, {0, 20}, [](std::int64_t tokens, std::int64_t /*before*/) {
        return std::vector<double>{4, static_cast<double>(tokens), 1, 2, 0, 1, 2, 0};
    });
    const std::vector<Request> requests = {request(0, 25, 1), request(0.5, 10, 1)};
    const ServingOutcome outcome = serve_requests(requests, 1, costs);
    CHECK(outcome.served[0].first_token == at_seconds(3 + 6));
    CHECK(outcome.served[1].first_token == at_seconds(1 + 6));
    CHECK(outcome.work_energy.count() == Approx(25 + 10));
}

TEST_CASE("A batch reads prompts first and takes a step for all who have a place") {
    ServingCosts costs = batch_costs(2);
    // 0 s: the prompt of A (1 s), a step of A alone until 2.5, in which B and C come; B's prompt
    // until 3.5; a step of both until 5.5, then A is done. C's prompt until 6.5, a step of B and C
    // until 8.5, with which B is done; C's last step until 10.
    const std::vector<Request> requests = {request(0, 100, 3), request(1.2, 100, 3),
                                           request(2.0, 100, 3)};
    const ServingOutcome outcome = serve_requests(requests, 1, costs);
    const auto& served = outcome.served;
    CHECK(served[0].admitted == at_seconds(0));
    CHECK(served[0].first_token == at_seconds(1));
    CHECK(served[0].done == at_seconds(5.5));
    CHECK(served[1].admitted == at_seconds(2.5));
    CHECK(served[1].first_token == at_seconds(3.5));
    CHECK(served[1].done == at_seconds(8.5));
    CHECK(served[2].admitted == at_seconds(5.5));
    CHECK(served[2].first_token == at_seconds(6.5));
    CHECK(served[2].done == at_seconds(10));
    CHECK(outcome.work_energy.count() == Approx(3 * 3 + 4 * 2));

    const ServingTotals totals = serving_totals(requests, served, 1, 2);
    CHECK(totals.span.count() == Approx(10));
    CHECK(totals.users.mean == Approx((5.5 + 6 + 4.5) / 10));
    CHECK(totals.users.most == 2);
    CHECK(totals.users.at_limit == Approx((8.5 - 2.5) / 10));
    CHECK(totals.queued.mean == Approx((1.3 + 3.5) / 10));
    CHECK(totals.queued.most == 2);
    CHECK(totals.waiting.most.count() == Approx(3.5));
    CHECK(totals.first_token.p50.count() == Approx(2.3));
    CHECK(totals.token->mean.count() == Approx((4.5 + 5 + 3.5) / 2 / 3));
}

TEST_CASE("A pipeline takes in work a stage at a time, and users go round by themselves") {
    ServingCosts costs = pipeline_costs(2);
    // A's prompt: stage one 0 to 6, stage two 8 to 14. B's comes at 1, begins at 5: 5 to 11, stage
    // two free at 13: 13 to 19. A's token enters at 16: out at 18, stage two 20 to 24. B's enters
    // at 21: out at 23, 25 to 29. C waits for A's place until 24: 24 to 30, 32 to 38.
    const std::vector<Request> requests = {request(0, 10, 2), request(1, 10, 2), request(2, 10, 1)};
    const ServingOutcome outcome = serve_requests(requests, 1, costs);
    const auto& served = outcome.served;
    CHECK(served[0].first_token == at_seconds(14));
    CHECK(served[0].done == at_seconds(24));
    CHECK(served[1].first_token == at_seconds(19));
    CHECK(served[1].done == at_seconds(29));
    CHECK(served[2].admitted == at_seconds(24));
    CHECK(served[2].done == at_seconds(38));
    CHECK(outcome.work_energy.count() == Approx(5));
}

TEST_CASE("Ways from server to server come behind the hops of a pipeline") {
    const auto costs_of = [](const std::vector<double>& values) {
        return [values](std::int64_t /*users*/, std::int64_t /*tokens*/) { return values; };
    };
    ServingCosts costs{WorkGrid({1}, {1, 1000}, costs_of({14, 1, 1, 2, 1, 3, 4, 3})),
                       WorkGrid({1}, {1, 1000}, costs_of({20, 1, 5, 6, 1, 5, 6, 3})),
                       1,
                       2,
                       Seconds(2),
                       Watts(0)};
    // The prompt: stage one 0 to 6, 2 + 1 s on, stage two 9 to 15. Back, 2 + 3 s on: the token
    // enters at 20, is out at 22, in stage two from 25 to 29.
    const std::vector<Request> requests = {request(0, 10, 2)};
    const auto served = serve_requests(requests, 1, costs).served;
    CHECK(served[0].first_token == at_seconds(15));
    CHECK(served[0].done == at_seconds(29));
}

TEST_CASE("A request goes to the instance with the least of them") {
    ServingCosts costs = batch_costs(8);
    // The second comes while the first is served; the third when both are; the fourth when the
    // second instance is empty again.
    const std::vector<Request> requests = {request(0, 100, 9), request(0.5, 100, 1),
                                           request(0.6, 100, 9), request(1.6, 100, 1)};
    const auto served = serve_requests(requests, 2, costs).served;
    CHECK(served[0].instance == 0);
    CHECK(served[1].instance == 1);
    CHECK(served[2].instance == 0);
    CHECK(served[3].instance == 1);
    CHECK(served[3].done == at_seconds(2.6));
}

TEST_CASE("Waiting before a server of constant time is that of Pollaczek and Khinchine") {
    // Prompts of 50 tokens, one token each: M/D/1 with a service of 0.5 s.
    for (const double load : {0.3, 0.7}) {
        ServingCosts costs = batch_costs(1000);
        constexpr std::int64_t kCount = 200'000;
        const std::vector<Request> requests = poisson_arrivals({load / 0.5, kCount, 50, 1}, 3);
        const ServingTotals totals =
            serving_totals(requests, serve_requests(requests, 1, costs).served, 1, 1000);
        const double expected = 0.5 * load / (2 * (1 - load));
        INFO("load " << load << ": " << totals.waiting.mean.count() << " for " << expected);
        CHECK(totals.waiting.mean.count() == Approx(expected).epsilon(0.03));
        CHECK(totals.first_token.mean.count() == Approx(expected + 0.5).epsilon(0.02));
        // Little's law holds exactly, and the server is busy with its load.
        const double rate = static_cast<double>(kCount) / totals.span.count();
        CHECK(totals.queued.mean == Approx(rate * totals.waiting.mean.count()).epsilon(1e-9));
        CHECK(totals.users.mean == Approx(rate * 0.5).epsilon(1e-9));
    }
}

TEST_CASE("Throughput follows the rate until it is that of full places, and stays there") {
    // Of 4 places: a step of 3 s for 4 tokens; per request of 10 tokens a prompt of 1 s and its
    // quarter of 9 steps: 4 requests take 4 + 27 s.
    const double capacity = 4.0 / 31;
    const auto rate_of = [](double rate) {
        ServingCosts costs = batch_costs(4);
        const std::vector<Request> requests = poisson_arrivals({rate, 4000, 100, 10}, 1);
        const ServingTotals totals =
            serving_totals(requests, serve_requests(requests, 1, costs).served, 1, 4);
        CHECK(totals.users.most <= 4);
        return static_cast<double>(totals.requests) / totals.span.count();
    };
    CHECK(rate_of(capacity / 2) == Approx(capacity / 2).epsilon(0.05));
    CHECK(rate_of(capacity * 2) == Approx(capacity).epsilon(0.01));
    CHECK(rate_of(capacity * 20) == Approx(capacity).epsilon(0.01));
}

TEST_CASE("A full pipeline is as fast as its slowest stage") {
    ServingCosts costs = pipeline_costs(64);
    const std::vector<Request> requests(200, request(0, 10, 40));
    const ServingTotals totals =
        serving_totals(requests, serve_requests(requests, 1, costs).served, 1, 64);
    // A prompt holds up a stage for 5 s, a token the second one for 3.
    const double least = 200 * (5 + 39 * 3);
    CHECK(totals.span.count() >= least);
    CHECK(totals.span.count() == Approx(least).epsilon(0.02));
}

TEST_CASE("Percentiles are times that occurred") {
    std::vector<Picoseconds> times;
    for (int i = 200; i >= 1; --i) {
        times.push_back(at_seconds(i));
    }
    const Distribution spread = distribution_of(times);
    CHECK(spread.p50.count() == Approx(100));
    CHECK(spread.p90.count() == Approx(180));
    CHECK(spread.p99.count() == Approx(198));
    CHECK(spread.most.count() == Approx(200));
    CHECK(spread.mean.count() == Approx(100.5));
    CHECK(distribution_of({at_seconds(3)}).p99.count() == Approx(3));
}
