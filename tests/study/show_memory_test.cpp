// SPDX-License-Identifier: Apache-2.0
// What lies in the cores of a chip, as a user asks for it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

using Json = nlohmann::json;

ProgramRun show_memory(std::vector<std::string> more) {
    more.insert(more.begin(), {"show", "memory"});
    return run_memwall(more);
}

}  // namespace

TEST_CASE("show memory --core lists what docs/model.md says of a tiny convolution") {
    const ProgramRun run =
        show_memory({"--machine", "tiny_northpole", "--network", "tiny_conv", "--core", "1,0"});
    CHECK(run.status == 0);
    CHECK(run.out ==
          "tiny_conv on tiny_northpole: batch 1, 1 at a time; 4 cores of 4.00 KiB\n"
          "weights of a core: 36 B to 36 B; with all else it reaches 208 B to 208 B, most in core "
          "(0, 0)\n"
          "\n"
          "core (1, 0):\n"
          "\n"
          "address  bytes  what      of            from layer  to layer\n"
          "-------  -----  --------  ------------  ----------  --------\n"
          "      0     36  weights   conv.weights  (stays)\n"
          "     48     64  arrivals  image         conv        conv\n"
          "    112     64  arrivals  image         conv        conv\n"
          "    176     16  results   conv          conv        conv\n"
          "    192     16  results   conv          conv        conv\n");
}

TEST_CASE("show memory says the same as JSON, as CSV and layer by layer") {
    const std::vector<std::string> asked = {"--machine", "northpole",   "--network",
                                            "lenet",     "--precision", "int8"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), asked.begin(), asked.end());
        return show_memory(more).out;
    };
    const Json memory = Json::parse(with({"--json", "-", "--core", "0,0"}));
    CHECK(memory.at("capacity_bytes") == 768 * 1024);
    REQUIRE(memory.at("cores").size() == 256);
    std::int64_t weights = 0;
    for (const Json& core : memory.at("cores")) {
        weights += core.at("weights_bytes").get<std::int64_t>();
    }
    const Json network = Json::parse(
        run_memwall({"show", "network", "lenet", "--precision", "int8", "--json", "-"}).out);
    CHECK(weights == network.at("totals").at("weight_bytes").get<std::int64_t>());

    std::set<std::string> names;
    for (const Json& layer : memory.at("layers")) {
        names.insert(layer.at("name").get<std::string>());
        std::int64_t sum = 0;
        for (const char* key : {"weights_bytes", "state_bytes", "results_bytes", "arrivals_bytes",
                                "partial_sums_bytes", "instructions_bytes", "free_bytes"}) {
            sum += layer.at(key).get<std::int64_t>();
        }
        CHECK(sum == memory.at("capacity_bytes").get<std::int64_t>());
    }
    for (const Json& block : memory.at("core").at("blocks")) {
        CHECK(names.count(block.at("layer").get<std::string>()) == 1);
        CHECK(block.at("address").get<std::int64_t>() % 128 == 0);
    }
    const std::string csv = with({"--csv", "-"});
    CHECK(std::count(csv.begin(), csv.end(), '\n') ==
          static_cast<std::ptrdiff_t>(1 + 256 * names.size()));
    CHECK(with({}).find("lenet on northpole: batch 1, 1 at a time; 256 cores of 768 KiB\n") == 0);
}

TEST_CASE("show memory refuses what has no cores, and cores that are not there") {
    const auto error = [](const std::vector<std::string>& asked) {
        const ProgramRun run = show_memory(asked);
        CHECK(run.status == 2);
        CHECK(run.out.empty());
        return run.err;
    };
    const std::vector<std::string> tiny = {"--machine", "tiny_northpole", "--network", "tiny_conv",
                                           "--core"};
    for (const char* core : {"2,0", "0,2", "-1,0", "1", "a,b", "0,0,0"}) {
        INFO(core);
        std::vector<std::string> asked = tiny;
        asked.back() += std::string("=") + core;
        CHECK(error(asked) ==
              "error: --core: expected a column from 0 to 1 and a row from 0 to 1, such as 0,0; "
              "found '" +
                  std::string(core) + "'\n");
    }
    CHECK(error({"--machine", "von_neumann", "--network", "lenet"}) ==
          "error: show memory: machine 'von_neumann' has the mapper 'tiling'; only the mapper "
          "'spatial' places what lies in each core\n");
    CHECK(error({"--machine", "tiny_northpole"}) == "error: show memory: missing --network NAME\n");
    CHECK(run_memwall({"show", "networks", "--core", "0,0"}).err ==
          "error: show: --core is of show memory\n");
}

