// SPDX-License-Identifier: Apache-2.0
#include "study/language_run.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

/// A decoder small enough to run every step of it.
void write_small(const std::filesystem::path& folder) {
    write_network(folder, "small", "decoder",
                  "layers: 2, hidden: 64, heads: 4, kv_heads: 2, inner: 96, vocabulary: 50");
}

Json run_small(const std::vector<std::string>& more, const std::string& machine = "von_neumann") {
    const TemporaryFolder folder;
    write_small(folder.path());
    std::vector<std::string> arguments = {"run",          "--machine", machine,   "--network",
                                          "./small.yaml", "--engine",  "analytic"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_of(arguments, folder.path());
}

/// MACs of new positions after a context: linear layers at each, the last one at the last, and the
/// pairs that attention sees.
std::int64_t macs(std::int64_t positions, std::int64_t context) {
    const std::int64_t linear = 64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 96;
    const std::int64_t pairs = positions * context + positions * (positions + 1) / 2;
    return 2 * (positions * linear + 2 * 4 * 16 * pairs) + 64 * 50;
}

std::int64_t bytes_at(const char* memory, const Json& run, const char* tensor, const char* way) {
    std::int64_t sum = 0;
    for (const Json& layer : run["layers"]) {
        if (layer["traffic_bytes"].contains(memory) &&
            layer["traffic_bytes"][memory].contains(tensor)) {
            sum += layer["traffic_bytes"][memory][tensor][way].get<std::int64_t>();
        }
    }
    return sum;
}

std::int64_t dram_bytes(const Json& run, const char* tensor, const char* way) {
    return bytes_at("dram", run, tensor, way);
}

}  // namespace

TEST_CASE("Sampled steps stand for all steps: sums of what grows evenly are exact") {
    for (const std::int64_t count : {1, 2, 3, 4, 9, 100, 1000}) {
        const SampledSteps steps =
            sample_steps(7, count, [](std::int64_t context) { return 5 + 3 * context; });
        const std::vector<std::int64_t> halves = half_steps(steps.contexts);
        std::int64_t twice = 0;
        std::int64_t all = 0;
        for (std::size_t s = 0; s < halves.size(); ++s) {
            twice += halves[s] * (5 + 3 * steps.contexts[s]);
            all += halves[s];
        }
        std::int64_t right = 0;
        for (std::int64_t step = 0; step < count; ++step) {
            right += 5 + 3 * (7 + step);
        }
        CHECK(all == 2 * count);
        CHECK(twice == 2 * right);
        CHECK((steps.checked > 0) == (count > 3));
        CHECK(steps.contexts.size() <= 3);
    }
}

TEST_CASE("Where a window ends the growth, a step is run") {
    const auto macs_of = [](std::int64_t context) {
        return 10 * std::min<std::int64_t>(context, 40);
    };
    const SampledSteps steps = sample_steps(5, 100, macs_of);
    const std::vector<std::int64_t> halves = half_steps(steps.contexts);
    std::int64_t twice = 0;
    for (std::size_t s = 0; s < halves.size(); ++s) {
        twice += halves[s] * macs_of(steps.contexts[s]);
    }
    std::int64_t right = 0;
    for (std::int64_t context = 5; context < 105; ++context) {
        right += macs_of(context);
    }
    CHECK(twice == 2 * right);
    CHECK(steps.contexts.size() == 4);
}

TEST_CASE("A decode reads the whole cache and appends to it, a token a user and step") {
    const Json run = run_small({"--phase", "decode", "--users", "3", "--context", "20"});
    const std::int64_t row = 2 * 2 * 32;  // layers, keys and values, heads x features
    CHECK(dram_bytes(run, "state", "read") == 3 * 21 * row);
    CHECK(dram_bytes(run, "state", "write") == 3 * row);
    CHECK(run["totals"]["macs"] == 3 * macs(1, 20));
    CHECK(run["totals"]["operations"]["mac"] == 3 * macs(1, 20));
    CHECK(run["totals"]["item"] == "token");
    CHECK(run["totals"]["items"] == 3);
    CHECK(run["scenario"]["users"] == 3);
    CHECK(run["scenario"]["context"] == 20);
    CHECK(run["scenario"]["prompt"].is_null());
    CHECK(run["scenario"]["extrapolation"].is_null());
    const double latency = run["totals"]["latency_s"];
    const double throughput = run["totals"]["throughput_per_s"];
    CHECK(latency * throughput == Approx(3));
}

