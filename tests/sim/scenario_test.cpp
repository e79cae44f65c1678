// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"

using namespace memwall;

namespace {

ScenarioRequest request(Phase phase, std::int64_t batch) {
    ScenarioRequest request;
    request.phase = phase;
    request.batch = batch;
    return request;
}

}  // namespace

TEST_CASE("a stream leaves out its first half, a single phase has one batch, offline counts all") {
    const Scenario stream = resolve(request(Phase::stream, 4));
    CHECK(stream.items == 32);
    CHECK(stream.warmup_items == 16);
    CHECK(stream.window(4).warmup == 4);
    CHECK(stream.window(2).warmup == 8);
    const Scenario single = resolve(request(Phase::single, 4));
    CHECK(single.items == 4);
    CHECK(single.warmup_items == 0);
    const Scenario offline = resolve(request(Phase::offline, 4));
    CHECK(offline.counted_items() == 32);
}

TEST_CASE("the largest batches make as many rounds as their items may be") {
    CHECK(resolve(request(Phase::stream, 1'000'000'000)).items == 1'000'000'000);
    CHECK(resolve(request(Phase::offline, 300'000'000)).items == 900'000'000);
}

TEST_CASE("a short stream still counts something") {
    ScenarioRequest asked = request(Phase::stream, 2);
    asked.items = 2;
    CHECK(resolve(asked).warmup_items == 0);
    asked.items = 4;
    CHECK(resolve(asked).warmup_items == 2);
    asked.items.reset();
    asked.rounds = 5;
    CHECK(resolve(asked).items == 10);
    CHECK(resolve(asked).warmup_items == 4);
}

TEST_CASE("numbers of items that make no sense are told in a sentence") {
    ScenarioRequest asked = request(Phase::stream, 0);
    CHECK_THROWS_WITH(resolve(asked), "error: expected a batch from 1 to 1000000000, found 0");
    asked = request(Phase::stream, 4);
    asked.items = 6;
    CHECK_THROWS_WITH(resolve(asked),
                      "error: scenario: expected items in whole batches of 4, found 6");
    asked.items = 1'000'000'000;
    CHECK_THROWS_WITH(resolve(asked),
                      "error: scenario: expected items of at most 100000 batches of 4, found "
                      "1000000000; a steady stream shows itself in a few");
    asked.items = 8;
    asked.warmup_items = 8;
    CHECK_THROWS_WITH(resolve(asked),
                      "error: scenario: a warm-up of 8 items leaves none of 8 to be counted");
    asked.warmup_items = -4;
    CHECK_THROWS_AS(resolve(asked), InputError);
    asked = request(Phase::single, 4);
    asked.items = 8;
    CHECK_THROWS_WITH(resolve(asked),
                      "error: scenario: a single phase has one batch (4), found 8 items");
    asked = request(Phase::stream, 1);
    asked.cold = true;
    CHECK(resolve(asked).warmup_items == 0);
    asked.warmup_items = 1;
    CHECK_THROWS_WITH(
        resolve(asked),
        "error: scenario: a cold start is counted from its beginning; found a warm-up "
        "of 1 items");
    asked = request(Phase::stream, 1);
    asked.items = 2;
    asked.rounds = 2;
    CHECK_THROWS_AS(resolve(asked), InputError);
    asked.items.reset();
    asked.rounds = 0;
    CHECK_THROWS_AS(resolve(asked), InputError);
}

TEST_CASE("a training step is one batch, of frames or of a language model's tokens") {
    const Scenario frames = resolve(request(Phase::training_step, 32));
    CHECK(frames.items == 32);
    CHECK(frames.rounds() == 1);
    CHECK(frames.training->optimizer == Optimizer::adam);
    ScenarioRequest asked = request(Phase::training_step, 4);
    asked.prompt = 100;
    asked.optimizer = Optimizer::sgd;
    const Scenario tokens = resolve(asked, true);
    CHECK(tokens.items == 400);
    CHECK(tokens.rounds() == 1);
    CHECK(tokens.training->tokens == 100);
    CHECK(tokens.training->optimizer == Optimizer::sgd);
}

TEST_CASE("numbers that do not go with a training step are refused") {
    ScenarioRequest asked = request(Phase::training_step, 4);
    asked.rounds = 3;
    CHECK_THROWS_WITH(
        resolve(asked),
        "error: scenario: rounds does not go with phase training_step; expected batch");
    asked.rounds.reset();
    asked.prompt = 5;
    CHECK_THROWS_AS(resolve(asked), InputError);
    ScenarioRequest stream = request(Phase::stream, 4);
    stream.optimizer = Optimizer::adam;
    CHECK_THROWS_WITH(resolve(stream),
                      "error: scenario: optimizer does not go with phase stream; expected "
                      "training_step");
}
