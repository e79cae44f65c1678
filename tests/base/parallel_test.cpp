// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace memwall;

TEST_CASE("Each piece of work is done once, on however many threads") {
    for (const std::size_t threads : {1U, 2U, 7U}) {
        std::vector<std::atomic<int>> done(100);
        parallel_for(done.size(), threads, [&](std::size_t i) { ++done[i]; });
        for (const std::atomic<int>& times : done) {
            CHECK(times == 1);
        }
    }
    parallel_for(0, 4, [](std::size_t) { throw std::logic_error("there is nothing to do"); });
}

TEST_CASE("Of several faults in pieces of work the first one is told") {
    for (const std::size_t threads : {1U, 3U}) {
        try {
            parallel_for(3, threads,
                         [](std::size_t i) { throw std::runtime_error(std::to_string(i)); });
            FAIL("nothing was thrown");
        } catch (const std::runtime_error& error) {
            CHECK(error.what() == std::string("0"));
        }
    }
}
