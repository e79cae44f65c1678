// SPDX-License-Identifier: Apache-2.0
// Language models over the cards of a machine, through the command line.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

using Json = nlohmann::json;

ProgramRun run_on_cards(const std::vector<std::string>& more,
                        const std::string& machine = "northpole_16") {
    const TemporaryFolder folder;
    write_small_decoder(folder.path());
    std::vector<std::string> arguments = {"run", "--machine", machine, "--network", "./small.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_memwall(arguments, folder.path());
}

Json result_on_cards(std::vector<std::string> more, const std::string& machine = "northpole_16") {
    more.insert(more.end(), {"--json", "-"});
    const ProgramRun run = run_on_cards(more, machine);
    INFO(run.err);
    REQUIRE(run.status == 0);
    return Json::parse(run.out)["runs"][0];
}

const std::vector<std::string> kDecode = {"--phase", "decode", "--users", "6", "--context", "40"};

std::vector<std::string> decode_with(const std::vector<std::string>& more) {
    std::vector<std::string> all = kDecode;
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

}  // namespace

TEST_CASE("A pipeline of cards is as fast as its round trip or its slowest stage") {
    using Times = std::pair<const char*, const char*>;
    for (const auto& [hop, overhead] :
         {Times{"0 us", "0 us"}, {"20 us", "0 us"}, {"0 us", "30 us"}, {"40 us", "2 us"}}) {
        const Json run = result_on_cards(
            decode_with({"--engine", "analytic", "--set", std::string("machine.cards.hop=") + hop,
                         "--set", std::string("machine.cards.overhead=") + overhead}));
        const Json& pipeline = run["totals"]["pipeline"];
        double slowest = 0;
        double trip = 0;
        for (const Json& stage : pipeline["stages"]) {
            slowest = std::max(slowest, stage["interval_s"].get<double>());
            double parts = 0;
            for (const Json& part : stage["split"]) {
                CHECK(part.get<double>() >= -1e-15);
                parts += part.get<double>();
            }
            CHECK(parts == Approx(stage["interval_s"].get<double>()));
            trip += stage["latency_s"].get<double>() + pipeline["hop_s"].get<double>() +
                    pipeline["overhead_s"].get<double>();
        }
        const double turn = slowest + pipeline["overhead_s"].get<double>();
        CHECK(pipeline["round_trip_s"].get<double>() == Approx(trip));
        CHECK(run["totals"]["window_s"].get<double>() == Approx(std::max(trip, 6 * turn)));
        CHECK((pipeline["limit"] == "round_trip") == (trip >= 6 * turn));
        CHECK(run["totals"]["throughput_per_s"].get<double>() *
                  run["totals"]["latency_s"].get<double>() ==
              Approx(6));
        CHECK(run["totals"]["power_w"].get<double>() ==
              Approx(pipeline["static_power_w"].get<double>() +
                     pipeline["dynamic_power_w"].get<double>()));
    }
}

TEST_CASE("A pipeline over servers passes their link, which takes time and energy") {
    const auto over_servers = [](const std::vector<std::string>& settings) {
        std::vector<std::string> more = {"--phase",   "decode", "--users",  "60",
                                         "--context", "40",     "--engine", "analytic"};
        for (const std::string& setting : settings) {
            more.insert(more.end(), {"--set", "machine." + setting});
        }
        return result_on_cards(more, "northpole_rack");
    };
    const std::string no_hop = "cards.overhead=0 us";
    const Json one = over_servers({no_hop, "cards.instances=18"});
    const Json many = over_servers({no_hop, "cards.instances=18", "server.cards=1"});
    const auto link_of = [](const Json& run) {
        for (const Json& component : run["components"]) {
            if (component["name"] == "ethernet") {
                return component;
            }
        }
        return Json();
    };
    const Json& stages = many["totals"]["pipeline"]["stages"];
    REQUIRE(stages.size() > 1);
    // A token is a vector of 256 B: 10.24 ns at 25 GB/s, and 2.7 us until it is there.
    double trip = 0;
    for (const Json& stage : stages) {
        CHECK(stage["between_servers_s"].get<double>() == Approx(2.7e-6 + 256 / 25e9));
        trip += stage["latency_s"].get<double>() + stage["between_servers_s"].get<double>();
    }
    CHECK(many["totals"]["pipeline"]["round_trip_s"].get<double>() == Approx(trip));
    // 18 instances of 60 users, 208 pJ a byte.
    const double bytes = 18.0 * 60 * 256 * static_cast<double>(stages.size());
    CHECK(link_of(many)["energy_j"].get<double>() == Approx(bytes * 208e-12));
    CHECK(link_of(many)["instances"] == 288);
    CHECK(link_of(one)["energy_j"] == 0);
    CHECK(link_of(one)["instances"] == 18);
    for (const Json& stage : one["totals"]["pipeline"]["stages"]) {
        CHECK(!stage.contains("between_servers_s"));
    }
    // Where the link takes longer for a vector than any stage, it is the limit.
    const Json slow = over_servers(
        {no_hop, "cards.instances=18", "server.cards=1", "components.ethernet.bandwidth=1 MB/s"});
    CHECK(slow["totals"]["pipeline"]["limit"] == "stage");
    CHECK(slow["totals"]["pipeline"]["slowest_stage_s"].get<double>() == Approx(256e-6));
    CHECK(slow["totals"]["window_s"].get<double>() == Approx(60 * 256e-6));
}

TEST_CASE("Cards that caches fill are as fast as cards with room") {
    // 160 users of 512 tokens take 186 of 192 MiB of 14 cards. Caches lie in all cores alike, so
    // that weights stay where they are used.
    const auto tokens_per_second = [](const char* users) {
        const ProgramRun run =
            run_memwall({"run", "--machine", "northpole_16", "--network", "granite_3b",
                         "--precision", "int4", "--phase", "decode", "--engine", "analytic",
                         "--effort", "quick", "--context", "512", "--users", users, "--json", "-"});
        REQUIRE(run.status == 0);
        return Json::parse(run.out)["runs"][0]["totals"]["throughput_per_s"].get<double>();
    };
    CHECK(tokens_per_second("160") > 0.99 * tokens_per_second("42"));
}

TEST_CASE("Late steps of a model's phases are those of its layers, and the report says so") {
    const TemporaryFolder folder;
    const ProgramRun run = run_memwall({"run",
                                        "--machine",
                                        "northpole_16",
                                        "--network",
                                        "granite_moe_1b",
                                        "--precision",
                                        "int4",
                                        "--phase",
                                        "generate",
                                        "--prompt",
                                        "128",
                                        "--output-tokens",
                                        "2",
                                        "--users",
                                        "2",
                                        "--engine",
                                        "analytic",
                                        "--effort",
                                        "quick",
                                        "--json",
                                        "result.json"},
                                       folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    const Json result = Json::parse(read_text(folder.path() / "result.json"))["runs"][0];
    std::int64_t late = 0;
    std::set<std::string> names;
    for (const Json& layer : result["layers"]) {
        names.insert(layer["name"].get<std::string>());
        late += layer["stalls"].get<std::int64_t>();
        std::int64_t explained = 0;
        for (const Json& steps : layer["late"]) {
            explained += steps["steps"].get<std::int64_t>();
        }
        CHECK(explained == layer["stalls"]);
    }
    for (const Json& layer : result["layers"]) {
        for (const Json& steps : layer["late"]) {
            CHECK((steps["of_layer"].is_null() || names.count(steps["of_layer"]) == 1));
        }
    }
    CHECK(result["totals"]["stalls"] == late);
    CHECK(late > 0);
    CHECK(run.out.find(" began late, by ") != std::string::npos);
}

TEST_CASE("Every layer of a model is on one card or in equal parts on several") {
    const Json run =
        result_on_cards({"--phase", "decode", "--users", "60", "--context", "40", "--engine",
                         "analytic", "--set", "machine.cards.overhead=0 us"});
    const std::int64_t block = 256 * 256 * 2 + 2 * 256 * 128 + 3 * 256 * 512 + 2 * 256 * 41;
    CHECK(run["totals"]["macs"] == 60 * (3 * block + 256 * 800));
    CHECK(run["totals"]["operations"]["mac"] == run["totals"]["macs"]);
    double energy = 0;
    std::int64_t macs = 0;
    for (const Json& layer : run["layers"]) {
        energy += layer["energy_j"].get<double>();
        macs += layer["macs"].get<std::int64_t>();
        CHECK(layer["name"] != "embedding");  // the host looks it up
    }
    CHECK(energy == Approx(run["totals"]["energy_j"].get<double>()).epsilon(1e-9));
    CHECK(macs == run["totals"]["macs"]);
    CHECK(run["scenario"]["composed_cards"]["error_percent"].get<double>() < 0.5);
    CHECK(run["scenario"]["composed_cards"]["run"] < run["scenario"]["composed_cards"]["cards"]);
}

TEST_CASE("A pipeline is shown again from its file") {
    const TemporaryFolder folder;
    std::vector<std::string> more = decode_with({"--engine", "analytic", "--json"});
    more.push_back((folder.path() / "run.json").string());
    more.insert(more.end(), {"--set", "machine.cards.overhead=0 us", "--set",
                             "machine.cards.hop=54 us", "--set", "network.parameters.inner=24576",
                             "--set", "machine.components.core_memory.capacity=32KiB"});
    const ProgramRun run = run_on_cards(more);
    REQUIRE(run.status == 0);
    const ProgramRun shown = run_memwall({"show", "result", "run.json"}, folder.path());
    REQUIRE(shown.status == 0);
    for (const char* line :
         {"most users", "round trip of a token limits", "3 stages have cards that share matrices",
          "leakage and clock trees", "cards were run; the others do the same"}) {
        INFO(line);
        CHECK(run.out.find(line) != std::string::npos);
        CHECK(shown.out.find(line) != std::string::npos);
    }
}

TEST_CASE("Both engines find the same pipeline where nothing is contended") {
    const std::vector<std::string> times = {"--set", "machine.cards.overhead=0 us", "--set",
                                            "machine.cards.hop=54 us"};
    std::vector<std::string> more = times;
    more.insert(more.end(), {"--engine", "analytic"});
    const Json analytic = result_on_cards(decode_with(more));
    const Json replayed = result_on_cards(decode_with(times));
    CHECK(analytic["totals"]["operations"] == replayed["totals"]["operations"]);
    CHECK(replayed["totals"]["window_s"].get<double>() >=
          analytic["totals"]["window_s"].get<double>() * (1 - 1e-9));
    CHECK(replayed["totals"]["stalls"] == 0);
}

TEST_CASE("More users are never slower, and each of them waits no less") {
    double throughput = 0;
    double latency = 0;
    for (const char* users : {"1", "2", "6", "12"}) {
        const Json run = result_on_cards(
            {"--phase", "decode", "--users", users, "--context", "40", "--engine", "analytic"});
        CHECK(run["totals"]["throughput_per_s"].get<double>() >= throughput * (1 - 1e-9));
        CHECK(run["totals"]["latency_s"].get<double>() >= latency * (1 - 1e-9));
        throughput = run["totals"]["throughput_per_s"];
        latency = run["totals"]["latency_s"];
    }
}

TEST_CASE("A prompt goes through the cards once, then tokens go round") {
    const Json run = result_on_cards({"--phase", "generate", "--users", "2", "--prompt", "12",
                                      "--output-tokens", "8", "--engine", "analytic"});
    CHECK(run["totals"]["first_token_s"].get<double>() > 0);
    CHECK(run["totals"]["items"] == 16);
    CHECK(run["scenario"]["extrapolation"]["error_percent"].get<double>() < 5);
}

TEST_CASE("Frames of a network that does not fit a chip stream through cards") {
    const auto run = [](const std::string& machine, const std::vector<std::string>& more) {
        std::vector<std::string> arguments = {"run",
                                              "--machine",
                                              machine,
                                              "--network",
                                              "bert_large",
                                              "--set",
                                              "network.parameters.layers=2",
                                              "--engine",
                                              "analytic",
                                              "--json",
                                              "-"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const ProgramRun found = run_memwall(arguments, "/");
        INFO(found.err);
        REQUIRE(found.status == 0);
        return Json::parse(found.out)["runs"][0]["totals"];
    };
    const Json chip = run("northpole", {});
    const std::vector<std::string> two = {"--set", "machine.cards.count=2", "--set",
                                          "machine.cards.overhead=0 us"};
    const Json cards = run("northpole_16", two);
    CHECK(cards["pipeline"]["stages"].size() == 2);
    CHECK(cards["pipeline"]["limit"] == "stage");
    CHECK(cards["macs"].get<std::int64_t>() * 4 == chip["macs"].get<std::int64_t>());  // a frame
    CHECK(cards["throughput_per_s"].get<double>() > chip["throughput_per_s"].get<double>() * 1.5);
    CHECK(cards["throughput_per_s"].get<double>() *
              cards["pipeline"]["slowest_stage_s"].get<double>() ==
          Approx(1));
    std::vector<std::string> alone = two;
    alone.insert(alone.end(), {"--phase", "single"});
    const Json one = run("northpole_16", alone);
    CHECK(one["latency_s"] == one["window_s"]);
    CHECK(one["latency_s"].get<double>() <= cards["latency_s"].get<double>() * (1 + 1e-9));
}

TEST_CASE("Outputs are divided over as many cards as do equal parts of them") {
    const ProgramRun found =
        run_memwall({"run", "--machine", "northpole_16", "--network", "lenet", "--precision",
                     "int4", "--engine", "analytic", "--json", "-"});
    INFO(found.err);
    REQUIRE(found.status == 0);
    const Json totals = Json::parse(found.out)["runs"][0]["totals"];
    CHECK(totals["macs"] == 416520);
    for (const Json& stage : totals["pipeline"]["stages"]) {
        CHECK(10 % stage["cards"].get<int>() == 0);  // outputs of the last layer
    }
}

TEST_CASE("The twin's cards do the same arithmetic, and have caches and weights in their DRAM") {
    const auto run = [](const std::string& machine, const char* engine) {
        return result_on_cards(
            {"--phase", "decode", "--users", "8", "--context", "40", "--engine", engine}, machine);
    };
    const Json chips = run("northpole_16", "analytic");
    for (const char* engine : {"analytic", "systemc"}) {
        const Json twins = run("von_neumann_16", engine);
        CHECK(twins["totals"]["macs"] == chips["totals"]["macs"]);
        CHECK(twins["totals"]["operations"]["mac"] == twins["totals"]["macs"]);
        CHECK(twins["totals"]["items"] == 8);
        CHECK(twins["totals"]["with_servers"]["host_w"] == 737);
        std::int64_t cached = 0;
        for (const Json& layer : twins["layers"]) {
            const Json& traffic = layer["traffic_bytes"];
            if (traffic.contains("dram") && traffic["dram"].contains("state")) {
                cached += traffic["dram"]["state"]["read"].get<std::int64_t>();
            }
        }
        CHECK(cached == 8 * 3 * 2 * 128 * 41);  // users, blocks, keys and values, words, tokens
    }
}

TEST_CASE("Users who are no whole number of groups go in equal ones, the last perhaps not full") {
    const auto decode = [](const char* users, const char* together) {
        return result_on_cards(
            {"--phase", "decode", "--context", "40", "--engine", "analytic", "--users", users,
             "--set", std::string("machine.cards.together=") + together},
            "von_neumann_16")["totals"];
    };
    const Json six = decode("6", "4");
    CHECK(six["items_together"] == 3);
    CHECK(six["items"] == 6);
    CHECK(six["throughput_per_s"] == decode("6", "3")["throughput_per_s"]);
    CHECK(decode("1", "4")["items_together"] == 1);
    // Seven in two groups take what eight take, and make a token less.
    const Json seven = decode("7", "4");
    const Json eight = decode("8", "4");
    CHECK(seven["items_together"] == 4);
    CHECK(seven["items"] == 7);
    CHECK(seven["window_s"] == eight["window_s"]);
    CHECK(seven["energy_j"] == eight["energy_j"]);
    CHECK(seven["energy_per_item_j"].get<double>() ==
          Approx(eight["energy_per_item_j"].get<double>() * 8 / 7));
}

TEST_CASE("Where weights stay in a card's buffer, its stages are weighed so") {
    const auto stages = [](const char* buffer) {
        const ProgramRun run =
            run_memwall({"run", "--machine", "von_neumann_16", "--network", "granite_3b",
                         "--precision", "int4", "--phase", "decode", "--users", "28", "--context",
                         "2048", "--engine", "analytic", "--json", "-", "--set",
                         "machine.components.global_buffer.capacity=" + std::string(buffer)});
        INFO(run.err);
        REQUIRE(run.status == 0);
        return Json::parse(run.out)["runs"][0]["totals"]["pipeline"]["stages"].size();
    };
    CHECK(stages("32MiB") < 15);    // few stages with little way: each reads its weights anyway
    CHECK(stages("128MiB") == 15);  // 104 MiB of a block stay
}

TEST_CASE("Where a part does not fit once it is mapped, the cards are divided otherwise") {
    // The sum of its bytes fits fewer cards, but not what is in each core.
    const std::vector<std::string> tight = {"--set", "machine.components.core_memory.capacity=4KiB",
                                            "--set", "machine.components.core_memory.bank=1KiB",
                                            "--set", "machine.components.sequencer.program=64 B"};
    const auto prefill = [&](const char* tokens) {
        std::vector<std::string> more = {"--phase", "prefill",  "--prompt",
                                         tokens,    "--engine", "analytic"};
        more.insert(more.end(), tight.begin(), tight.end());
        return run_on_cards(more);
    };
    const ProgramRun fits = prefill("24");
    INFO(fits.err);
    CHECK(fits.status == 0);
    const ProgramRun none = prefill("96");
    CHECK(none.status == 2);
    CHECK(none.err.find(" more than its 4.00 KiB: ") != std::string::npos);
}

TEST_CASE("As many users as are told to fit do, and not one more") {
    const auto decode = [](std::int64_t users) {
        return run_on_cards({"--phase", "decode", "--users", std::to_string(users), "--context",
                             "40", "--engine", "analytic", "--json", "-", "--set",
                             "machine.components.core_memory.capacity=4KiB", "--set",
                             "machine.components.core_memory.bank=1KiB", "--set",
                             "machine.components.sequencer.program=64B"});
    };
    const auto told_by = [](const ProgramRun& run) {
        const std::string before = "; there is room for ";
        const std::size_t at = run.err.find(before);
        REQUIRE(at != std::string::npos);
        return std::stoll(run.err.substr(at + before.size()));
    };
    const auto most_of_layout = [](const ProgramRun& run) {
        REQUIRE(run.status == 0);
        return Json::parse(run.out)["runs"][0]["totals"]["pipeline"]["most_users"]
            .get<std::int64_t>();
    };
    const std::int64_t most = told_by(decode(500));
    CHECK(most_of_layout(decode(most)) == most);
    CHECK(told_by(decode(most + 1)) == most);
    const std::int64_t of_few = most_of_layout(decode(3));
    CHECK(of_few > 3);
    CHECK(of_few <= most);
    CHECK(decode(of_few).status == 0);
}

TEST_CASE("The interval of a stage and its split are the same for an odd number of users") {
    const TemporaryFolder folder;
    write_network(
        folder.path(), "odd", "decoder",
        "layers: 2, hidden: 2048, heads: 16, kv_heads: 4, inner: 4096, vocabulary: 16000");
    const auto output_stage = [&](const char* users) {
        const ProgramRun run =
            run_memwall({"run", "--machine", "northpole_16", "--network", "./odd.yaml",
                         "--precision", "int4", "--phase", "decode", "--context", "100", "--engine",
                         "analytic", "--effort", "quick", "--users", users, "--json", "-"},
                        folder.path());
        INFO(run.err);
        REQUIRE(run.status == 0);
        return Json::parse(run.out)["runs"][0]["totals"]["pipeline"]["stages"].back();
    };
    // Groups leave its cards two by two, after turns of two lengths.
    const Json even = output_stage("4");
    const Json odd = output_stage("5");
    CHECK(odd["cards"] == even["cards"]);
    CHECK(odd["interval_s"].get<double>() == Approx(even["interval_s"].get<double>()));
    for (const Json& stage : {even, odd}) {
        double parts = 0;
        for (const Json& part : stage["split"]) {
            parts += part.get<double>();
        }
        CHECK(parts == Approx(stage["interval_s"].get<double>()));
    }
}

TEST_CASE("A context that has no room for one user is refused with one that has") {
    const auto decode = [](const std::string& context) {
        return run_on_cards({"--phase", "decode", "--context", context, "--engine", "analytic",
                             "--effort", "quick", "--set",
                             "machine.components.core_memory.capacity=32KiB", "--set",
                             "machine.components.sequencer.program=64B"});
    };
    const ProgramRun large = decode("1000000");
    CHECK(large.status == 2);
    INFO(large.err);
    const std::string before = "; there is room for a context of ";
    const std::size_t at = large.err.find(before);
    REQUIRE(at != std::string::npos);
    std::string tokens = large.err.substr(at + before.size());
    tokens.resize(tokens.find(" tokens"));
    tokens.erase(std::remove(tokens.begin(), tokens.end(), ','), tokens.end());
    CHECK(decode(tokens).status == 0);
    CHECK(decode(std::to_string(std::stoll(tokens) * 66 / 64)).status == 2);
}

TEST_CASE("As many cards as are told to hold a network do") {
    const auto decode = [](std::int64_t cards) {
        return run_on_cards({"--phase", "decode", "--context", "40", "--engine", "analytic",
                             "--effort", "quick", "--set",
                             "machine.cards.count=" + std::to_string(cards), "--set",
                             "machine.components.core_memory.capacity=3KiB", "--set",
                             "machine.components.core_memory.bank=1KiB", "--set",
                             "machine.components.sequencer.program=64B"});
    };
    const ProgramRun one = decode(1);
    CHECK(one.status == 2);
    const std::size_t end = one.err.find(" cards would hold it");
    REQUIRE(end != std::string::npos);
    const std::size_t begin = one.err.rfind(' ', end - 1) + 1;
    CHECK(decode(std::stoll(one.err.substr(begin, end - begin))).status == 0);
}

TEST_CASE("A block that no card holds, nor equal parts of it, is cut where several tensors cross") {
    // Two blocks like Llama-2-70B's: 336 MiB of a feed-forward network at 4 bit, 192 MiB a card. No
    // number of cards has equal parts of 28,669 features.
    const TemporaryFolder folder;
    write_network(
        folder.path(), "wide", "decoder",
        "layers: 2, hidden: 8192, heads: 64, kv_heads: 8, inner: 28669, vocabulary: 1000");
    const ProgramRun run =
        run_memwall({"run", "--machine", "northpole_16", "--network", "./wide.yaml", "--precision",
                     "int4", "--phase", "decode", "--users", "2", "--engine", "analytic",
                     "--effort", "quick", "--json", "-"},
                    folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    const Json result = Json::parse(run.out)["runs"][0];
    const std::int64_t block =
        2 * 8192 * 8192 + 2 * 8192 * 1024 + 3 * 8192 * 28669 + 2 * 8192 * 2049;
    CHECK(result["totals"]["macs"] == 2 * (2 * block + 8192 * 1000));
    const Json& stages = result["totals"]["pipeline"]["stages"];
    REQUIRE(stages.size() == 6);
    const std::vector<std::string> begins = {"b1_norm1", "b1_up", "b1_down",
                                             "b2_norm1", "b2_up", "b2_down"};
    for (std::size_t s = 0; s < stages.size(); ++s) {
        CHECK(stages[s]["first"] == begins[s]);
        CHECK(stages[s]["held_bytes"].get<double>() <= 192.0 * 1024 * 1024);
    }
    CHECK(stages.back()["last"] == "output");
}

TEST_CASE("A prompt that is too long for the cards is told how it can be read") {
    const ProgramRun run =
        run_on_cards({"--phase", "prefill", "--prompt", "100000", "--engine", "analytic"});
    CHECK(run.status == 2);
    CHECK(run.err.find("have to lie on one card, which holds 192 MiB") != std::string::npos);
    CHECK(run.err.find("--chunk N reads N at a time") != std::string::npos);
}

TEST_CASE("Chunks of prompts fill the cards") {
    const std::vector<std::string> prompt = {
        "--phase",  "prefill",  "--prompt", "64",
        "--engine", "analytic", "--set",    "machine.cards.overhead=0 us"};
    std::vector<std::string> chunked = prompt;
    chunked.insert(chunked.end(), {"--chunk", "16"});
    const Json run = result_on_cards(chunked);
    const Json& stages = run["totals"]["pipeline"]["stages"];
    double slowest = 0;
    for (const Json& stage : stages) {
        slowest = std::max(slowest, stage["interval_s"].get<double>());
    }
    // The last chunk's way, and behind it the turns of three that attend to less.
    const double trip = run["totals"]["pipeline"]["round_trip_s"];
    CHECK(run["totals"]["window_s"].get<double>() > trip);
    CHECK(run["totals"]["window_s"].get<double>() <= trip + 3 * slowest * (1 + 1e-9));
}

TEST_CASE("What cards cannot do is told") {
    const auto fault = [](const std::vector<std::string>& more) {
        const ProgramRun run = run_on_cards(more);
        CHECK(run.status == 2);
        return run.err;
    };
    CHECK(fault({"--phase", "offline"}).find("has cards, which go through the phases stream") !=
          std::string::npos);
    CHECK(fault({"--phase", "training_step", "--precision", "int8"}).find("cannot train") !=
          std::string::npos);
    const std::string users =
        fault({"--phase", "decode", "--users", "100000", "--context", "100000"});
    CHECK(users.find("the caches of 100000 users do not; there is room for ") != std::string::npos);
    CHECK(fault(decode_with({"--set", "network.parameters.vocabulary=100000000"}))
              .find("its weights take") != std::string::npos);
    CHECK(fault(decode_with({"--set", "machine.cards.instances=3"}))
              .find("expected a number that divides the 16 cards into equal parts, found '3'") !=
          std::string::npos);
    CHECK(run_on_cards({"--phase", "training_step", "--precision", "int8"}, "von_neumann_16")
              .err.find("has cards, over which training is not modelled") != std::string::npos);
    CHECK(fault(decode_with({"--set", "machine.cards.hop=fast"})).find("'hop' in 'cards'") !=
          std::string::npos);
    CHECK(fault(decode_with({"--set", "machine.cards.conut=3"})).find("unknown key 'conut'") !=
          std::string::npos);
}

TEST_CASE("What is said of some layers is said of those on all cards") {
    const Json run =
        result_on_cards(decode_with({"--engine", "analytic", "--precision", "int4", "--set",
                                     "network.transforms=[{prune: '2:4', layers: 'b*'}]"}));
    const Json& dense = run["dense_pruned_layers"];
    CHECK(dense.size() == 3 * 7);  // q, k, v, o, gate, up and down of each block
    for (const Json& name : dense) {
        CHECK(std::count_if(run["layers"].begin(), run["layers"].end(),
                            [&](const Json& layer) { return layer["name"] == name; }) == 1);
    }
}
