// SPDX-License-Identifier: Apache-2.0
// The verb `serve`, through the command line.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

ProgramRun memwall_with_small(std::vector<std::string> arguments, const std::string& machine,
                              const std::vector<std::string>& more, const std::string& trace = "") {
    const TemporaryFolder folder;
    write_small_decoder(folder.path());
    write_text(folder.path() / "trace.csv", trace);
    arguments.insert(arguments.end(), {"--machine", machine, "--network", "./small.yaml"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_memwall(arguments, folder.path());
}

Json served(const std::string& machine, std::vector<std::string> more,
            const std::string& trace = "") {
    more.insert(more.end(), {"--json", "-"});
    const ProgramRun run = memwall_with_small({"serve"}, machine, more, trace);
    INFO(run.err);
    REQUIRE(run.status == 0);
    return Json::parse(run.out);
}

Json step_of(const std::string& machine, const std::vector<std::string>& more) {
    std::vector<std::string> all = {"--engine", "analytic", "--json", "-"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramRun run = memwall_with_small({"run"}, machine, all);
    INFO(run.err);
    REQUIRE(run.status == 0);
    return Json::parse(run.out)["runs"][0]["totals"];
}

double at(const Json& json, const char* path) {
    return json.at(Json::json_pointer(path)).get<double>();
}

}  // namespace

TEST_CASE("Users who never wait have the times of the steps that `run` has") {
    // Requests far apart: each is alone on a machine that takes up to four.
    const Json alone = served(
        "von_neumann", {"--arrivals", "even", "--rate", "1", "--requests", "3", "--prompt", "64",
                        "--output-tokens", "2", "--users", "4", "--precision", "int8"});
    const Json decode = step_of("von_neumann", {"--phase", "decode", "--context", "64", "--users",
                                                "1", "--precision", "int8"});
    CHECK(at(alone, "/totals/token/p50_s") == Approx(at(decode, "/latency_s")).epsilon(1e-6));
    CHECK(at(alone, "/totals/waiting/max_s") == 0);
    CHECK(alone["totals"]["users"]["max"] == 1);
    CHECK(alone["places"] == 4);
    CHECK(alone["longest_context"] == 64);
    CHECK(at(alone, "/totals/request/p99_s") ==
          Approx(at(alone, "/totals/first_token/p99_s") + at(alone, "/totals/token/p99_s")));
}

TEST_CASE("Cards that are always full make the tokens of the pipeline that `run` composes") {
    // So many tokens that reading prompts is no matter; both divide the model for a context of 438.
    const Json full =
        served("northpole_16", {"--arrivals", "even", "--rate", "1e9", "--requests", "6",
                                "--prompt", "40", "--output-tokens", "400", "--users", "6"});
    const Json decode =
        step_of("northpole_16", {"--phase", "decode", "--context", "438", "--users", "6"});
    CHECK(at(full, "/totals/tokens_per_s") ==
          Approx(at(decode, "/throughput_per_s")).epsilon(0.02));
    CHECK(at(full, "/totals/users/full_share") > 0.95);
    CHECK(full["totals"]["power_scope"] == "16 cards only");
    CHECK(at(full, "/totals/power_w") == Approx(at(decode, "/power_w")).epsilon(0.02));
}

TEST_CASE("As many users get a place as memory holds, and no more are there than requests") {
    const std::vector<std::string> all_at_once = {
        "--arrivals",      "even", "--rate",   "1e9",
        "--requests",      "40",   "--prompt", "20",
        "--output-tokens", "1980", "--set",    "machine.components.core_memory.capacity=64KiB"};
    const Json full = served("northpole_16", all_at_once);
    const std::int64_t places = full["places"];
    CHECK(places > 1);
    CHECK(places < 40);
    CHECK(full["totals"]["users"]["max"] == places);
    std::vector<std::string> one_more = all_at_once;
    one_more.insert(one_more.end(), {"--users", std::to_string(places + 1)});
    const ProgramRun refused = memwall_with_small({"serve"}, "northpole_16", one_more);
    CHECK(refused.status == 2);
    CHECK(refused.err.find("does not fit") != std::string::npos);
}

TEST_CASE("A prompt that finds no room whole is served in chunks, and that is told") {
    const TemporaryFolder folder;
    write_network(folder.path(), "mini", "decoder",
                  "layers: 1, hidden: 64, heads: 4, kv_heads: 2, inner: 128, vocabulary: 64");
    const auto on_small_cards = [&](std::vector<std::string> words) {
        words.insert(words.end(), {"--machine", "northpole_16", "--network", "./mini.yaml",
                                   "--effort", "quick", "--prompt", "200", "--engine", "analytic"});
        for (const char* setting :
             {"cards.count=2", "components.core_memory.capacity=3KiB",
              "components.core_memory.bank=1KiB", "components.sequencer.program=128B"}) {
            words.insert(words.end(), {"--set", std::string("machine.") + setting});
        }
        return run_memwall(words, folder.path());
    };
    const std::vector<std::string> requests = {
        "serve", "--arrivals", "even", "--rate", "1e3", "--requests", "2", "--output-tokens", "3"};
    const ProgramRun told = on_small_cards(requests);
    INFO(told.err);
    REQUIRE(told.status == 0);
    CHECK(told.out.find(" tokens, since the longest does not fit whole; --chunk N takes others") !=
          std::string::npos);
    // As `run` has it, up to a layout for two tokens more: the turns of chunks, the last one's way.
    std::vector<std::string> alone = requests;
    alone.insert(alone.end(), {"--users", "1", "--chunk", "20", "--json", "-"});
    const Json chunked = Json::parse(on_small_cards(alone).out);
    CHECK(chunked["chunk"] == 20);
    const Json run = Json::parse(
        on_small_cards({"run", "--phase", "prefill", "--chunk", "20", "--json", "-"}).out);
    CHECK(at(chunked, "/totals/first_token/p50_s") ==
          Approx(at(run, "/runs/0/totals/first_token_s")).epsilon(0.03));
    const ProgramRun gpu = memwall_with_small(
        {"serve"}, "h100_sxm", {"--precision", "fp8", "--rate", "10", "--chunk", "50"});
    CHECK(gpu.status == 2);
    CHECK(gpu.err.find("--chunk is for pipelines of cards") != std::string::npos);
}

TEST_CASE("Cards are divided anew where a smaller part of a prompt finds no room") {
    // b1_q of another chunk than the largest needs 4.53 KiB in a core, as first divided.
    const Json served_in_chunks =
        served("northpole_16", {"--precision",     "int4",
                                "--effort",        "quick",
                                "--rate",          "10",
                                "--requests",      "4",
                                "--output-tokens", "4",
                                "--prompt",        "220",
                                "--users",         "1",
                                "--chunk",         "64",
                                "--set",           "machine.components.core_memory.capacity=4KiB",
                                "--set",           "machine.components.core_memory.bank=1KiB",
                                "--set",           "machine.components.sequencer.program=64B"});
    CHECK(served_in_chunks["chunk"] == 64);
}

TEST_CASE("Two instances serve a trace, and the table of requests has what became of each") {
    const std::string trace =
        "arrival_s,prompt_tokens,output_tokens\n0,30,4\n0,60,3\n0.5,10,1\n0.5,200,6\n";
    const std::vector<std::string> options = {"--arrivals", "trace.csv", "--instances", "2"};
    const Json both = served("von_neumann", options, trace);
    CHECK(both["arrivals"]["kind"] == "trace");
    CHECK(both["arrivals"]["requests"] == 4);
    CHECK(both["arrivals"]["output_tokens"] == 14);
    CHECK(both["longest_context"] == 204);
    CHECK(both["provenance"]["inputs"].back()["path"] == "trace.csv");

    std::vector<std::string> table = options;
    table.insert(table.end(), {"--csv", "-"});
    const std::string csv = memwall_with_small({"serve"}, "von_neumann", table, trace).out;
    CHECK(csv.find("arrival_s,prompt_tokens,output_tokens,instance,admitted_s,first_token_s,done_s"
                   "\n0,30,4,1,0,") == 0);
    CHECK(csv.find("\n0,60,3,2,0,") != std::string::npos);
    CHECK(csv == memwall_with_small({"serve"}, "von_neumann", table, trace).out);
    CHECK(served("von_neumann", options, trace) == both);
}

TEST_CASE("The energy of serving is standing power over time, and the work of its tokens") {
    const std::vector<std::string> slow = {"--arrivals", "even", "--rate",          "10",
                                           "--requests", "11",   "--prompt",        "64",
                                           "--users",    "4",    "--output-tokens", "2"};
    std::vector<std::string> slower = slow;
    slower[3] = "5";
    const Json ten = served("von_neumann", slow);
    const Json five = served("von_neumann", slower);
    CHECK(at(five, "/totals/work_energy_j") == at(ten, "/totals/work_energy_j"));
    CHECK(at(five, "/totals/standing_energy_j") / at(ten, "/totals/standing_energy_j") ==
          Approx(at(five, "/totals/span_s") / at(ten, "/totals/span_s")));
    CHECK(at(ten, "/totals/energy_per_token_j") * 22 ==
          Approx(at(ten, "/totals/work_energy_j") + at(ten, "/totals/standing_energy_j")));
}

TEST_CASE("What does not go with serving is refused with a sentence") {
    const auto error = [](const std::vector<std::string>& more, const std::string& trace = "") {
        const ProgramRun run = memwall_with_small({"serve"}, "von_neumann", more, trace);
        CHECK(run.status == 2);
        return run.err;
    };
    CHECK(error({}) ==
          "error: serve: missing --rate R, requests a second (or --arrivals FILE.csv)\n");
    CHECK(error({"--rate", "0"}) ==
          "error: --rate: expected requests a second above 0, found '0'\n");
    CHECK(error({"--arrivals", "poison", "--rate", "1"}) ==
          "error: --arrivals: expected poisson, even or a file FILE.csv, found 'poison'; did you "
          "mean 'poisson'?\n");
    CHECK(error({"--arrivals", "trace.csv", "--rate", "3", "--prompt", "4"}) ==
          "error: --rate does not go with --arrivals trace.csv, which says it of each request\n"
          "error: --prompt does not go with --arrivals trace.csv, which says it of each request\n");
    CHECK(error({"--arrivals", "trace.csv"}, "arrival_s,prompt_tokens,output_tokens\n1,2\n") ==
          "trace.csv:2:3: error: expected 3 cells, found 2\n");
    CHECK(error({"--arrivals", "trace.csv"},
                "arrival_s,prompt_tokens,output_tokens\n0,3,4\n1,900000,2\n") ==
          "trace.csv:3:1: error: network 'small' has no step of 900,000 tokens of a prompt: layer "
          "'b1_attention' is too large to be counted\n");
    CHECK(error({"--rate", "1", "--set", "phase=decode"}).find("a phase does not go with serve") !=
          std::string::npos);
    CHECK(error({"--rate", "1e-9"}).find("expected requests within 60 days") != std::string::npos);
    const ProgramRun frames =
        run_memwall({"serve", "--machine", "northpole", "--network", "lenet", "--rate", "1"});
    CHECK(frames.status == 2);
    CHECK(frames.err.find("network 'lenet' has no phase generate") != std::string::npos);
}

TEST_CASE("A prompt that no step can read is told before anything is run, as `run` tells it") {
    const std::vector<std::string> long_prompt = {"--prompt", "900000", "--output-tokens", "500"};
    std::vector<std::string> more = long_prompt;
    more.insert(more.end(), {"--rate", "1", "--requests", "2"});
    const ProgramRun served = memwall_with_small({"serve"}, "von_neumann", more);
    more = long_prompt;
    more.insert(more.end(), {"--phase", "generate", "--engine", "analytic"});
    const ProgramRun run = memwall_with_small({"run"}, "von_neumann", more);
    CHECK(served.status == 2);
    CHECK(served.err.find("error: layer 'b1_attention' is too large to be counted\n") !=
          std::string::npos);
    CHECK(run.status == 2);
    CHECK(run.err == served.err);
}

TEST_CASE("docs/serving.md explains every key of a serving result") {
    const std::string page = read_text(MEMWALL_SOURCE_DIR "/docs/serving.md");
    const Json result = served("von_neumann", {"--rate", "100", "--requests", "5"});
    const std::function<void(const Json&)> look = [&](const Json& json) {
        for (const auto& [key, value] : json.items()) {
            if (json.is_object()) {
                INFO(key);
                CHECK(page.find("`" + key + "`") != std::string::npos);
            }
            if (value.is_structured() && key != "provenance") {
                look(value);
            }
        }
    };
    look(result);
}