TEST_CASE("A core without room names the layer, what lies there, and the chips that would do") {
    const ProgramRun run =
        run_memwall({"run", "--machine", "tiny_northpole", "--network", "tiny_linear", "--set",
                     "machine.components.core_memory.capacity=512B", "--set",
                     "machine.components.core_memory.bank=512B"});
    CHECK(run.status == 2);
    CHECK(run.err ==
          "--set machine.components.core_memory.capacity=512B: error: network 'tiny_linear' does "
          "not fit machine 'tiny_northpole': layer 'linear' needs 600 B in core (0, 0), 88 B more "
          "than its 512 B: weights 512 B, activations 80 B, gaps 8 B; in all its weights take 2.00 "
          "KiB and its activations 320 B of 2.00 KiB; 2 chips would hold it\n");
    CHECK(run_memwall({"run", "--machine", "von_neumann", "--network", "lenet", "--set",
                       "machine.components.dma.program=2KiB"})
              .err ==
          "--set machine.components.dma.program=2KiB: error: 'program' needs 'mapper: "
          "spatial' in the machine\n");
}

TEST_CASE("show --stage shows what run laid out on the cards of a stage") {
    const TemporaryFolder folder;
    write_small_decoder(folder.path());
    const auto asked = [&](std::vector<std::string> words, const std::vector<std::string>& more) {
        words.insert(words.end(),
                     {"--machine", "northpole_rack", "--network", "./small.yaml", "--phase",
                      "decode", "--users", "6", "--context", "40", "--output-tokens", "2", "--set",
                      "machine.cards.overhead=0 us", "--engine", "analytic", "--effort", "quick"});
        words.insert(words.end(), more.begin(), more.end());
        return run_memwall(words, folder.path());
    };
    const Json run = Json::parse(asked({"run"}, {"--json", "-"}).out)["runs"][0];
    const Json& stages = run["totals"]["pipeline"]["stages"];
    REQUIRE(stages.size() > 1);
    std::map<std::string, std::string> mappings;  // of both tokens the same
    for (const Json& layer : run["layers"]) {
        mappings[layer["name"]] = layer["mapping"];
    }
    std::size_t layers = 0;
    double caches = 0;
    for (std::size_t s = 0; s < stages.size(); ++s) {
        const std::vector<std::string> of_stage = {"--stage", std::to_string(s + 1), "--json", "-"};
        const ProgramRun mapped = asked({"show", "mapping"}, of_stage);
        CHECK(mapped.err.find("note: of the 2 steps that were run, the one with the largest caches "
                              "is shown\n") != std::string::npos);
        const Json mapping = Json::parse(mapped.out);
        CHECK(mapping["stage"] ==
              Json{{"number", s + 1}, {"of", stages.size()}, {"cards", stages[s]["cards"]}});
        CHECK(mapping["layers"].front()["name"] == stages[s]["first"]);
        CHECK(mapping["layers"].back()["name"] == stages[s]["last"]);
        for (const Json& layer : mapping["layers"]) {
            ++layers;
            if (!layer["fused"].get<bool>()) {
                CHECK(layer["mapping"] == mappings.at(layer["name"]));
            }
        }
        // What the run says a card holds: what stays, and the most beside it.
        const Json memory = Json::parse(asked({"show", "memory"}, of_stage).out);
        double stays = 0;
        for (const Json& core : memory["cores"]) {
            stays += core["weights_bytes"].get<double>() + core["state_bytes"].get<double>();
            caches += core["state_bytes"].get<double>();
        }
        double most = 0;
        for (const Json& layer : memory["layers"]) {
            most = std::max(most, 256 * layer["mean_bytes"].get<double>() + 255);
        }
        const double held = stages[s]["held_bytes"].get<double>();
        CHECK(stays <= held);
        CHECK(held <= most);
        CHECK(held > 0.98 * most);
    }
    CHECK(layers + 1 == run["layers"].size());  // and (idle)
    // Keys and values: 3 layers, 6 users, 42 tokens with the last one's, 2 heads of 64 B.
    CHECK(caches == 3 * 6 * 42 * 2 * 2 * 64);
    const ProgramRun core = asked({"show", "memory"}, {"--stage", "1", "--core", "0,0"});
    CHECK(core.out.find("core (0, 0):\n") != std::string::npos);
    CHECK(core.out.find("stage 1 of " + std::to_string(stages.size()) + ", b1_norm1 to ") == 0);

    const std::string list = "; --stage N says which one to show\n";
    CHECK(asked({"show", "memory"}, {})
              .err.find("error: machine 'northpole_rack' has the network in " +
                        std::to_string(stages.size()) + " stages: 1") != std::string::npos);
    CHECK(asked({"show", "mapping"}, {}).err.find(list) != std::string::npos);
    for (const char* none : {"0", "17", "two"}) {
        CHECK(asked({"show", "mapping"}, {"--stage", none})
                  .err.find("error: --stage: expected a number from 1 to " +
                            std::to_string(stages.size()) + ", found '" + none +
                            "'; the stages are 1") != std::string::npos);
    }
    CHECK(run_memwall({"show", "memory", "--machine", "tiny_northpole", "--network", "tiny_conv",
                       "--stage", "1"})
              .err ==
          "error: --stage: expected a machine whose cards have stages of a network; "
          "'tiny_northpole' is none\n");
    CHECK(run_memwall({"show", "networks", "--stage", "1"}).err ==
          "error: show: --stage is of show mapping, show memory and show result FILE\n");
}
