// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

using Json = nlohmann::json;

constexpr int kFrames = 24;
constexpr int kEncoder = kFrames * (16 * 32 + 2 * 32 * 32);  // MACs, with the keys and values

/// An encoder of one layer, and a decoder that attends to its own tokens and to the encoder's
/// frames.
const char* const kNetwork = R"(
memwall: 1
network: pair
source: "made up"
parameters: {positions: 4, context: 0}
inputs:
  sound: [24, 16]
  tokens: {shape: ["{positions}"], precision: int32}
layers:
  - {name: encoder, op: linear, inputs: sound, out_features: 32, bias: false}
  - {name: encoded, op: relu}
  - {name: embedding, op: embedding, inputs: tokens, rows: 50, features: 32}
  - {name: q, op: linear, out_features: 32, heads: 2, bias: false}
  - {name: k, op: linear, inputs: embedding, out_features: 32, heads: 2, bias: false}
  - {name: v, op: linear, inputs: embedding, out_features: 32, heads: 2, bias: false}
  - {name: self, op: attention, inputs: [q, k, v], causal: true, cache: true, context: "{context}"}
  - {name: o, op: linear, out_features: 32, merge_heads: true, bias: false}
  - {name: xq, op: linear, out_features: 32, heads: 2, bias: false}
  - {name: xk, op: linear, inputs: encoded, out_features: 32, heads: 2, bias: false}
  - {name: xv, op: linear, inputs: encoded, out_features: 32, heads: 2, bias: false}
  - {name: cross, op: attention, inputs: [xq, xk, xv]}
  - {name: xo, op: linear, out_features: 32, merge_heads: true, bias: false}
  - {name: words, op: linear, out_features: 50, bias: false, last: 1}
)";

/// MACs of the decoder for new positions after a context.
std::int64_t decoder_macs(std::int64_t positions, std::int64_t context) {
    const std::int64_t pairs = positions * context + positions * (positions + 1) / 2;
    return positions * 6 * 32 * 32 + 2 * 32 * (pairs + positions * kFrames) + 32 * 50;
}

Json asked(std::vector<std::string> arguments) {
    const TemporaryFolder folder;
    write_text(folder.path() / "pair.yaml", kNetwork);
    arguments.insert(arguments.end(), {"--json", "-"});
    const ProgramRun run = run_memwall(arguments, folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    return Json::parse(run.out);
}

Json run_pair(const std::string& machine, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"run", "--machine", machine, "--network", "./pair.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return asked(arguments)["runs"][0];
}

}  // namespace

TEST_CASE("A decode step does nothing again that reads no new token") {
    const Json whole =
        asked({"show", "network", "./pair.yaml", "--phase", "prefill", "--prompt", "4"});
    CHECK(whole["totals"]["macs"] == kEncoder + decoder_macs(4, 0));
    CHECK(whole["totals"]["state_bytes"] == 2 * 4 * 32 + 2 * kFrames * 32);
    const Json step =
        asked({"show", "network", "./pair.yaml", "--phase", "decode", "--context", "7"});
    CHECK(step["totals"]["macs"] == decoder_macs(1, 7));
    CHECK(step["totals"]["state_bytes"] == 2 * 8 * 32 + 2 * kFrames * 32);
}

TEST_CASE("Every kind of machine encodes once and keeps what its decoder reads at each token") {
    const std::string machine =
        GENERATE(as<std::string>(), "von_neumann", "northpole", "a100_sxm_80gb");
    const std::string engine = GENERATE(as<std::string>(), "analytic", "systemc");
    CAPTURE(machine, engine);
    const std::string precision = machine == "a100_sxm_80gb" ? "fp16" : "int8";
    const Json run =
        run_pair(machine, {"--engine", engine, "--phase", "generate", "--prompt", "4",
                           "--output-tokens", "6", "--users", "2", "--precision", precision});
    std::int64_t macs = kEncoder + decoder_macs(4, 0);
    for (std::int64_t context = 4; context < 9; ++context) {
        macs += decoder_macs(1, context);
    }
    CHECK(run["totals"]["macs"] == 2 * macs);
}

TEST_CASE("What the encoder leaves is written to the DRAM with the prompt and read at each token") {
    const auto state = [](const std::vector<std::string>& phase, const char* way) {
        std::vector<std::string> arguments = {"--engine", "analytic"};
        arguments.insert(arguments.end(), phase.begin(), phase.end());
        std::int64_t bytes = 0;
        const Json run = run_pair("von_neumann", arguments);
        for (const Json& layer : run["layers"]) {
            const Json dram = layer["traffic_bytes"].value("dram", Json::object());
            bytes += dram.contains("state") ? dram["state"][way].get<std::int64_t>() : 0;
        }
        return bytes;
    };
    const std::vector<std::string> prefill = {"--phase", "prefill", "--prompt", "4"};
    const std::vector<std::string> step = {"--phase", "decode",          "--context",
                                           "7",       "--output-tokens", "1"};
    CHECK(state(prefill, "write") == 2 * 4 * 32 + 2 * kFrames * 32);
    CHECK(state(step, "write") == 2 * 32);
    CHECK(state(step, "read") == 2 * 8 * 32 + 2 * kFrames * 32);
}

TEST_CASE("A language model that was written to a file still has its phases") {
    const TemporaryFolder folder;
    write_text(folder.path() / "pair.yaml", kNetwork);
    const auto counts = [&](const std::string& network) {
        const ProgramRun run = run_memwall({"show", "network", network, "--precision", "int4",
                                            "--phase", "decode", "--context", "7", "--json", "-"},
                                           folder.path());
        INFO(run.err);
        REQUIRE(run.status == 0);
        return Json::parse(run.out);
    };
    for (const std::string name : {"./pair.yaml", "llama2_7b", "mixtral_8x7b"}) {
        INFO(name);
        const ProgramRun written = run_memwall({"show", "network", name, "--phase", "decode",
                                                "--context", "7", "--yaml", "written.yaml"},
                                               folder.path());
        INFO(written.err);
        REQUIRE(written.status == 0);
        CHECK(counts("./written.yaml")["totals"] == counts(name)["totals"]);
    }
}
