// SPDX-License-Identifier: Apache-2.0
// Language models over the cards of a machine, through the command line.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/study/small_cards.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

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
    // Their commands go ahead of them: a card's overhead is that of answers.
    const Json card = run("northpole_16", {"--set", "machine.cards.count=1"});
    CHECK(card["throughput_per_s"].get<double>() ==
          Approx(chip["throughput_per_s"].get<double>()).epsilon(0.005));
    const std::vector<std::string> two = {"--set", "machine.cards.count=2"};
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
    // Four go together there; one frame goes alone.
    const Json frame = run_of(
        {"run", "--machine", "von_neumann_16", "--network", "lenet", "--engine", "analytic"});
    CHECK(frame["totals"]["items_together"] == 1);
    CHECK(frame["totals"]["macs"] == 416520);
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
