// SPDX-License-Identifier: Apache-2.0
// The phase training_step as a user meets it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

std::vector<std::string> training(const std::string& machine, const std::string& network,
                                  const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"run",   "--machine", machine,        "--network",
                                          network, "--phase",   "training_step"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

std::int64_t traffic(const Json& layer, const std::string& tensor, const std::string& way) {
    return layer["traffic_bytes"]["dram"][tensor][way];
}

const Json& layer_of(const Json& run, const std::string& name) {
    for (const Json& layer : run["layers"]) {
        if (layer["name"] == name) {
            return layer;
        }
    }
    FAIL(name);
    return run;
}

/// A machine that multiplies halves.
const std::string kHalves = "machine.components.array.lanes.fp16={inputs: 16, outputs: 32}";

}  // namespace

TEST_CASE("a training step runs on both engines, with the counts of its passes") {
    for (const char* engine : {"analytic", "systemc"}) {
        const Json run = run_of(training(
            "von_neumann", "lenet", {"--batch", "4", "--precision", "int8", "--engine", engine}));
        CHECK(run["scenario"]["phase"] == "training_step");
        CHECK(run["scenario"]["optimizer"] == "adam");
        CHECK(run["totals"]["item"] == "frame");
        CHECK(run["totals"]["items"] == 4);
        CHECK(run["totals"]["throughput_per_s"].get<double>() ==
              Approx(4 / run["totals"]["window_s"].get<double>()));
        // 3 x 416,520 MACs less conv1's 117,600, for each of 4 frames.
        CHECK(run["totals"]["macs"] == 4 * (3 * 416'520 - 117'600));
        CHECK(run["totals"]["operations"]["mac"] == 4 * (3 * 416'520 - 117'600));
        const Json& memory = run["totals"]["training_memory_bytes"];
        CHECK(memory["masters"] == 4 * 61'706);
        CHECK(memory["optimizer"] == 8 * 61'706);
    }
}

TEST_CASE("Adam's state crosses the DRAM once in each direction") {
    const Json run =
        run_of(training("von_neumann", "lenet", {"--precision", "int8", "--engine", "analytic"}));
    const Json& update = layer_of(run, "fc1.update");
    const std::int64_t weights = 48'000;
    CHECK(traffic(update, "state", "read") == 3 * 4 * weights);
    CHECK(traffic(update, "state", "write") == 3 * 4 * weights);
    CHECK(traffic(update, "outputs", "write") == weights);
}

TEST_CASE("a table that is drawn from more often than it has rows is brought up to date once") {
    const TemporaryFolder folder;
    const std::string net = (folder.path() / "net.yaml").string();
    write_text(net,
               "network: net\ninputs: {x: [100]}\n"
               "layers: [{name: e, op: embedding, rows: 100, features: 16}]\n");
    for (const char* machine : {"von_neumann", "tiny_von_neumann"}) {
        for (const char* engine : {"analytic", "systemc"}) {
            INFO(machine << " " << engine);
            const Json step = run_of(training(
                machine, net, {"--batch", "8", "--precision", "int8", "--engine", engine}));
            const Json& update = layer_of(step, "e.update");
            CHECK(traffic(update, "state", "read") == 3 * 4 * 100 * 16);
            CHECK(traffic(update, "state", "write") == 3 * 4 * 100 * 16);
            CHECK(traffic(update, "outputs", "write") == 100 * 16);
            CHECK(step["totals"]["training_memory_bytes"]["gradients"] == 100 * 16);
        }
    }
}

TEST_CASE("a machine with halves trains in fp16 by itself; one without any says what it has") {
    const Json run =
        run_of(training("von_neumann", "lenet", {"--set", kHalves, "--engine", "analytic"}));
    CHECK(run["precision"] == "fp16");
    const ProgramRun refused = run_memwall(training("von_neumann", "lenet", {}));
    CHECK(refused.status == 2);
    CHECK(
        refused.err.find("error: training_step: machine 'von_neumann' has no lanes for bf16, fp16 "
                         "or fp32; it multiplies int8, int4, int2: give one of these with "
                         "--precision") != std::string::npos);
    const ProgramRun other = run_memwall(training("von_neumann", "lenet", {"--precision", "bf16"}));
    CHECK(other.status == 2);
    CHECK(other.err.find("has no lanes for bf16; it multiplies int8") != std::string::npos);
}

TEST_CASE("what trains in another precision than its own is told, whichever it was") {
    const TemporaryFolder folder;
    write_text(folder.path() / "wide.yaml",
               "network: wide\nprecision: fp32\ninputs: {x: [64]}\n"
               "layers: [{name: a, op: linear, out_features: 64}, {name: r, op: relu}]\n");
    write_text(folder.path() / "mixed.yaml",
               "network: mixed\nprecision: bf16\ninputs: {x: [64]}\nlayers:\n"
               "  - {name: a, op: linear, out_features: 64}\n"
               "  - {name: b, op: linear, out_features: 64, precision: fp32}\n"
               "  - {name: c, op: linear, out_features: 64, precision: w4a8}\n");
    const auto trained = [&](const char* machine, const char* network) {
        return run_of(
            training(machine, (folder.path() / network).string(), {"--engine", "analytic"}));
    };
    const Json wide = trained("a100_sxm_80gb", "wide.yaml");
    CHECK(wide["precision"] == "bf16");
    CHECK(wide["trained_at"] == Json::array({"fp32 at bf16"}));
    CHECK(wide["totals"]["training_memory_bytes"]["masters"] == 4 * 65 * 64);
    CHECK(trained("t4", "wide.yaml")["trained_at"] == Json::array({"fp32 at fp16"}));
    CHECK(trained("a100_sxm_80gb", "mixed.yaml")["trained_at"] ==
          Json::array({"fp32 at bf16", "w4a8 at bf16"}));
    // As it is where that was asked for, and where a transform quantised layers.
    const Json asked = run_of(training("a100_sxm_80gb", (folder.path() / "wide.yaml").string(),
                                       {"--engine", "analytic", "--precision", "fp16"}));
    CHECK(asked["trained_at"].empty());
    const Json quantised = run_of(training(
        "a100_sxm_80gb", (folder.path() / "wide.yaml").string(),
        {"--engine", "analytic", "--set", "network.transforms=[{quantise: int4, layers: a}]"}));
    CHECK(quantised["trained_at"] == Json::array({"int4 at bf16"}));
    // Layers that were quantised stay so under --precision, which is told.
    const Json stays = run_of(training("a100_sxm_80gb", (folder.path() / "mixed.yaml").string(),
                                       {"--engine", "analytic", "--precision", "fp16", "--set",
                                        "network.transforms=[{quantise: int8, layers: b}]"}));
    CHECK(stays["kept_precision"] == Json::array({"b"}));
    const ProgramRun shown =
        run_memwall({"show", "network", "lenet", "--phase", "training_step", "--csv", "-"});
    CHECK(shown.err.find("note: layers that cannot be trained in their own precision train in "
                         "another: int8 at bf16") == 0);
}

TEST_CASE("what cannot be trained is one clear error", "[slow]") {
    // At once: no precision of a machine that cannot train is asked for first.
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{}, std::vector<std::string>{"--precision", "int8"}}) {
        const ProgramRun spatial = run_memwall(training("northpole", "lenet", more));
        CHECK(spatial.status == 2);
        CHECK(spatial.err.find("error: machine 'northpole' cannot train: its mapper keeps no "
                               "optimiser state") == 0);
        const ProgramRun resident = run_memwall(training("tpu_v1", "lenet", more));
        CHECK(resident.status == 2);
        CHECK(resident.err.find("error: machine 'tpu_v1' cannot train: its activations are "
                                "resident on the chip") == 0);
    }
    TemporaryFolder folder;
    write_text(folder.path() / "sweep.yaml",
               "sweep: s\nbase: {machine: northpole, network: lenet, phase: "
               "training_step}\ngrid: {batch: [1, 2]}\n");
    const ProgramRun sweep =
        run_memwall({"sweep", (folder.path() / "sweep.yaml").string(), "--dry-run"});
    CHECK(sweep.status == 2);
    INFO(sweep.err);
    CHECK(sweep.err.find("machine 'northpole' cannot train") != std::string::npos);
    const ProgramRun optimizer = run_memwall(
        training("von_neumann", "lenet", {"--precision", "int8", "--optimizer", "adamm"}));
    CHECK(optimizer.status == 2);
    CHECK(optimizer.err.find("unknown optimizer 'adamm'; did you mean 'adam'?") !=
          std::string::npos);
    const ProgramRun experts =
        run_memwall(training("von_neumann", "mixtral_8x7b", {"--precision", "int8"}));
    CHECK(experts.status == 2);
    CHECK(experts.err.find("does not fit") != std::string::npos);
}

