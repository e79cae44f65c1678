// SPDX-License-Identifier: Apache-2.0
#include "study/validation.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <map>

#include "study/pipeline_text.hpp"
#include "study/validation_score.hpp"
#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

std::string row(const std::string& id, const std::string& published, const std::string& more) {
    return "  - {id: " + id +
           ", machine: tiny_von_neumann, workload: {network: tiny_linear, phase: single, engine: "
           "analytic}, metric: throughput, unit: frames/s, published: " +
           published + ", source: \"made up\", band: {percent: 5}" + more + "}\n";
}

std::string file(const std::string& rows) {
    return "memwall: 1\nvalidation: tiny\nrows:\n" + rows;
}

ValidationRow plain_row(const std::string& id, double published) {
    ValidationRow one;
    one.id = id;
    one.group = "all";
    one.published = published;
    one.band = {ErrorBand::Kind::percent, 10};
    return one;
}

ProgramRun validate(const TemporaryFolder& folder, const std::string& text,
                    std::vector<std::string> more = {}) {
    write_text(folder.path() / "tiny.yaml", text);
    std::vector<std::string> arguments = {"validate", "tiny.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_memwall(arguments, folder.path());
}

/// What `memwall validate` finds in a file of rows.
nlohmann::json validated(const std::string& rows) {
    return json_of({"validate", rows});
}

/// Every row that counts is within its band, or a miss that is known.
void check_rows(const nlohmann::json& json) {
    for (const auto& row : json["rows"]) {
        INFO(row["id"]);
        CHECK((row["counted"] == false || row["within"] == true || row["known_miss"].is_object()));
    }
}

}  // namespace

TEST_CASE(
    "Scenarios without a published figure are shown with rate, latency and what bounds them") {
    const TemporaryFolder folder;
    const std::string scenario =
        "scenarios:\n  - {id: shown, machine: tiny_von_neumann, workload: {network: tiny_linear, "
        "phase: single, engine: analytic}, source: \"of interest\"}\n";
    const std::string text = file(row("one", "1", ", counted: false")) + scenario;
    const ProgramRun table = validate(folder, text);
    INFO(table.err);
    REQUIRE(table.status == 0);
    CHECK(table.out.find("shown, without a published figure:\n") != std::string::npos);
    const ProgramRun run = validate(folder, text, {"--json", "-"});
    const auto json = nlohmann::json::parse(run.out);
    const auto& shown = json["scenarios"][0];
    // The same run as the row's: one frame at a time.
    CHECK(shown["throughput_per_s"] == json["rows"][0]["predicted"]);
    CHECK(shown["latency_s"].get<double>() == Approx(1 / shown["throughput_per_s"].get<double>()));
    CHECK(shown["most_users"].is_null());
    CHECK(shown["bound_by"].get<std::string>().find(" %") != std::string::npos);
    const ProgramRun twice = validate(folder, text + scenario.substr(scenario.find("  - ")));
    CHECK(twice.status == 2);
    CHECK(twice.err.find("duplicate scenario 'shown' (first at line 6)") != std::string::npos);
    const ProgramRun none =
        validate(folder, file(row("one", "1", "")) +
                             "scenarios:\n  - {id: a, machine: northpol, workload: {network: "
                             "lenet}, source: \"x\"}\n");
    CHECK(none.status == 2);
    CHECK(none.err.find("tiny.yaml:6:5: error: scenario 'a': ") != std::string::npos);
}

TEST_CASE("The hop that stands for the overheads of cards makes the published rate") {
    // Two stages of 10 and 20 us for a token and 10 us of overhead each: 50 us a round trip. Four
    // users at 20,000 tokens/s take 200 us a round, of which 30 are the stages: two hops of 85 us.
    RunResult run;
    run.scenario.phase = Phase::decode;
    run.scenario.batch = 4;
    run.totals.item = "token";
    run.totals.pipeline.emplace();
    PipelineResult& pipeline = *run.totals.pipeline;
    pipeline.stages.resize(2);
    pipeline.round_trip = Seconds(50e-6);
    pipeline.overhead = Seconds(10e-6);
    CHECK(closing_hop_text(run, 20000)
              .find("\na hop of 85.0 us between cards, in place of "
                    "overheads, would make the published 20,000 tokens/s "
                    "of 4 users\n") != std::string::npos);
    CHECK(closing_hop_text(run, 200000).empty());  // its stages alone take longer
    pipeline.overhead = Seconds(0);
    CHECK(closing_hop_text(run, 20000).empty());
}

