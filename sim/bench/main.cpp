// SPDX-License-Identifier: Apache-2.0
// memwall_bench: what a step costs, on fixed programs, beside a bare SystemC program that does as
// many timed notifications. Every measurement has a process of its own.
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>

#include "sim/bench/bare_kernel.hpp"
#include "sim/bench/cases.hpp"
#include "sim/child_process.hpp"
#include "sim/replay.hpp"
#include "sim/replay_engine.hpp"

namespace {

using namespace memwall;

constexpr std::int64_t kTiles = 100'000;

/// Seconds that a piece of work takes in a child, without the child's birth.
double timed(const std::function<void()>& work) {
    return std::stod(run_in_child([&](const std::function<void(double)>&) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        return std::to_string(took.count());
    }));
}

void measure(bench::Sharing sharing) {
    const bench::Case made = bench::pipeline(sharing, kTiles);
    const Outcome outcome = replay(made.program, made.machine);
    ReplayOptions without;
    without.causes = false;
    const auto steps = static_cast<double>(outcome.steps);
    const auto ns_a_step = [&](const std::function<void()>& work) {
        return timed(work) * 1e9 / steps;
    };
    const double kernel = ns_a_step([&] { replay_in_this_process(made.program, made.machine); });
    const double no_causes =
        ns_a_step([&] { replay_in_this_process(made.program, made.machine, without); });
    const double plain = ns_a_step([&] { replay_without_kernel(made.program, made.machine); });
    const double bare = ns_a_step([&] { bench::wait_bare(outcome.events); });
    std::printf("%-16s %9lld %9.2f %11.0f %13.0f %14.0f %14.0f\n", made.name.c_str(),
                static_cast<long long>(outcome.steps), static_cast<double>(outcome.events) / steps,
                kernel, no_causes, plain, bare);
}

}  // namespace

int main() {
    try {
        std::printf("%-16s %9s %9s %11s %13s %14s %14s\n", "pipeline", "steps", "events", "ns",
                    "ns", "ns", "ns bare");
        std::printf("%-16s %9s %9s %11s %13s %14s %14s\n", "sharing", "", "a step", "a step",
                    "no causes", "no kernel", "same events");
        for (const auto sharing :
             {bench::Sharing::nothing, bench::Sharing::bus, bench::Sharing::dram}) {
            measure(sharing);
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "memwall_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
