// SPDX-License-Identifier: Apache-2.0
#include "sim/child_process.hpp"

#include <sys/time.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <vector>

#include "base/error.hpp"
#include "sim/replay.hpp"

using namespace memwall;
using Catch::Contains;

namespace {

using Progress = std::function<void(double)>;

}  // namespace

TEST_CASE("a child hands back its bytes, large ones too") {
    const std::string big(3'000'000, 'x');
    CHECK(run_in_child([&](const Progress&) { return std::string(big); }) == big);
    CHECK(run_in_child([](const Progress&) { return std::string(); }).empty());
}

TEST_CASE("a child tells its progress in order") {
    std::vector<double> heard;
    ChildWatch watch;
    watch.progress = [&](double fraction) { heard.push_back(fraction); };
    run_in_child(
        [](const Progress& progress) {
            progress(0.25);
            progress(0.5);
            return std::string("done");
        },
        watch);
    CHECK(heard == std::vector<double>{0.25, 0.5});
}

TEST_CASE("errors of a child keep their kind and their place") {
    CHECK_THROWS_AS(
        run_in_child([](const Progress&) -> std::string { throw InputError("no such thing"); }),
        InputError);
    CHECK_THROWS_WITH(
        run_in_child([](const Progress&) -> std::string { fail("it broke", "engine.cpp", 7); }),
        "internal error at engine.cpp:7: it broke");
    CHECK_THROWS_WITH(run_in_child([](const Progress&) -> std::string {
                          throw std::runtime_error("something else");
                      }),
                      Contains("something else"));
}

TEST_CASE(
    "a child that is ended or crashes costs an error that says how, and is no fault of ours") {
    const auto killed = [](const Progress&) -> std::string {
        ::raise(SIGKILL);
        return {};
    };
    CHECK_THROWS_AS(run_in_child(killed), ChildEnded);
    CHECK_THROWS_WITH(run_in_child(killed), "the simulation was ended by signal 9 (Killed)");
    CHECK_THROWS_AS(run_in_child([](const Progress&) -> std::string { throw std::bad_alloc(); }),
                    std::bad_alloc);
    CHECK_THROWS_WITH(run_in_child([](const Progress&) -> std::string { ::_exit(3); }),
                      Contains("the simulation ended without a result, exit status 3"));
}

TEST_CASE("a cancelled wait ends the child") {
    struct sigaction interrupt {};
    interrupt.sa_handler = [](int) {};  // without SA_RESTART: reading is interrupted
    struct sigaction before {};
    ::sigaction(SIGALRM, &interrupt, &before);
    const itimerval often{{0, 50'000}, {0, 50'000}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    ChildWatch watch;
    watch.cancelled = []() { return true; };
    CHECK_THROWS_AS(run_in_child(
                        [](const Progress&) {
                            ::sleep(60);
                            return std::string();
                        },
                        watch),
                    Interrupted);
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before, nullptr);
}