TEST_CASE("a row is within its band, outside of it, shown or calibrated, by its error") {
    CHECK(score(plain_row("a", 100), 109).verdict == Verdict::within);
    CHECK(score(plain_row("a", 100), 111).verdict == Verdict::outside);
    CHECK(score(plain_row("a", 100), 89).error == Approx(-11));
    ValidationRow shown = plain_row("a", 100);
    shown.counted = false;
    CHECK(score(shown, 200).verdict == Verdict::shown);
    shown.calibrated = true;
    CHECK(score(shown, 200).verdict == Verdict::calibrated);
    ValidationRow points = plain_row("a", 50);
    points.band = {ErrorBand::Kind::points, 5};
    CHECK(score(points, 54).error == Approx(4));
    CHECK(score(points, 56).verdict == Verdict::outside);
}

TEST_CASE("a known miss may grow by two points and no more, and may not change its side") {
    ValidationRow missed = plain_row("a", 100);
    missed.known_miss = KnownMiss{20, "why"};
    CHECK(score(missed, 121.9).verdict == Verdict::known_miss);
    CHECK(score(missed, 122.1).verdict == Verdict::grown);
    CHECK(score(missed, 115).verdict == Verdict::known_miss);
    CHECK(score(missed, 80).verdict == Verdict::grown);
    CHECK(score(missed, 105).verdict == Verdict::within);
}

TEST_CASE("a group's median and worst are those of its counted rows, by size") {
    std::vector<ScoredRow> rows;
    for (const auto& [id, predicted] :
         {std::pair{"a", 101.0}, {"b", 94.0}, {"c", 108.0}, {"d", 97.0}}) {
        rows.push_back(score(plain_row(id, 100), predicted));
    }
    ValidationRow calibrated = plain_row("e", 100);
    calibrated.calibrated = true;
    calibrated.counted = false;
    rows.push_back(score(calibrated, 150));
    const std::vector<GroupScore> groups = group_scores(rows);
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].counted == 4);
    CHECK(groups[0].median == Approx(4.5));
    CHECK(groups[0].worst == Approx(8));
    CHECK(groups[0].worst_id == "c");
    CHECK(failures(rows).empty());
}

TEST_CASE(
    "a ratio is the figure of a row's run over that of another, which may be of another machine") {
    const std::string batch_2 =
        ", over: {machine: tiny_von_neumann, workload: {network: tiny_linear, phase: single, "
        "batch: 2, engine: analytic}}";
    std::string ratio = row("ratio", "1", batch_2 + ", counted: false");
    ratio.replace(ratio.find("frames/s"), 8, "ratio");
    const TemporaryFolder folder;
    const std::string one = row("one", "1", ", counted: false");
    std::string two = row("two", "1", ", counted: false");
    two.replace(two.find("phase: single"), 13, "phase: single, batch: 2");
    const ProgramRun run = validate(folder, file(one + two + ratio), {"--json", "-"});
    INFO(run.err);
    REQUIRE(run.status == 0);
    const auto json = nlohmann::json::parse(run.out);
    const auto predicted = [&](std::size_t number) {
        return json["rows"][number]["predicted"].get<double>();
    };
    CHECK(predicted(0) != predicted(1));
    CHECK(predicted(2) == Approx(predicted(0) / predicted(1)).epsilon(1e-12));
    CHECK(json["rows"][2]["unit"] == "ratio");
    CHECK(json["rows"][2]["workload"] ==
          "tiny_linear, single; over tiny_von_neumann: tiny_linear, single, batch 2");
    CHECK(json["rows"][2]["back_of_envelope"].is_null());

    const ProgramRun no_ratio = validate(folder, file(row("a", "1", batch_2)));
    CHECK(no_ratio.status == 2);
    CHECK(no_ratio.err.find("unknown unit 'frames/s'; expected ratio") != std::string::npos);
}

TEST_CASE("validate measures each row and succeeds where all are within their bands") {
    const TemporaryFolder folder;
    const ProgramRun first = validate(folder, file(row("a", "1", "")), {"--json", "-"});
    CHECK(first.status == 1);
    CHECK(first.err.find("validate: outside of their bands: a") != std::string::npos);
    const double rate = nlohmann::json::parse(first.out)["rows"][0]["predicted"];
    const std::string published = std::to_string(rate * 1.03);
    const ProgramRun second = validate(
        folder, file(row("a", published, "") + row("b", "1", ", counted: false")), {"--json", "-"});
    INFO(second.err);
    REQUIRE(second.status == 0);
    const auto json = nlohmann::json::parse(second.out);
    CHECK(json["schema"] == "memwall.validation/1");
    const auto& a = json["rows"][0];
    CHECK(a["id"] == "a");
    CHECK(a["machine"] == "tiny_von_neumann");
    CHECK(a["metric"] == "throughput");
    CHECK(a["unit"] == "frames/s");
    CHECK(a["error"].get<double>() == Approx(100 / 1.03 - 100).epsilon(1e-3));
    CHECK(a["calibrated"] == false);
    CHECK(a["counted"] == true);
    CHECK(a["band"]["percent"] == 5.0);
    CHECK(a["known_miss"].is_null());
    CHECK(a["source"] == "made up");
    CHECK(json["rows"][1]["verdict"] == "shown");
    CHECK(json["groups"][0]["counted"] == 1);
}

