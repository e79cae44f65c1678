// SPDX-License-Identifier: Apache-2.0
// What a run says of a batch whose activations leave the cache that kernels share.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/study/program.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

std::string frames_of(const std::string& machine, int batch, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"run",       "--machine", machine,
                                          "--network", "resnet50",  "--precision",
                                          "int8",      "--batch",   std::to_string(batch)};
    if (more.empty()) {
        more = {"--phase", "offline", "--engine", "analytic"};
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramRun run = run_memwall(arguments);
    CHECK(run.status == 0);
    return run.out;
}

/// "12,533" of "throughput    12,533  frames/s"
std::string throughput_of(const std::string& report) {
    const std::size_t begin = report.find_first_of("0123456789", report.find("\nthroughput"));
    return report.substr(begin, report.find(' ', begin) - begin);
}

bool tells_of_smaller(const std::string& report) {
    return report.find(" is faster at batch ") != std::string::npos;
}

}  // namespace

TEST_CASE("A run whose activations leave the L2 names a batch that is faster, with its rate") {
    // 1.72 MiB of a frame live at once: 48 MiB hold 27 frames, so 16 and 32 are looked at.
    const std::string at_32 = frames_of("l4", 32);
    CHECK_FALSE(tells_of_smaller(at_32));
    const std::string at_128 = frames_of("l4", 128);
    CHECK(at_128.find("\nnote: l4 is faster at batch 32: " + throughput_of(at_32) +
                      " frames/s, ") != std::string::npos);
    CHECK(at_128.find(" pass the DRAM, at batch 128 ") != std::string::npos);
    // Twice the L2 holds twice the batch.
    CHECK(frames_of("l40s", 128).find("\nnote: l40s is faster at batch 64: ") != std::string::npos);
    CHECK_FALSE(tells_of_smaller(frames_of("l40s", 64)));
}

TEST_CASE("A batch that loses less than the model may err by is no note") {
    for (const int batch : {8, 32, 64, 512}) {
        CHECK_FALSE(tells_of_smaller(frames_of("t4", batch)));
        CHECK_FALSE(tells_of_smaller(frames_of("a100_sxm_40gb", batch)));
    }
}

TEST_CASE("Only kernels that make frames one after another are told a smaller batch") {
    CHECK_FALSE(tells_of_smaller(frames_of("l4", 128, {"--phase", "single"})));
    CHECK_FALSE(tells_of_smaller(
        frames_of("von_neumann", 32, {"--phase", "offline", "--engine", "analytic"})));
    const ProgramRun step =
        run_memwall({"run", "--machine", "l4", "--network", "lenet", "--batch", "512", "--phase",
                     "training_step", "--engine", "analytic"});
    CHECK(step.status == 0);
    CHECK_FALSE(tells_of_smaller(step.out));
}
