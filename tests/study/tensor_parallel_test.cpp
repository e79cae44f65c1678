// SPDX-License-Identifier: Apache-2.0
// Networks over cards that have a part of each layer, through the command line.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

using Json = nlohmann::json;

ProgramRun run_small(const std::string& machine, const std::vector<std::string>& more) {
    const TemporaryFolder folder;
    write_network(folder.path(), "small", "decoder",
                  "layers: 2, hidden: 512, heads: 8, kv_heads: 2, inner: 1024, vocabulary: 1000");
    std::vector<std::string> arguments = {"run",          "--machine",   machine, "--network",
                                          "./small.yaml", "--precision", "fp8"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_memwall(arguments, folder.path());
}

Json small_result(const std::string& machine, std::vector<std::string> more) {
    more.insert(more.end(), {"--json", "-"});
    const ProgramRun run = run_small(machine, more);
    INFO(run.err);
    REQUIRE(run.status == 0);
    return Json::parse(run.out)["runs"][0];
}

double number(const Json& run, const char* key) {
    return run["totals"][key].get<double>();
}

const std::vector<std::string> kDecode = {"--phase",   "decode", "--users",  "4",
                                          "--context", "100",    "--engine", "analytic"};
const std::vector<std::string> kOffline = {"--phase",  "offline", "--users",         "12",
                                           "--prompt", "40",      "--output-tokens", "5",
                                           "--engine", "analytic"};

/// Two blocks for cards of 6 MiB, beside programs: their feed-forward networks, or mixtures, have
/// matrices of 18 MiB in all, of which none fits a card.
Json run_shared(const std::string& network, const std::vector<std::string>& more) {
    const TemporaryFolder folder;
    const std::string alike = "layers: 2, hidden: 256, heads: 4, kv_heads: 2, vocabulary: 800, ";
    write_network(folder.path(), "wide", "decoder", alike + "inner: 24576");
    write_network(folder.path(), "mixture", "moe_decoder", alike + "experts: 8, inner: 3072");
    std::vector<std::string> arguments = {"run",
                                          "--network",
                                          "./" + network,
                                          "--phase",
                                          "decode",
                                          "--users",
                                          "4",
                                          "--context",
                                          "40",
                                          "--set",
                                          "machine.components.core_memory.capacity=32KiB",
                                          "--json",
                                          "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramRun run = run_memwall(arguments, folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    return Json::parse(run.out)["runs"][0];
}

/// Bytes of sums over the cards' links to the host, of all cards.
double sums_over(const Json& run, const std::string& tensor) {
    for (const Json& component : run["components"]) {
        for (const Json& action : component["actions"]) {
            if (component["name"] == "host" && action["precision"] == "int32" &&
                action["tensor"] == tensor) {
                return action["count"].get<double>();
            }
        }
    }
    return 0;
}

}  // namespace

TEST_CASE("Two cards compute what one does, and send each other what it takes") {
    const Json one = small_result("h100_sxm", kDecode);
    const Json two = small_result("h100_sxm_2", kDecode);
    CHECK(two["totals"]["macs"] == one["totals"]["macs"]);
    const Json& shared = two["totals"]["tensor_parallel"];
    CHECK(shared["cards"] == 2);
    CHECK(shared["undivided_layers"].empty());
    CHECK(one["totals"]["tensor_parallel"].is_null());
    // Of 4 users: four sums of 512 in bf16; a table row of 512 and results of 1,000 in fp8, of
    // which each card sends its half.
    const int sums = 4 * 2 * (4 * 512 * 2);
    const int gathered = 4 * 512 + 4 * 1000;
    CHECK(shared["sent_bytes"] == sums + gathered);
    CHECK(shared["collectives_s"].get<double>() > 4 * 2 * 3.4e-6);
    CHECK(shared["collectives_s"].get<double>() < number(two, "window_s"));
    CHECK(two["totals"]["power_scope"] == "2 cards");
    double energy = 0;
    for (const Json& layer : two["layers"]) {
        energy += layer["energy_j"].get<double>();
    }
    CHECK(energy == Approx(number(two, "energy_j")));
    for (const Json& component : two["components"]) {
        if (component["name"] == "nvlink") {
            CHECK(component["instances"] == 2);
            CHECK(component["energy_j"].get<double>() == Approx((sums + gathered) * 52e-12));
        }
    }
}

TEST_CASE("The replay of cards that exchange results agrees with the estimate") {
    const std::vector<std::string> replay(kDecode.begin(), kDecode.end() - 2);
    const Json quick = small_result("h100_sxm_2", kDecode);
    const Json slow = small_result("h100_sxm_2", replay);
    CHECK(slow["totals"]["operations"] == quick["totals"]["operations"]);
    CHECK(slow["totals"]["tensor_parallel"]["sent_bytes"] ==
          quick["totals"]["tensor_parallel"]["sent_bytes"]);
    CHECK(number(slow, "window_s") >= number(quick, "window_s"));
    CHECK(number(slow, "window_s") < 1.1 * number(quick, "window_s"));
}

TEST_CASE("Offline, users take turns: prompts and steps add up to the time of all tokens") {
    const Json run = small_result("h100_sxm_2", kOffline);
    // 12 users, 5 tokens each: two prompts are read at once (12 / 5, rounded), in six passes, while
    // the steps are four at 40 to 43 tokens of context, 41 on average.
    const Json prefill = small_result("h100_sxm_2", {"--phase", "prefill", "--users", "2",
                                                     "--prompt", "40", "--engine", "analytic"});
    const Json step = small_result("h100_sxm_2", {"--phase", "decode", "--users", "12", "--context",
                                                  "41", "--engine", "analytic"});
    CHECK(number(run, "items") == 2 * 12 * 5);
    CHECK(run["totals"]["macs"] == 12 * prefill["totals"]["macs"].get<std::int64_t>() +
                                       2 * 4 * step["totals"]["macs"].get<std::int64_t>());
    // A pass after others is no slower than one from a standing start.
    const double seconds = 12 * number(prefill, "window_s") + 8 * number(step, "window_s");
    CHECK(number(run, "window_s") == Approx(seconds).epsilon(0.02));
    CHECK(number(run, "throughput_per_s") == Approx(120 / number(run, "window_s")));
    CHECK(number(run, "latency_s") == Approx(12 / number(run, "throughput_per_s")));
    CHECK(run["scenario"]["phase"] == "offline");
    CHECK(run["scenario"]["users"] == 12);
    CHECK(run["totals"]["first_token_s"].get<double>() > 0);
}

TEST_CASE("What cards exchange is told, and told again from a file") {
    const TemporaryFolder folder;
    const std::string file = (folder.path() / "result.json").string();
    std::vector<std::string> more = kOffline;
    more.insert(more.end(), {"--json", file});
    const ProgramRun run = run_small("h100_sxm_2", more);
    INFO(run.err);
    REQUIRE(run.status == 0);
    const ProgramRun shown = run_memwall({"show", "result", file});
    INFO(shown.err);
    REQUIRE(shown.status == 0);
    for (const char* part : {"offline: 12 users, prompt of 40 tokens, 5 output tokens",
                             "note: 2 cards have a part of every layer each, of which one was run",
                             "they have room for"}) {
        INFO(part);
        CHECK(shown.out.find(part) != std::string::npos);
    }
    const ProgramRun mapping =
        run_memwall({"show", "mapping", "--machine", "h100_sxm_2", "--network", "lenet"});
    CHECK(mapping.out.find(".all_gather") != std::string::npos);
    const ProgramRun machine = run_memwall({"show", "machine", "h100_sxm_2"});
    CHECK(machine.out.find("exchange results by rings over nvlink") != std::string::npos);
}

TEST_CASE("What does not fit the cards says what each would hold, and what would fit") {
    const std::vector<std::string> small = {"--set", "machine.components.dram.capacity=8 MB"};
    std::vector<std::string> users = kDecode;
    users.insert(users.end(), small.begin(), small.end());
    users[3] = "2000";
    const ProgramRun run = run_small("h100_sxm_2", users);
    CHECK(run.status == 2);
    INFO(run.err);
    CHECK(run.err.find("does not fit 2 cards of machine 'h100_sxm_2': each has ") !=
          std::string::npos);
    CHECK(run.err.find(" users would fit") != std::string::npos);
    std::vector<std::string> tiny = kDecode;
    tiny.insert(tiny.end(), {"--set", "machine.components.dram.capacity=2 MB"});
    const ProgramRun weights = run_small("h100_sxm_2", tiny);
    CHECK(weights.status == 2);
    INFO(weights.err);
    CHECK(weights.err.find(" cards would hold it") != std::string::npos);
}

TEST_CASE("Cards that divide nothing are refused with what would, and a note tells of parts") {
    // 8 heads, 2 of keys and values; outputs of 512, 1,024 and 1,000.
    std::vector<std::string> three = kDecode;
    three.insert(three.end(), {"--set", "machine.cards.count=3"});
    const ProgramRun run = run_small("h100_sxm_2", three);
    CHECK(run.status == 2);
    INFO(run.err);
    CHECK(run.err.find(": error: 3 cards of machine 'h100_sxm_2' divide no layer of network "
                       "'small': neither its heads (8, 2) nor its output features (1,024, 1,000, "
                       "512); expected 1, 2, 4, 8\n") != std::string::npos);
    std::vector<std::string> five = kDecode;
    five.insert(five.end(), {"--set", "machine.cards.count=5"});
    const ProgramRun part = run_small("h100_sxm_2", five);  // the output layer and the table
    CHECK(part.status == 0);
    CHECK(part.out.find("; each does all of b1_q and ") != std::string::npos);
}

TEST_CASE("More cards than key-value heads hold as many users, and say what several do") {
    std::int64_t before = 0;
    for (const char* count : {"1", "2", "4", "8"}) {
        std::vector<std::string> more = kDecode;
        more.insert(more.end(), {"--set", std::string("machine.cards.count=") + count});
        const Json shared = small_result("h100_sxm_2", more)["totals"]["tensor_parallel"];
        INFO(count);
        CHECK(shared["undivided_layers"].empty());
        const std::size_t copied = std::string(count) == "1" || std::string(count) == "2" ? 0 : 4;
        CHECK(shared["copied_layers"].size() == copied);  // keys and values of two blocks
        // A head each on 2, 4 and 8 cards; what is exchanged takes room too.
        CHECK(10 * shared["most_users"].get<std::int64_t>() > 9 * before);
        before = shared["most_users"].get<std::int64_t>();
    }
}

TEST_CASE("A row of validation may be the throughput of one of several cards") {
    const TemporaryFolder folder;
    const auto row = [](const std::string& metric) {
        return "  - {id: " + metric +
               ", machine: h100_sxm_2, workload: {network: lenet, phase: offline, batch: 64, "
               "rounds: 2, engine: analytic}, metric: " +
               metric +
               ", unit: frames/s, published: 1, source: \"made up\", band: {percent: 5}, counted: "
               "false}\n";
    };
    write_text(folder.path() / "rows.yaml", "memwall: 1\nvalidation: rows\nrows:\n" +
                                                row("throughput") + row("throughput_per_card"));
    const ProgramRun run = run_memwall({"validate", "./rows.yaml", "--json", "-"}, folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    const Json json = Json::parse(run.out);
    CHECK(json["rows"][0]["predicted"].get<double>() ==
          Approx(2 * json["rows"][1]["predicted"].get<double>()));
}

TEST_CASE("Cards that share layers need a link, and GPUs") {
    const auto error = [](const std::string& set) {
        return run_small("h100_sxm_2", {"--set", set}).err;
    };
    CHECK(error("machine.cards.link=nvlnk").find("did you mean 'nvlink'?") != std::string::npos);
    CHECK(error("machine.cards.collective=tree").find("expected ring") != std::string::npos);
    CHECK(error("machine.cards.parallel=tensr").find("'tensor'") != std::string::npos);
    CHECK(run_memwall({"run", "--machine", "northpole", "--network", "lenet", "--set",
                       "machine.cards={count: 2, parallel: tensor, link: host, collective: ring}"})
              .err.find("only machines of the mapper 'wave'") != std::string::npos);
    CHECK(run_small("h100_sxm_2", {"--phase", "training_step"})
              .err.find("over which training is not modelled") != std::string::npos);
}

TEST_CASE("Blocks that no card of a pipeline holds are shared by the fewest that do") {
    const Json run = run_shared("wide.yaml", {"--machine", "northpole_16"});
    const std::int64_t block = 2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 24576 + 2 * 256 * 41;
    CHECK(run["totals"]["macs"] == 4 * (2 * block + 256 * 800));
    const Json& pipeline = run["totals"]["pipeline"];
    const Json& stages = pipeline["stages"];
    REQUIRE(stages.size() == 5);
    // A third of a feed-forward network is all of 6 MiB, so four cards share it.
    double trip = 0;
    for (std::size_t s = 0; s < 5; ++s) {
        const bool shared = s == 1 || s == 3;
        CHECK(stages[s].contains("exchange") == shared);
        CHECK((shared ? stages[s]["cards"] == 4 : s == 4 || stages[s]["cards"] == 1));
        trip += stages[s]["latency_s"].get<double>() + 25.89e-6;
    }
    CHECK(pipeline["round_trip_s"].get<double>() == Approx(trip));
    // Sums of 256 features in 4 B, of 4 users. Three of those come into a card at 15.75 GB/s; both
    // ends of the link take 1 us, and the host gives its commands once more.
    const Json& exchange = stages[1]["exchange"];
    const double way = 3 * 1024 / 15.75e9 + 2e-6 + 25.89e-6;
    CHECK(exchange["all_reduces"] == 1);
    CHECK(exchange["way_s"].get<double>() == Approx(way));
    CHECK(exchange["sent_bytes"] == 4 * 4 * 1024);
    CHECK(sums_over(run, "outputs") == 2 * 4 * 4 * 1024);
    CHECK(sums_over(run, "inputs") == 2 * 4 * 4 * 3 * 1024);
    CHECK(stages[1]["latency_s"].get<double>() > way);
    CHECK(stages[1]["interval_s"].get<double>() > 25.89e-6);
    CHECK(stages[1]["interval_s"].get<double>() < 28e-6);
    const Json replay =
        run_shared("wide.yaml", {"--machine", "northpole_16", "--engine", "systemc"});
    CHECK(number(replay, "window_s") == Approx(number(run, "window_s")));
}

TEST_CASE("Cards that share a block from server to server add up over their link") {
    const auto stage_of = [](const std::string& in_server) {
        return run_shared(
            "wide.yaml", {"--machine", "northpole_rack", "--set", "machine.cards.count=16", "--set",
                          "machine.cards.instances=1", "--set",
                          "machine.server.cards=" + in_server})["totals"]["pipeline"]["stages"][1];
    };
    const Json one = stage_of("16");
    const Json two = stage_of("4");  // the second to the fifth card
    const double longer = 2.7e-6 + 3 * 1024 / 25e9;
    CHECK(two["exchange"]["way_s"].get<double>() ==
          Approx(one["exchange"]["way_s"].get<double>() + longer));
    CHECK(two["latency_s"].get<double>() == Approx(one["latency_s"].get<double>() + longer));
}

TEST_CASE("Cards of a pipeline share a mixture of experts that none holds") {
    const Json run = run_shared("mixture.yaml", {"--machine", "northpole_16"});
    const std::int64_t router = 256 * 8;
    const std::int64_t block =
        2 * 256 * 256 + 2 * 256 * 128 + 2 * 256 * 41 + 2 * 3 * 256 * 3072 + 4 * router;
    CHECK(run["totals"]["macs"] == 4 * (2 * block + 256 * 800));  // the router on each of 4 cards
    const Json& stage = run["totals"]["pipeline"]["stages"][1];
    CHECK(stage["cards"] == 4);
    CHECK(stage["exchange"]["sent_bytes"] == 4 * 4 * 2 * 1024);  // of both experts
}