TEST_CASE("the table of validate has the misses first, with what causes them") {
    const TemporaryFolder folder;
    const ProgramRun measured =
        validate(folder, file(row("a", "1", ", counted: false")), {"--json", "-"});
    const double rate = nlohmann::json::parse(measured.out)["rows"][0]["predicted"];
    const ProgramRun run =
        validate(folder, file(row("good", std::to_string(rate), "") +
                              row("bad", std::to_string(rate / 1.5),
                                  ", known_miss: {error: 50, reason: \"the moon\"}")));
    INFO(run.err);
    REQUIRE(run.status == 0);
    CHECK(run.out.find("bad") < run.out.find("good"));
    CHECK(run.out.find("bad: +50.0 % (+50.0 known): the moon") != std::string::npos);
}

TEST_CASE("faults of a validation file come at once, each with its place") {
    const TemporaryFolder folder;
    const ProgramRun run = validate(
        folder, file(row("a", "1", "") + row("a", "2", "") +
                     row("b", "1", ", calibrated: true, counted: true") +
                     "  - {id: c, machine: tiny_von_neumann, workload: {network: x, bacth: 2}, "
                     "metric: throughputs, unit: W, published: 0, source: s, band: {share: 1}}\n"));
    CHECK(run.status == 2);
    for (const char* fault :
         {"tiny.yaml:5:5: error: duplicate row 'a' (first at line 4)",
          "'counted' in validation row: expected false, since the row is calibrated",
          "unknown key 'bacth' in 'workload'; did you mean 'batch'?", "did you mean 'throughput'?",
          "unknown key 'share' in 'band'"}) {
        INFO(run.err);
        CHECK(run.err.find(fault) != std::string::npos);
    }
    const ProgramRun unknown = validate(
        folder, file("  - {id: c, machine: tiny_von_neuman, workload: {network: tiny_linear}, "
                     "metric: power, unit: W, published: 1, source: s, band: {percent: 1}}\n"));
    CHECK(unknown.status == 2);
    CHECK(unknown.err.find("row 'c': ") != std::string::npos);
    CHECK(unknown.err.find("did you mean 'tiny_von_neumann'?") != std::string::npos);
}

TEST_CASE("an unknown validation is told with the nearest name") {
    const ProgramRun run = run_memwall({"validate", "northpol"});
    CHECK(run.status == 2);
    CHECK(run.err.find("unknown validation 'northpol'; did you mean 'northpole'?") !=
          std::string::npos);
}

TEST_CASE("the shipped rows of single operators stand as their file says") {
    const auto json = validated("a100_operators");
    CHECK(json["rows"].size() == 20);
    CHECK(json["groups"][0]["median"].get<double>() <= 8);
    for (const auto& row : json["rows"]) {
        INFO(row["id"]);
        CHECK((row["within"] == true || row["known_miss"].is_object()));
        CHECK(row["back_of_envelope"].is_number());
    }
}

TEST_CASE("Eyeriss on AlexNet, mapped by hand, is in its bands but for the misses that are known") {
    const auto json = validated("eyeriss");
    check_rows(json);
    int counted = 0;
    int missed = 0;
    for (const auto& row : json["rows"]) {
        counted += row["counted"] == true ? 1 : 0;
        missed += row["known_miss"].is_object() ? 1 : 0;
    }
    CHECK(counted == 19);
    CHECK(missed == 2);
}

TEST_CASE("Eyeriss takes as long on each of VGG-16's convolutions as was published, within 5 %") {
    const auto json = validated("eyeriss_vgg16");
    check_rows(json);
    int times = 0;
    int powers = 0;
    for (const auto& row : json["rows"]) {
        const bool inside = row["within"] == true;
        times += row["metric"] == "array_time" && inside ? 1 : 0;
        powers += row["metric"] == "layer_chip_power" && inside ? 1 : 0;
    }
    CHECK(times == 13);
    CHECK(powers == 12);
}

TEST_CASE("TPU v1's cycles go where its paper says, but for the misses that are known") {
    const auto json = validated("tpu_v1");
    check_rows(json);
    double mlp0 = 0;
    for (const auto& row : json["rows"]) {
        const auto id = row["id"].get<std::string>();
        if (id.rfind("tpuv1_mlp0_", 0) == 0 && row["unit"] == "%") {
            mlp0 += row["predicted"].get<double>();
        }
    }
    CHECK(mlp0 == Approx(100));
}

