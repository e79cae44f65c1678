// SPDX-License-Identifier: Apache-2.0
// memwall_bench: what a step costs, on fixed programs, beside a bare SystemC program that does as
// many timed notifications, in a process of its own; what a mapper takes at each effort; and what a
// burst of a DRAM costs.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <functional>
#include <limits>
#include <string>

#include "arch/loop_nest/nest_planner.hpp"
#include "arch/mapper.hpp"
#include "sim/bench/bare_kernel.hpp"
#include "sim/bench/cases.hpp"
#include "sim/bench/dram_bursts.hpp"
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

void measure(const bench::Case& made) {
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
    const auto passes = static_cast<double>(made.layers * made.program.rounds);
    const std::string a_layer = passes > 0 ? fmt::format("{:.1f}", steps / passes) : "";
    std::printf("%-22s %9lld %8s %9.2f %9.0f %10.0f %10.0f %12.0f\n", made.name.c_str(),
                static_cast<long long>(outcome.steps), a_layer.c_str(),
                static_cast<double>(outcome.events) / steps, kernel, no_causes, plain, bare);
}

/// Of what is measured in milliseconds the least counts.
constexpr int kTimes = 3;

/// Milliseconds of processor time that a mapper takes, the program's steps written down included:
/// the least of a few times.
double mapping_time(const bench::Shipped& shipped, Effort effort) {
    MapperOptions options;
    options.effort = effort;
    options.repetition = true;  // as the analytic engine asks for it
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < kTimes; ++i) {
        const std::clock_t begin = std::clock();
        const Mapping mapping = map_network(shipped.network, shipped.machine, options);
        const auto took = static_cast<double>(std::clock() - begin);
        least = std::min(least, took * 1e3 / CLOCKS_PER_SEC);
    }
    return least;
}

/// The same of the search for loop nests alone, on one thread: equal layers are searched once.
double search_time(const bench::Shipped& shipped, Effort effort) {
    MapperOptions options;
    options.effort = effort;
    const NestHierarchy hierarchy(shipped.machine);
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < kTimes; ++i) {
        NestPlanner planner(shipped.network, shipped.machine, hierarchy, options);
        const std::clock_t begin = std::clock();
        planner.run();
        const auto took = static_cast<double>(std::clock() - begin);
        least = std::min(least, took * 1e3 / CLOCKS_PER_SEC);
    }
    return least;
}

/// Three levels of memory, by the mapper of tilings and by that of loop nests.
void measure_mapping(const std::string& configs, const std::string& network) {
    std::printf("\n%-32s %10s %10s %10s\n", "ms to map", "quick", "normal", "thorough");
    for (const char* machine : {"von_neumann", "eyeriss"}) {
        const bench::Shipped shipped = bench::shipped(configs, machine, network);
        std::printf("%-32s", (network + " " + machine).c_str());
        for (const Effort effort : {Effort::quick, Effort::normal, Effort::thorough}) {
            std::printf(" %10.1f", mapping_time(shipped, effort));
        }
        std::printf("\n");
    }
    for (const char* machine : {"maestro_256", "tpu_v1", "eyeriss", "timeloop_eyeriss_like"}) {
        const bench::Shipped shipped = bench::shipped(configs, machine, network);
        std::printf("%-32s", (network + " " + machine + ", search").c_str());
        for (const Effort effort : {Effort::quick, Effort::normal, Effort::thorough}) {
            std::printf(" %10.1f", search_time(shipped, effort));
        }
        std::printf("\n");
    }
}

void measure_bursts() {
    constexpr std::int64_t kAccesses = 32;
    std::printf("\n%-32s %9s %10s\n", "DRAM", "bursts", "ns a burst");
    for (const bench::BurstCase& pattern : bench::burst_cases()) {
        const std::int64_t bursts = bench::serve_bursts(bench::hbm(), pattern, kAccesses);
        const double seconds =
            timed([&] { bench::serve_bursts(bench::hbm(), pattern, kAccesses); });
        std::printf("%-32s %9lld %10.1f\n", pattern.name.c_str(), static_cast<long long>(bursts),
                    seconds * 1e9 / static_cast<double>(bursts));
    }
}

}  // namespace

/// Usage: memwall_bench [CONFIGS NETWORK], the folder of the shipped machines and networks, and one
/// of them.
int main(int count, char** words) {
    try {
        std::printf("%-22s %9s %8s %9s %9s %10s %10s %12s\n", "program", "steps", "steps", "events",
                    "ns a step", "ns a step", "ns a step", "ns a step");
        std::printf("%-22s %9s %8s %9s %9s %10s %10s %12s\n", "", "", "a layer", "a step", "",
                    "no causes", "no kernel", "bare SystemC");
        for (const auto sharing :
             {bench::Contended::nothing, bench::Contended::bus, bench::Contended::dram}) {
            measure(bench::pipeline(sharing, kTiles));
        }
        if (count > 2) {
            for (const char* machine : {"von_neumann", "northpole"}) {
                measure(bench::mapped(words[1], machine, words[2]));
            }
        }
        if (count > 2) {
            measure_mapping(words[1], words[2]);
        }
        measure_bursts();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "memwall_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
