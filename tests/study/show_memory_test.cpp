// SPDX-License-Identifier: Apache-2.0
// What lies in the cores of a chip, as a user asks for it.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/study/program.hpp"

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
    CHECK(run_memwall({"show", "memory", "--machine", "northpole_16", "--network", "llama2_7b"})
              .err.find("show takes one card of machine 'northpole_16', which has 16, and the "
                        "network does not fit one; `run` divides it") != std::string::npos);
}
