// SPDX-License-Identifier: Apache-2.0
#include "sim/timer_queue.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace memwall;

TEST_CASE("a timer queue gives what a sorted map gives, over generated changes") {
    std::mt19937 random(3);
    TimerQueue queue;
    std::map<std::int32_t, std::int64_t> model;
    for (int i = 0; i < 20'000; ++i) {
        const auto key = static_cast<std::int32_t>(random() % 50);
        switch (random() % 4) {
            case 0:
            case 1: {
                const auto time = static_cast<std::int64_t>(random() % 1'000);
                queue.set(key, Picoseconds(time));
                model[key] = time;
                break;
            }
            case 2:
                queue.erase(key);
                model.erase(key);
                break;
            default:
                if (!model.empty()) {
                    auto first = model.begin();
                    for (auto it = model.begin(); it != model.end(); ++it) {
                        first = it->second < first->second ? it : first;
                    }
                    REQUIRE(queue.next() == Picoseconds(first->second));
                    REQUIRE(queue.pop() == first->first);
                    model.erase(first);
                }
        }
        REQUIRE(queue.empty() == model.empty());
    }
}