TEST_CASE("TPU v3 is scored on its MLPerf result alone, a pod and production are shown") {
    const auto json = validated("tpu_v3");
    int judged = 0;
    for (const auto& row : json["rows"]) {
        INFO(row["id"]);
        judged += row["counted"] == true ? 1 : 0;
        CHECK((row["counted"] == false || row["within"] == true));
        if (row["metric"] == "power") {  // docs/validation.md: less than the least measured
            CHECK(row["predicted"].get<double>() < row["spread"]["low"].get<double>());
        }
    }
    CHECK(judged == 1);
}

TEST_CASE("No layer of ResNet-50 is mapped worse than by Timeloop on its Eyeriss-like design") {
    const auto json = validated("timeloop");
    CHECK(json["rows"].size() == 21);
    for (const auto& row : json["rows"]) {
        INFO(row["id"]);
        CHECK(row["predicted"].get<double>() <= row["published"].get<double>());
    }
    // At every step an element reads a weight, an input and a sum, writes a sum and multiplies.
    const ProgramRun mapped = run_memwall({"run", "--machine", "timeloop_eyeriss_like", "--network",
                                           "resnet50_v1", "--precision", "w8a8o8", "--engine",
                                           "analytic", "--phase", "single", "--json", "-"});
    REQUIRE(mapped.status == 0);
    const auto result = nlohmann::json::parse(mapped.out);
    int bounded = 0;
    for (const auto& layer : result["runs"][0]["layers"]) {
        const auto macs = layer["macs"].get<double>();
        if (macs > 0) {
            INFO(layer["name"]);
            ++bounded;
            CHECK(layer["adds_s"].get<double>() >= macs / 168 * 1e-9);
            CHECK(layer["energy_j"].get<double>() >
                  macs * (0.988 + 0.101 + 0.2513 + 0.2076) * 1e-12);
        }
    }
    CHECK(bounded == 54);
}

TEST_CASE("Where MAESTRO's elements decide, its dataflows take as long here, and nowhere less") {
    const auto json = validated("maestro");
    std::map<std::string, int> judged;
    for (const auto& row : json["rows"]) {
        INFO(row["id"]);
        judged[row["group"]] += row["counted"] == true ? 1 : 0;
        if (row["counted"] == true && row["metric"] == "layer_time") {
            CHECK(row["error"].get<double>() >= 0);  // the way in and out comes on top
        }
    }
    CHECK(judged == std::map<std::string, int>{{"maestro_kcp_ws", 1},
                                               {"maestro_nlr", 1},
                                               {"maestro_xp_ws", 17},
                                               {"maestro_yxp_os", 6},
                                               {"maestro_kcp_ws_energy", 22}});
}

TEST_CASE("ONNXim's network takes as long here, though not every layer does") {
    const auto json = validated("onnxim");
    int layers = 0;
    double microseconds = 0;
    for (const auto& row : json["rows"]) {
        INFO(row["id"]);
        // "the 3 layers of this shape"
        const int of_shape = row["spread"].is_null()
                                 ? 1
                                 : std::stoi(row["spread"]["source"].get<std::string>().substr(4));
        layers += of_shape;
        microseconds += of_shape * row["predicted"].get<double>();
    }
    CHECK(layers == 54);
    CHECK(microseconds == Approx(697.353).epsilon(0.03));  // its 697,353 cycles of 1 ns
}

TEST_CASE("a metric of a memory says which, and a wrong one is told with the nearest") {
    const TemporaryFolder folder;
    const auto with = [&](const std::string& memory) {
        return validate(
            folder, file("  - {id: a, machine: tiny_loop_nest, workload: {network: lenet, "
                         "mapping: lenet_by_hand, phase: single, engine: analytic}, metric: "
                         "layer_traffic, layer: conv2" +
                         memory + ", unit: kB, published: 1, source: s, band: {percent: 1}}\n"));
    };
    CHECK(with("").err.find("missing key 'memory'") != std::string::npos);
    CHECK(with(", memory: bufer").err.find("did you mean 'buffer'?") != std::string::npos);
    CHECK(with(", memory: buffer").status == 1);  // out of its band
}

TEST_CASE("every shipped validation file is fine") {
    const ProgramRun run =
        run_memwall({"check", "northpole", "a100_operators", "a100_power", "gpu_mlperf",
                     "gpu_training", "gpu_language", "scalesim", "timeloop", "eyeriss_mapper",
                     "tpu_v1", "tpu_v3", "dadiannao", "maestro", "onnxim", "zigzag"});
    INFO(run.err);
    CHECK(run.status == 0);
    CHECK(run.out.find("validation, 20 rows") != std::string::npos);
}
