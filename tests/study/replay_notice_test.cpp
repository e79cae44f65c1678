// SPDX-License-Identifier: Apache-2.0
#include "study/replay_notice.hpp"

#include <catch2/catch.hpp>

#include "tests/study/program.hpp"
#include "tests/support/machines.hpp"

using namespace memwall;

TEST_CASE("a replay of half a million steps is told before it begins, with what it keeps") {
    CHECK(replay_notice(499'999, 1).empty());
    CHECK(replay_notice(694'156, 1) ==
          "note: the replay has 694,156 steps and may take long; --engine analytic gives an "
          "estimate in seconds\n");
    // 200 B a step: 10 million are 1.86 GiB; of four rounds one is kept.
    CHECK(replay_notice(10'000'000, 1).find("at least 1.86 GiB of memory") != std::string::npos);
    CHECK(replay_notice(10'000'000, 4).find("memory") == std::string::npos);
}

TEST_CASE("steps of a round are counted first where it has a million million MACs") {
    const auto rows = [](const std::string& count) {
        return test::network_of_text("network: one\nprecision: int8\ninputs: {x: [" + count +
                                     ", 10000]}\nlayers:\n"
                                     "  - {name: a, op: linear, out_features: 10000}\n");
    };
    CHECK_FALSE(may_be_long(rows("9999")));
    CHECK(may_be_long(rows("10000")));
}

TEST_CASE("a replay that may not fit the memory is refused before its steps are written down") {
    const Bytes free(std::int64_t{15} << 20U);
    CHECK_NOTHROW(check_replay_fits(10'000, 1, free));
    CHECK_NOTHROW(check_replay_fits(20'000, 2, free));
    CHECK_THROWS_WITH(
        check_replay_fits(20'000, 1, free),
        "error: the replay has 20,000 steps and may need 28.6 MiB of memory, 15.0 MiB are "
        "free; expected fewer tokens or a smaller batch, or --engine analytic, which "
        "needs little");
    CHECK(free_memory() > Bytes(0));
}

#ifndef MEMWALL_SANITIZE  // the address sanitizer takes terabytes of addresses for itself
TEST_CASE("a prompt of many thousand tokens is refused within a limit of memory") {
    const std::string program =
        std::string("ulimit -v 2000000; exec '") + MEMWALL_PROGRAM + "' run --configs '" +
        MEMWALL_SOURCE_DIR +
        "/configs' --machine von_neumann --network llama3_8b --phase prefill --users 1 --prompt "
        "8192 --engine systemc";
    const test::ProgramRun run = test::run_program("/bin/sh", {"-c", program}, "/");
    CHECK(run.status == 2);
    CHECK(run.err.find("error: the replay has ") == 0);
    CHECK(run.err.find(" steps and may need ") != std::string::npos);
    CHECK(run.err.find(" of memory, ") != std::string::npos);
}
#endif

TEST_CASE("a run says once, on standard error alone, that its replay is long") {
    // 13 steps a round.
    const std::vector<std::string> words = {"run",       "--machine", "tiny_northpole", "--network",
                                            "tiny_conv", "--rounds",  "40000"};
    const auto with = [&](const std::string& engine) {
        std::vector<std::string> all = words;
        all.insert(all.end(), {"--engine", engine});
        return test::run_memwall(all);
    };
    const test::ProgramRun replay = with("systemc");
    CHECK(replay.status == 0);
    CHECK(replay.err.find("note: the replay has ") == 0);
    CHECK(replay.err.find("note:", 1) == std::string::npos);
    CHECK(replay.out.find("the replay has") == std::string::npos);
    CHECK(with("analytic").err.find("note:") == std::string::npos);
}
