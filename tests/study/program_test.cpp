// SPDX-License-Identifier: Apache-2.0
// The program as a whole: results, overrides, sameness.
#include <catch2/catch.hpp>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>

#include "study/findings.hpp"
#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

Json run_json(const std::string& machine, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"run", "--machine", machine, "--network", "lenet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json_of(arguments);
}

/// The machine's name and the energy in pJ of each row, summed by machine.
std::map<std::string, double> csv_sums(const std::string& csv) {
    std::map<std::string, double> sums;
    std::istringstream lines(csv);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        const std::size_t kind = line.rfind(',', line.rfind(',') - 1);
        const std::size_t energy = line.rfind(',', kind - 1) + 1;
        sums[line.substr(0, line.find(','))] += std::stod(line.substr(energy, kind - energy));
    }
    return sums;
}

}  // namespace

TEST_CASE("show network resnet50 tells its published counts") {
    const ProgramRun text = run_memwall({"show", "network", "resnet50"});
    CHECK(text.out.find("4,089,184,256 MACs") != std::string::npos);
    CHECK(text.out.find("25,502,912 weights") != std::string::npos);
    const Json json = json_of({"show", "network", "resnet50"});
    CHECK(json["totals"]["macs"] == 4'089'184'256);
    CHECK(json["totals"]["weights"] == 25'502'912);
    CHECK(json["totals"]["parameters"].get<std::int64_t>() > 25'502'912);
    CHECK(json["layers"].size() > 54);
}

TEST_CASE("energies of a run add up by kind, layer and component, in JSON and CSV") {
    const std::string machine = GENERATE("northpole", "von_neumann");
    const TemporaryFolder folder;
    const ProgramRun program = run_memwall(
        {"run", "--machine", machine, "--network", "lenet", "--json", "r.json", "--csv", "r.csv"},
        folder.path());
    REQUIRE(program.status == 0);
    CHECK(program.out.find("lenet on " + machine) == 0);
    const Json run = Json::parse(read_text(folder.path() / "r.json"))["runs"][0];
    const double total = run["totals"]["energy_j"];
    REQUIRE(total > 0);
    double kinds = 0;
    for (const auto& kind : run["totals"]["energy_by_kind_j"]) {
        kinds += kind.get<double>();
    }
    double layers = 0;
    std::int64_t macs = 0;
    for (const auto& layer : run["layers"]) {
        layers += layer["energy_j"].get<double>();
        macs += layer["macs"].get<std::int64_t>();
    }
    double components = 0;
    for (const auto& component : run["components"]) {
        components += component["energy_j"].get<double>();
    }
    CHECK(kinds == Approx(total).epsilon(1e-9));
    CHECK(layers == Approx(total).epsilon(1e-9));
    CHECK(components == Approx(total).epsilon(1e-9));
    CHECK(csv_sums(read_text(folder.path() / "r.csv")).at(machine) ==
          Approx(total * 1e12).epsilon(1e-9));
    double moved = 0;
    std::istringstream by_tensor(
        run_memwall({"show", "result", "r.json", "--by", "tensor", "--csv", "-"}, folder.path())
            .out);
    for (std::string line; std::getline(by_tensor, line);) {
        const std::string last = line.substr(line.rfind(',') + 1);
        moved += last == "pj_per_item" ? 0 : std::stod(last);
    }
    CHECK(4 * moved * 1e-12 ==
          Approx(run["totals"]["energy_by_kind_j"]["data_movement"].get<double>()));
    CHECK(macs == 4 * 416'520);
    CHECK(run["totals"]["macs"] == macs);
}

TEST_CASE("the analytic engine counts what the simulation counts, and is never slower") {
    const std::string machine = GENERATE("northpole", "von_neumann");
    const Json simulated = run_json(machine)["runs"][0]["totals"];
    const Json estimated = run_json(machine, {"--engine", "analytic"})["runs"][0]["totals"];
    CHECK(simulated["operations"] == estimated["operations"]);
    CHECK(simulated["seconds"].get<double>() >= estimated["seconds"].get<double>());
}

TEST_CASE("two runs give the same bytes, from whatever folder") {
    const TemporaryFolder one;
    const TemporaryFolder other;
    for (const auto& folder : {one.path(), other.path()}) {
        const ProgramRun run = run_memwall({"compare", "von_neumann", "northpole", "--network",
                                            "lenet", "--json", "r.json", "--csv", "r.csv"},
                                           folder);
        REQUIRE(run.status == 0);
    }
    CHECK(read_text(one.path() / "r.json") == read_text(other.path() / "r.json"));
    CHECK(read_text(one.path() / "r.csv") == read_text(other.path() / "r.csv"));
    CHECK_FALSE(read_text(one.path() / "r.json").empty());
}

TEST_CASE("another clone's configurations give the same bytes") {
    const TemporaryFolder clone;
    std::filesystem::copy(MEMWALL_SOURCE_DIR "/configs", clone.path() / "configs",
                          std::filesystem::copy_options::recursive);
    const std::vector<std::string> words = {"run",       "--machine", "northpole", "--network",
                                            "tiny_conv", "--json",    "-"};
    std::vector<std::string> of_clone = words;
    of_clone.insert(of_clone.end(), {"--configs", (clone.path() / "configs").string()});
    const ProgramRun here = run_memwall(words);
    REQUIRE(here.status == 0);
    CHECK(run_memwall(of_clone).out == here.out);
}

TEST_CASE("an interrupted run ends at once, says so, and leaves nothing") {
    const std::string engine = GENERATE("systemc", "analytic");
    INFO(engine);
    const TemporaryFolder folder;
    const ProgramRun run =
        interrupt_memwall({"run", "--machine", "northpole", "--network", "resnet50", "--rounds",
                           "100000", "--engine", engine, "--json", "r.json"},
                          folder.path(), SIGINT, 500);
    CHECK(run.status == 1);
    // What such a replay is said to take may have been told before.
    CHECK(run.err.substr(run.err.find("error:")) == "error: interrupted\n");
    CHECK(run.out.empty());
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("an interrupted search keeps the best mappings so far") {
    const TemporaryFolder folder;
    const std::vector<std::string> of = {"--machine", "eyeriss",  "--network", "yolov4",
                                         "--effort",  "thorough", "--json",    "r.json"};
    const std::string note = "note: the search for mappings was interrupted after";
    std::vector<std::string> words = {"show", "mapping"};
    words.insert(words.end(), of.begin(), of.end());
    const ProgramRun shown = interrupt_memwall(words, folder.path(), SIGINT, 300);
    CHECK(shown.status == 1);
    CHECK(shown.err.find(note) == 0);
    const Json mapping = Json::parse(read_text(folder.path() / "r.json"));
    CHECK(mapping["layers"].size() > 100);
    CHECK(mapping["layers"].back()["search"].get<std::string>().find(", interrupted") !=
          std::string::npos);

    words = {"run", "--engine", "analytic"};
    words.insert(words.end(), of.begin(), of.end());
    const ProgramRun run = interrupt_memwall(words, folder.path(), SIGINT, 300);
    CHECK(run.status == 1);
    CHECK(run.err.find(note) == 0);
    CHECK(run.out.find(note) == 0);
    const Json result = Json::parse(read_text(folder.path() / "r.json"));
    CHECK(result["provenance"]["mapper_effort"] == "thorough");
    CHECK(result["provenance"]["search_cut_after"] > 0);
    CHECK(result["runs"][0]["totals"]["seconds"] > 0);
}

TEST_CASE("an interrupted search for tiles keeps the best plan so far") {
    const TemporaryFolder folder;
    const ProgramRun run =
        interrupt_memwall({"run", "--machine", "von_neumann", "--network", "yolov4", "--batch", "8",
                           "--effort", "thorough", "--engine", "analytic", "--json", "r.json"},
                          folder.path(), SIGINT, 300);
    CHECK(run.status == 1);
    CHECK(run.err.find("note: the search for mappings was interrupted after") == 0);
    const Json result = Json::parse(read_text(folder.path() / "r.json"));
    CHECK(result["provenance"]["search_cut_after"] > 0);
    CHECK(result["runs"][0]["totals"]["seconds"] > 0);
}

TEST_CASE("the energy of a DRAM is told by command") {
    const Json result = json_of({"run", "--machine", "tiny_von_neumann", "--network", "lenet",
                                 "--set", "machine.components.dram.type=ddr4"});
    std::set<std::string> actions;
    for (const Json& component : result["runs"][0]["components"]) {
        for (const Json& action : component["actions"]) {
            if (component["name"] == "dram" && action["energy_j"] > 0) {
                actions.insert(action["action"].get<std::string>());
            }
        }
    }
    // Activations stay in the buffer: nothing is written.
    CHECK(actions == std::set<std::string>{"read", "activate", "refresh", "standby"});
}

TEST_CASE("standard output takes one file, and then no table") {
    const ProgramRun both = run_memwall({"show", "networks", "--json", "-", "--csv", "-"});
    CHECK(both.err == "error: --json and --csv both write to '-'\n");
    CHECK(both.status == 2);
    const ProgramRun csv =
        run_memwall({"run", "--machine", "northpole", "--network", "tiny_conv", "--csv", "-"});
    CHECK(csv.out.find("machine,network,engine") == 0);
    CHECK(csv.out.find("throughput") == std::string::npos);
}

TEST_CASE("Wider links of partial sums, or a row of cores more, do not make a chip slower") {
    const auto frames_per_second = [](const char* setting) {
        return json_of({"run", "--machine", "northpole", "--network", "resnet50", "--precision",
                        "int4", "--engine", "analytic", "--effort", "quick", "--set",
                        setting})["runs"][0]["totals"]["throughput_per_s"]
            .get<double>();
    };
    const double shipped = frames_per_second("machine.mesh.rows=16");
    CHECK(frames_per_second("machine.components.partial_sum_network.link_width=128B") >= shipped);
    CHECK(frames_per_second("machine.mesh.rows=17") >= 0.99 * shipped);  // ways are longer
    const ProgramRun large = run_memwall({"run", "--machine", "northpole", "--network", "lenet",
                                          "--set", "machine.mesh.columns=1000"});
    CHECK(large.status == 2);
    CHECK(large.err.find("needs at most 4096 cores, found 16000") != std::string::npos);
}

TEST_CASE("compare leaves out a machine that the network does not fit, as long as two are left") {
    const auto compared = [](std::vector<std::string> machines) {
        machines.insert(machines.begin(), "compare");
        machines.insert(machines.end(), {"--network", "lenet", "--engine", "analytic"});
        return run_memwall(machines);
    };
    const ProgramRun three = compared({"northpole", "tiny_northpole", "von_neumann"});
    CHECK(three.status == 0);
    CHECK(three.out.find("\ntiny_northpole is left out: network 'lenet' does not fit machine ") !=
          std::string::npos);
    CHECK(compared({"northpole", "tiny_northpole"}).status == 2);
}

TEST_CASE("compare writes one run a machine in the order given and says what it found") {
    const Json json = json_of({"compare", "northpole", "von_neumann", "--network", "lenet"});
    REQUIRE(json["runs"].size() == 2);
    CHECK(json["runs"][0]["machine"] == "northpole");
    CHECK(json["runs"][1]["machine"] == "von_neumann");
    for (const auto& run : json["runs"]) {
        const Json& totals = run["totals"];
        CHECK(totals["at_lower_bound"]["energy_j"].get<double>() <=
              totals["energy_j"].get<double>() * (1 + 1e-12));
        CHECK(totals["at_lower_bound"]["seconds"].get<double>() <=
              totals["window_s"].get<double>());
    }
    const ProgramRun text =
        run_memwall({"compare", "northpole", "von_neumann", "--network", "lenet"});
    CHECK(text.out.find("at its I/O lower bound") != std::string::npos);
    CHECK(text.out.find(findings_text(json["findings"].get<std::vector<std::string>>())) !=
          std::string::npos);
}

TEST_CASE("overrides by --set change the machine, the network and the scenario, and is recorded") {
    const Json plain = run_json("von_neumann");
    const Json slow = run_json("von_neumann", {"--set", "machine.clock=200 MHz"});
    CHECK(slow["runs"][0]["totals"]["seconds"].get<double>() >
          plain["runs"][0]["totals"]["seconds"].get<double>() * 1.2);
    CHECK(slow["provenance"]["overrides"] == Json::array({"machine.clock=200 MHz"}));
    const Json wide = run_json("von_neumann", {"--set", "network.layers.fc3.out_features=20"});
    CHECK(wide["runs"][0]["totals"]["macs"] == 4 * (416'520 + 840));
    const Json longer =
        run_json("von_neumann", {"--set", "scenario.items=10", "--set", "scenario.warmup_items=2"});
    CHECK(longer["runs"][0]["totals"]["items"] == 8);
    const Json batched = run_json("von_neumann", {"--set", "batch=4"});
    CHECK(batched["runs"][0]["batch"] == 4);
    const Json four = run_json("von_neumann", {"--set", "precision=int4"});
    CHECK(four["runs"][0]["precision"] == "int4");
}

TEST_CASE("in a comparison --set reaches one machine by its name") {
    const std::vector<std::string> compare = {"compare", "von_neumann", "northpole", "--network",
                                              "lenet"};
    const Json plain = json_of(compare);
    std::vector<std::string> changed = compare;
    changed.insert(changed.end(), {"--set", "machine.von_neumann.clock=200 MHz"});
    const Json slow = json_of(changed);
    CHECK(slow["runs"][0]["totals"]["seconds"].get<double>() >
          plain["runs"][0]["totals"]["seconds"].get<double>());
    CHECK(slow["runs"][1] != plain["runs"][1]);  // it records the override
    CHECK(slow["runs"][1]["totals"] == plain["runs"][1]["totals"]);
}

TEST_CASE("provenance names the inputs by checksum, and nothing of where or when") {
    const Json json = run_json("northpole");
    std::vector<std::string> paths;
    for (const auto& input : json["provenance"]["inputs"]) {
        paths.push_back(input["path"]);
        CHECK(input["sha256"].get<std::string>().size() == 64);
    }
    CHECK(paths == std::vector<std::string>{"networks/lenet.yaml", "machines/northpole.yaml",
                                            "technology/12nm.yaml"});
    CHECK(json.dump().find("/work") == std::string::npos);
    CHECK(json.dump().find(MEMWALL_SOURCE_DIR) == std::string::npos);
}

TEST_CASE("every layer of the network has a row, and (idle) is the last") {
    const Json run = run_json("northpole")["runs"][0];
    CHECK(run["layers"].size() == 13);
    CHECK(run["layers"].front()["name"] == "conv1");
    CHECK(run["layers"].back()["name"] == "(idle)");
    CHECK(run["layers"].back()["op"] == "none");
}

TEST_CASE("show describes machines, technologies, mappings and paths in all three forms") {
    const std::vector<std::vector<std::string>> shown = {
        {"show"},
        {"show", "networks"},
        {"show", "technologies"},
        {"show", "machine", "northpole"},
        {"show", "technology", "12nm"},
        {"show", "mapping", "--machine", "von_neumann", "--network", "lenet"},
        {"show", "paths", "--machine", "von_neumann", "--network", "lenet"}};
    for (const auto& words : shown) {
        INFO(words.back());
        CHECK_FALSE(json_of(words).empty());
        std::vector<std::string> as_csv = words;
        as_csv.insert(as_csv.end(), {"--csv", "-"});
        const ProgramRun csv = run_memwall(as_csv);
        CHECK(csv.status == 0);
        CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') > 1);
        CHECK(run_memwall(words).status == 0);
    }
    const ProgramRun paths = run_memwall({"show", "paths", "--machine", "von_neumann"});
    CHECK(paths.out.find("machine.components.global_buffer.capacity") != std::string::npos);
    const ProgramRun machine = run_memwall({"show", "machine", "von_neumann"});
    for (const char* status : {"published", "derived", "assumed"}) {
        CHECK(machine.out.find(status) != std::string::npos);
    }
}

TEST_CASE("every shipped configuration is fine") {
    const Json all = json_of({"show"});
    std::vector<std::string> words = {"check"};
    for (const auto& entry : all) {
        words.push_back(entry["name"]);
    }
    REQUIRE(words.size() > 10);
    const ProgramRun run = run_memwall(words);
    CHECK(run.err.empty());
    CHECK(run.status == 0);
}

TEST_CASE("comparing needs two machines with names of their own") {
    CHECK(run_memwall({"compare", "northpole", "--network", "lenet"}).err ==
          "error: compare: expected two or more machines, found 1\n");
    CHECK(run_memwall({"compare", "northpole", "northpole", "--network", "lenet"}).err ==
          "error: compare: machine 'northpole' is named twice\n");
    CHECK(run_memwall({"compare", "northpole", "von_neumann"}).err ==
          "error: compare: missing --network NAME\n");
}

namespace {

/// Every key of every object, but not those that are names of memories.
void collect_keys(const Json& json, std::set<std::string>& keys) {
    for (const auto& [key, value] : json.items()) {
        if (json.is_object()) {
            keys.insert(key);
        }
        if (key != "peak_memory_bytes" && key != "lower_bound_bytes" && value.is_structured() &&
            key != "traffic_bytes") {
            collect_keys(value, keys);
        }
    }
}

}  // namespace

TEST_CASE("docs/result.md explains every key of a result") {
    const std::string page = read_text(MEMWALL_SOURCE_DIR "/docs/result.md");
    std::set<std::string> keys;
    collect_keys(json_of({"compare", "northpole", "von_neumann", "--network", "lenet"}), keys);
    REQUIRE(keys.size() > 60);
    for (const std::string& key : keys) {
        INFO(key);
        CHECK(page.find("`" + key + "`") != std::string::npos);
    }
}

TEST_CASE("show network takes the step of a language model that is asked for, and no more") {
    const std::vector<std::string> shown = {"show", "network", "llama2_7b"};
    const auto macs = [&](std::vector<std::string> more) {
        more.insert(more.begin(), shown.begin(), shown.end());
        return json_of(more)["totals"]["macs"].get<std::int64_t>();
    };
    const std::int64_t decode = macs({"--phase", "decode", "--context", "100"});
    CHECK(macs({"--phase", "decode", "--context", "100", "--users", "3"}) == 3 * decode);
    CHECK(macs({"--prompt", "64"}) > macs({"--prompt", "32"}));
    const ProgramRun refused =
        run_memwall({"show", "network", "llama2_7b", "--set", "scenario.output_tokens=5"});
    CHECK(refused.err == "error: show: scenario.output_tokens says nothing of a network\n");
    CHECK(refused.status == 2);
}

TEST_CASE("show result prints what the run printed, from its JSON alone") {
    const TemporaryFolder folder;
    const std::vector<std::vector<std::string>> commands = {
        {"run", "--machine", "northpole", "--network", "lenet", "--set", "scenario.cold=true"},
        {"run", "--machine", "von_neumann", "--network", "granite_3b", "--engine", "analytic",
         "--phase", "generate", "--prompt", "8", "--output-tokens", "9", "--set",
         "network.parameters.layers=1"},
        {"compare", "von_neumann", "northpole", "--network", "lenet"}};
    for (std::vector<std::string> command : commands) {
        command.insert(command.end(), {"--json", "r.json"});
        const ProgramRun run = run_memwall(command, folder.path());
        INFO(run.err);
        REQUIRE(run.status == 0);
        CHECK(run_memwall({"show", "result", "r.json"}, folder.path()).out == run.out);
    }
    write_text(folder.path() / "broken.json", R"({"schema": "memwall.result/1", "runs": [{}]})");
    const ProgramRun broken = run_memwall({"show", "result", "broken.json"}, folder.path());
    CHECK(broken.err == "broken.json: error: runs[0]: expected a key 'machine'\n");
    CHECK(broken.status == 2);
}