TEST_CASE("Beside the cores a decode reads each cached word once, where it lies") {
    const Json run =
        run_small({"--phase", "decode", "--users", "3", "--context", "20"}, "northpole");
    const std::int64_t row = 2 * 2 * 32;
    const std::int64_t read = bytes_at("core_memory", run, "state", "read");
    CHECK(read >= 3 * 21 * row);  // and new positions once more, where they travel to their place
    CHECK(read <= 3 * 22 * row);
    CHECK(bytes_at("core_memory", run, "state", "write") == read - 3 * 21 * row);
    CHECK(run["totals"]["macs"] == 3 * macs(1, 20));
    CHECK(run["totals"]["operations"]["mac"] == 3 * macs(1, 20));
    // Tables are drawn from where the output layer multiplies with them: a row a token.
    CHECK(bytes_at("core_memory", run, "weights", "read") >= 3 * 64);
    const Json more =
        run_small({"--phase", "decode", "--users", "6", "--context", "20"}, "northpole");
    const auto held = [](const Json& of) {
        return of["totals"]["peak_memory_bytes"]["core_memory"].get<std::int64_t>();
    };
    CHECK(held(more) - held(run) >= 3 * 21 * row);
}

TEST_CASE("Where caches do not fit beside the cores, the message says how much is missing") {
    const TemporaryFolder folder;
    write_small(folder.path());
    const ProgramRun run =
        run_memwall({"run", "--machine", "northpole", "--network", "./small.yaml", "--phase",
                     "decode", "--users", "100000", "--context", "40000", "--engine", "analytic"},
                    folder.path());
    CHECK(run.status == 2);
    CHECK(run.err.find("its caches 477 GiB") != std::string::npos);
    CHECK(run.err.find(" more than its 768 KiB: ") != std::string::npos);
}

TEST_CASE("Many steps with a growing cache are as exact as each of them") {
    const Json run = run_small({"--phase", "generate", "--prompt", "6", "--output-tokens", "40"});
    std::int64_t right = macs(6, 0);
    std::int64_t read = 6;
    for (std::int64_t context = 6; context < 6 + 39; ++context) {
        right += macs(1, context);
        read += context + 1;
    }
    CHECK(run["totals"]["macs"] == right);
    CHECK(run["totals"]["operations"]["mac"] == right);
    CHECK(dram_bytes(run, "state", "read") == read * 2 * 2 * 32);
    CHECK(dram_bytes(run, "state", "write") == (6 + 39) * 2 * 2 * 32);
    CHECK(run["totals"]["items"] == 40);
    CHECK(run["totals"]["first_token_s"].get<double>() > 0);
    CHECK(run["scenario"]["extrapolation"]["contexts"] == Json({6, 25, 44}));
    CHECK(run["scenario"]["extrapolation"]["error_percent"].get<double>() < 5);
    double energy = 0;
    for (const Json& layer : run["layers"]) {
        energy += layer["energy_j"].get<double>();
    }
    CHECK(energy == Approx(run["totals"]["energy_j"].get<double>()).epsilon(1e-9));
    CHECK(run_small({"--prompt", "6", "--output-tokens", "40"}) == run);  // the default phase
}

TEST_CASE("A prefill reads the prompts and says when the first token is there") {
    const Json run = run_small({"--phase", "prefill", "--prompt", "9", "--users", "2"});
    CHECK(run["totals"]["macs"] == 2 * macs(9, 0));
    CHECK(run["totals"]["item"] == "prompt_token");
    CHECK(run["totals"]["items"] == 18);
    CHECK(run["totals"]["first_token_s"] == run["totals"]["latency_s"]);
}

