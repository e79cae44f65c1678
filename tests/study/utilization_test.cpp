// SPDX-License-Identifier: Apache-2.0
// Small networks as a user runs them: what no run exceeds, and how near the engines are.
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

struct Case {
    const char* engine;
    const char* precision;
    const char* input;
    const char* layer;
    std::vector<std::string> more;
};

}  // namespace

TEST_CASE("a stream never uses more than all of the arrays") {
    const std::string fast_host = "machine.components.host.bandwidth=1 TB/s";
    // Each of these counts more in its window than the arrays can do: the last item leaves sooner.
    const std::vector<Case> cases = {
        {"analytic",
         "int8",
         "[12, 5, 8]",
         "conv_transpose, out_channels: 16, kernel: 4",
         {"--set", fast_host, "--set", "machine.components.host.latency=1 ns"}},
        {"systemc",
         "int4",
         "[12, 9, 14]",
         "conv, out_channels: 8, kernel: 2, padding: same",
         {"--set", fast_host, "--set", "machine.components.host.latency=1 ns"}},
        {"systemc",
         "int8",
         "[16, 12, 10]",
         "conv_transpose, out_channels: 16, kernel: 3",
         {"--effort", "quick", "--set", "machine.components.array.weight_load=1 cycle"}},
    };
    const TemporaryFolder folder;
    const std::string net = (folder.path() / "net.yaml").string();
    for (const Case& one : cases) {
        INFO(one.engine << " " << one.layer);
        write_text(net, std::string("network: net\nprecision: ") + one.precision +
                            "\ninputs: {x: " + one.input +
                            "}\nlayers: [{name: a, op: " + one.layer + "}]\n");
        std::vector<std::string> arguments = {
            "run",    "--machine", "tiny_von_neumann", "--network", net, "--phase",
            "stream", "--engine",  one.engine,         "--json",    "-"};
        arguments.insert(arguments.end(), one.more.begin(), one.more.end());
        const ProgramRun run = run_memwall(arguments);
        INFO(run.err);
        REQUIRE(run.status == 0);
        const auto result = nlohmann::json::parse(run.out)["runs"][0];
        CHECK(result["totals"]["utilization"].get<double>() <= 1);
        CHECK(result["totals"]["utilization"].get<double>() > 0.99);
        for (const auto& layer : result["layers"]) {
            CHECK(layer["utilization"].get<double>() <= 1);
        }
    }
}

TEST_CASE("loop nests take tiles that fill the bursts of a DRAM") {
    const TemporaryFolder folder;
    const std::string net = (folder.path() / "net.yaml").string();
    write_text(net,
               "network: net\nprecision: int8\ninputs: {x: [8, 8, 5]}\nlayers:\n"
               "  - {name: c, op: conv, out_channels: 8, kernel: 1}\n"
               "  - {name: a, op: add, inputs: [c, x]}\n");
    const auto adds = [&](const std::string& engine) {
        const Json run =
            run_of({"run", "--machine", "tiny_loop_nest", "--network", net, "--batch", "8",
                    "--phase", "single", "--effort", "quick", "--engine", engine});
        return run["layers"][1]["adds_s"].get<double>();
    };
    // Pixels of eight channels are bursts of eight bytes; parts of them would take four bursts
    // each.
    CHECK(adds("systemc") < 1.6 * adds("analytic"));
}

TEST_CASE("both engines call a memory busy for as long as its bytes take to pass its ports") {
    const TemporaryFolder folder;
    const std::string net = (folder.path() / "net.yaml").string();
    write_text(net,
               "network: net\nprecision: int8\ninputs: {x: [16384]}\n"
               "layers: [{name: a, op: linear, out_features: 8192}]\n");
    std::map<std::string, std::map<std::string, double>> busy;
    for (const std::string engine : {"analytic", "systemc"}) {
        const Json run =
            run_of({"run", "--machine", "von_neumann", "--network", net, "--phase", "single",
                    "--engine", engine, "--set", "machine.components.global_buffer.capacity=4MiB"});
        for (const Json& component : run["components"]) {
            busy[engine][component["name"]] = component["busy_max_s"];
        }
    }
    for (const char* memory : {"dram", "global_buffer", "bus", "operand_buffer"}) {
        INFO(memory);
        CHECK(busy["analytic"][memory] == Approx(busy["systemc"][memory]).epsilon(0.02));
    }
    // 128 MiB of weights at 900 GB/s, of which the buffer's ports take half: it does not wait
    // along.
    CHECK(busy["analytic"]["dram"] == Approx(134217728 / 900e9).epsilon(0.01));
    CHECK(busy["analytic"]["global_buffer"] < 0.6 * busy["analytic"]["dram"]);
}

TEST_CASE("a single batch goes through in the parts that end soonest") {
    const TemporaryFolder folder;
    write_text(folder.path() / "one.yaml", "mapping: one\ntogether: 1\nlayers: {}\n");
    std::vector<std::string> arguments = {
        "run",     "--machine", "tiny_von_neumann", "--network", "tiny_two", "--batch", "4",
        "--phase", "single",    "--engine",         "analytic",  "--json",   "-"};
    const auto seconds = [&] {
        const ProgramRun run = run_memwall(arguments, folder.path());
        INFO(run.err);
        REQUIRE(run.status == 0);
        return nlohmann::json::parse(run.out)["runs"][0]["totals"]["window_s"].get<double>();
    };
    const double chosen = seconds();
    arguments.insert(arguments.end(), {"--mapping", "./one.yaml"});
    CHECK(chosen <= seconds());
}

TEST_CASE("a DRAM that is busy all the time is busy no longer than that") {
    const TemporaryFolder folder;
    write_text(folder.path() / "wide.yaml",
               "mapping: wide\nlayers:\n  linear:\n    dram: {}\n    global_buffer:\n"
               "      loops: [{K: {tile: 29}}]\n      spatial: [{N: 2}, {K: 2}]\n"
               "      keeps: [inputs, outputs]\n      streams: [weights]\n");
    const ProgramRun run = run_memwall({"run", "--machine", "tiny_von_neumann", "--network",
                                        "tiny_linear", "--batch", "2", "--mapping", "./wide.yaml"},
                                       folder.path());
    INFO(run.err);
    CHECK(run.status == 0);
}