TEST_CASE("the page of networks says how fast tpu_v3 trains ResNet-50", "[slow]") {
    std::string page = read_text(MEMWALL_SOURCE_DIR "/docs/workloads.md");
    std::replace(page.begin(), page.end(), '\n', ' ');
    CHECK(page.find("On `tpu_v3` ResNet-50 trains at 1,350 to 1,400 images/s with 32, 64 or 128 "
                    "images and `momentum` by the analytic engine") != std::string::npos);
    for (const char* batch : {"32", "64", "128"}) {
        const Json run =
            run_of(training("tpu_v3", "resnet50",
                            {"--batch", batch, "--optimizer", "momentum", "--engine", "analytic"}));
        INFO(batch);
        CHECK(run["totals"]["throughput_per_s"].get<double>() >= 1350);
        CHECK(run["totals"]["throughput_per_s"].get<double>() < 1400);
    }
}

TEST_CASE("a step of mixed precision trains where a first pass lies in padding alone") {
    for (const char* engine : {"analytic", "systemc"}) {
        INFO(engine);
        CHECK(run_memwall(training("tiny_von_neumann", "tiny_residual",
                                   {"--batch", "16", "--precision", "w4a8", "--engine", engine}))
                  .status == 0);
    }
}

TEST_CASE("show network tells what a step needs in memory") {
    const ProgramRun run = run_memwall({"show", "network", "resnet18", "--phase", "training_step",
                                        "--batch", "2", "--optimizer", "momentum", "--json", "-"});
    REQUIRE(run.status == 0);
    const Json totals = Json::parse(run.out)["totals"];
    const Json& memory = totals["training_memory_bytes"];
    CHECK(memory["parameters"] == 2 * 11'689'512);
    CHECK(memory["masters"] == 4 * 11'689'512);
    CHECK(memory["optimizer"] == 4 * 11'689'512);
    CHECK(memory["gradients"] == 2 * 11'689'512);
    CHECK(totals["passes"]["forward"]["macs"] == 2 * 1'814'073'344LL);
    // Less the gradient of the image: conv1 has 118,013,952 MACs.
    CHECK(totals["passes"]["backward"]["macs"] == 2 * (2 * 1'814'073'344LL - 118'013'952));
}

TEST_CASE("a GPU trains in halves on both engines, and the analytic one is the bound") {
    for (const char* machine : {"a100_sxm_80gb", "v100"}) {
        const std::vector<std::string> asked = {"--batch", "16", "--optimizer", "momentum"};
        std::map<std::string, Json> runs;
        for (const char* engine : {"analytic", "systemc"}) {
            std::vector<std::string> options = asked;
            options.insert(options.end(), {"--engine", engine});
            runs[engine] = run_of(training(machine, "resnet18", options));
        }
        INFO(machine);
        const Json& bound = runs["analytic"]["totals"];
        const Json& replay = runs["systemc"]["totals"];
        CHECK(runs["analytic"]["precision"] == (std::string(machine) == "v100" ? "fp16" : "bf16"));
        CHECK(bound["macs"] == 16 * (3 * 1'814'073'344LL - 118'013'952));
        CHECK(bound["operations"] == replay["operations"]);
        CHECK(bound["operations"]["mac"] == bound["macs"]);
        const double ratio =
            replay["throughput_per_s"].get<double>() / bound["throughput_per_s"].get<double>();
        CHECK(ratio <= 1);
        CHECK(ratio > 0.9);
    }
}

TEST_CASE("a TPU v3 infers and trains in bf16 on both engines") {
    std::map<std::string, double> rates;
    for (const char* engine : {"analytic", "systemc"}) {
        const Json step = run_of(training("tpu_v3", "lenet", {"--batch", "8", "--engine", engine}));
        CHECK(step["precision"] == "bf16");
        CHECK(step["totals"]["macs"] == 8 * (3 * 416'520 - 117'600));
        CHECK(step["totals"]["operations"]["mac"] == step["totals"]["macs"]);
        rates[engine] = step["totals"]["throughput_per_s"];
        const Json frames = run_of({"run", "--machine", "tpu_v3", "--network", "lenet", "--batch",
                                    "8", "--precision", "bf16", "--engine", engine});
        CHECK(frames["totals"]["operations"]["mac"] == frames["totals"]["macs"]);
    }
    CHECK(rates["systemc"] <= rates["analytic"]);
    CHECK(rates["systemc"] > 0.5 * rates["analytic"]);
}

TEST_CASE("an update takes at least what its bytes take at the peak of the DRAM") {
    const TemporaryFolder folder;
    const std::string net = (folder.path() / "net.yaml").string();
    write_text(net,
               "network: net\nprecision: bf16\ninputs: {x: [1024]}\n"
               "layers: [{name: a, op: linear, out_features: 1024, bias: false}]\n");
    for (const auto& [machine, peak] :
         std::map<std::string, double>{{"tpu_v3", 900e9}, {"a100_sxm_80gb", 2039e9}}) {
        for (const char* engine : {"analytic", "systemc"}) {
            const Json step = run_of(training(machine, net, {"--engine", engine}));
            const Json& update = layer_of(step, "a.update");
            INFO(machine << " " << engine);
            CHECK(traffic(update, "state", "write") == 3 * 4 * 1024 * 1024);
            std::int64_t moved = 0;
            for (const Json& tensor : update["traffic_bytes"]["dram"]) {
                moved += tensor["read"].get<std::int64_t>() + tensor["write"].get<std::int64_t>();
            }
            CHECK(update["adds_s"].get<double>() > static_cast<double>(moved) / peak);
        }
    }
}

TEST_CASE("state that is brought up to date goes back through every level of a loop nest") {
    for (const char* engine : {"analytic", "systemc"}) {
        const Json step = run_of(
            training("scalesim_32x32", "lenet", {"--precision", "int8", "--engine", engine}));
        for (const Json& layer : step["layers"]) {
            for (const auto& [memory, tensors] : layer["traffic_bytes"].items()) {
                if (tensors.contains("state")) {
                    INFO(layer["name"] << " " << memory);
                    CHECK(tensors["state"]["read"] == tensors["state"]["write"]);
                }
            }
        }
    }
}

TEST_CASE("tiles of a gradient that lie in padding move nothing") {
    const Json step =
        run_of(training("scalesim_32x32", "tiny_residual",
                        {"--precision", "int8", "--effort", "quick", "--engine", "analytic"}));
    CHECK(step["totals"]["operations"]["mac"] == step["totals"]["macs"]);
}

TEST_CASE("a step that is larger than a GPU's memory says by how much") {
    const ProgramRun run =
        run_memwall(training("v100", "resnet50", {"--batch", "2048", "--engine", "analytic"}));
    CHECK(run.status == 2);
    CHECK(run.err.find("error: network 'resnet50' does not fit the dram of machine 'v100': ") !=
          std::string::npos);
    CHECK(run.err.find(" GiB are missing") != std::string::npos);
}

TEST_CASE("a network without parameters learns nothing, and that is said") {
    const ProgramRun run =
        run_memwall(training("a100_sxm_80gb", "tiny_pool", {"--precision", "int8"}));
    CHECK(run.status == 2);
    CHECK(run.err.find("error: network 'tiny_pool' learns nothing: none of its layers has weights "
                       "or other parameters") != std::string::npos);
}

TEST_CASE("layers of integers train in floating point, all others in their own precision") {
    const TemporaryFolder folder;
    write_text(folder.path() / "net.yaml",
               "network: net\nprecision: bf16\ninputs: {x: [64]}\nlayers:\n"
               "- {name: a, op: linear, out_features: 64}\n"
               "- {name: b, op: linear, out_features: 64, precision: fp32}\n"
               "- {name: c, op: linear, out_features: 64, precision: int8}\n"
               "- {name: d, op: linear, out_features: 64, precision: wfp8afp8obf16}\n");
    const ProgramRun run = run_memwall(
        {"show", "network", "net.yaml", "--phase", "training_step", "--json", "-"}, folder.path());
    REQUIRE(run.status == 0);
    std::map<std::string, std::string> precisions;
    const Json shown = Json::parse(run.out);
    for (const Json& layer : shown["layers"]) {
        precisions[layer["name"]] = layer["precision"];
    }
    CHECK(precisions["a.weight_gradient"] == "wbf16abf16ofp32");
    CHECK(precisions["b.weight_gradient"] == "wfp32afp32ofp32");
    CHECK(precisions["c.weight_gradient"] == "wbf16abf16ofp32");
    CHECK(precisions["d.weight_gradient"] == "wfp8afp8obf16");
}