TEST_CASE("A prompt in chunks attends to the same pairs, and makes the scores of each chunk") {
    // 4, 4 and 2 of 10 tokens.
    const Json run = run_small({"--phase", "prefill", "--prompt", "10", "--chunk", "4"});
    CHECK(run["totals"]["macs"] == macs(10, 0) + 2 * 64 * 50);
    CHECK(run["totals"]["operations"]["mac"] == run["totals"]["macs"]);
    CHECK(dram_bytes(run, "state", "write") == 10 * 2 * 2 * 32);
    CHECK(run["totals"]["items"] == 10);
    CHECK(run["totals"]["first_token_s"] == run["totals"]["window_s"]);
    CHECK(run["scenario"]["chunk"] == 4);
    const Json whole = run_small({"--phase", "prefill", "--prompt", "10", "--chunk", "10"});
    CHECK(whole["totals"] == run_small({"--phase", "prefill", "--prompt", "10"})["totals"]);
}

TEST_CASE("Many chunks are as exact as each of them") {
    const Json run = run_small({"--phase", "prefill", "--prompt", "24", "--chunk", "2"});
    CHECK(run["totals"]["macs"] == macs(24, 0) + 11 * 64 * 50);
    CHECK(run["scenario"]["extrapolation"]["contexts"] == Json({0, 10, 20}));
    CHECK(run["scenario"]["extrapolation"]["error_percent"].get<double>() < 5);
}

TEST_CASE("A phase of language models is refused where any other network is shown") {
    for (const std::vector<std::string>& what :
         {std::vector<std::string>{"network", "lenet"},
          {"mapping", "--machine", "von_neumann", "--network", "lenet"}}) {
        std::vector<std::string> arguments = {"show", "--phase", "decode"};
        arguments.insert(arguments.end(), what.begin(), what.end());
        const ProgramRun run = run_memwall(arguments);
        CHECK(run.status == 2);
        CHECK(run.out.empty());
        CHECK(run.err ==
              "error: network 'lenet' has no phase decode: a language model keeps a cache and has "
              "the parameters 'positions' and 'context'\n");
    }
}

TEST_CASE("Scenarios that do not go with a language model or its phase are refused") {
    const auto fault = [](std::vector<std::string> more, const std::string& network = "") {
        const TemporaryFolder folder;
        write_small(folder.path());
        std::vector<std::string> arguments = {"run", "--machine", "von_neumann", "--network",
                                              network.empty() ? "./small.yaml" : network};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const ProgramRun run = run_memwall(arguments, folder.path());
        CHECK(run.status == 2);
        return run.err;
    };
    CHECK(fault({"--phase", "decode"}, "lenet").find("network 'lenet' has no phase decode") !=
          std::string::npos);
    CHECK(fault({"--set", "network.transforms=[{sequence_length: 4}]"}) ==
          "--set network.transforms=[{sequence_length: 4}]: error: network 'small': a phase says "
          "how many tokens there are, the transform "
          "sequence_length too; expected --prompt or --context instead of it\n");
    CHECK(
        fault({"--users", "2", "--phase", "stream"}).find("users does not go with phase stream") !=
        std::string::npos);
    CHECK(
        fault({"--phase", "decode", "--batch", "2"}).find("batch does not go with phase decode") !=
        std::string::npos);
    CHECK(fault({"--phase", "decode", "--chunk", "2"})
              .find("chunk does not go with phase decode; expected prefill or generate") !=
          std::string::npos);
    CHECK(fault({"--prompt", "6", "--chunk", "7"}).find("expected chunk from 1 to 6, found 7") !=
          std::string::npos);
    CHECK(fault({"--phase", "decode", "--context", "0"})
              .find("expected context from 1 to 1000000, found 0") != std::string::npos);
    CHECK(fault({"--phase", "decode", "--set", "machine.components.dram.capacity=4KiB"})
              .find("does not fit the dram") != std::string::npos);
    CHECK(
        fault({"--set", "network.parameters.hiden=4"}).find("parameter 'hiden' is used nowhere") !=
        std::string::npos);
}
