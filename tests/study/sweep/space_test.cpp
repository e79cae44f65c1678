// SPDX-License-Identifier: Apache-2.0
// Points of grids, zips, lists and samples.
#include <catch2/catch.hpp>
#include <set>

#include "study/sweep/nsga2.hpp"
#include "study/sweep/sweep_file.hpp"

using namespace memwall;

namespace {

Sweep sweep_of(const std::string& text) {
    Diagnostics faults;
    const YamlValue tree = read_yaml_text(text, "s.yaml", faults);
    Sweep sweep = load_sweep(tree, faults);
    faults.throw_if_any();
    return sweep;
}

std::string fault_of(const std::string& text) {
    try {
        sweep_of(text);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

/// "a=1 b=2" of the axes at a point.
std::string text_at(const Sweep& sweep, std::int64_t point) {
    std::string text;
    for (const Setting& setting : sweep.space.at(point)) {
        text += (text.empty() ? "" : " ") + setting.path + "=" + setting.text();
    }
    return text;
}

}  // namespace

TEST_CASE("a grid has every combination, the last path changing fastest") {
    const Sweep sweep =
        sweep_of("sweep: s\ngrid:\n  batch: [1, 2]\n  precision: [int8, int4, w4a8]");
    REQUIRE(sweep.space.size() == 6);
    CHECK(text_at(sweep, 0) == "batch=1 precision=int8");
    CHECK(text_at(sweep, 1) == "batch=1 precision=int4");
    CHECK(text_at(sweep, 5) == "batch=2 precision=w4a8");
    for (std::int64_t point = 0; point < 6; ++point) {
        CHECK(sweep.space.point({point / 3, point % 3}) == point);
    }
}

TEST_CASE("zipped paths go together, a list is taken as it is, and both multiply a grid") {
    const Sweep sweep = sweep_of(
        "sweep: s\ngrid: {phase: [stream, single]}\n"
        "zip: {batch: [1, 4], precision: [int8, int4]}\n"
        "list: [{machine: a, network: x}, {machine: b, network: y}, {machine: b, network: x}]");
    REQUIRE(sweep.space.size() == 2 * 2 * 3);
    CHECK(text_at(sweep, 0) == "phase=stream batch=1 precision=int8 machine=a network=x");
    CHECK(text_at(sweep, 2) == "phase=stream batch=1 precision=int8 machine=b network=x");
    CHECK(text_at(sweep, 11) == "phase=single batch=4 precision=int4 machine=b network=x");
}

TEST_CASE("the axes override the base") {
    const Sweep sweep =
        sweep_of("sweep: s\nbase: {batch: 8, network: lenet}\ngrid: {batch: [1, 2]}");
    const Settings settings = sweep.settings(1);
    REQUIRE(settings.size() == 3);
    CHECK(settings[0].text() == "8");
    CHECK(settings[2].text() == "2");
}

TEST_CASE("samples depend on the seed alone, and any one can be made by itself") {
    const std::string text =
        "sweep: s\nsamples: {method: random, count: 50, seed: 3, over: {batch: {from: 1, to: "
        "100000}, machine.clock: {from: 100 MHz, to: 1 GHz, scale: log}}}";
    const Sweep sweep = sweep_of(text);
    REQUIRE(sweep.space.size() == 50);
    std::set<std::string> seen;
    for (std::int64_t point = 49; point >= 0; --point) {
        seen.insert(text_at(sweep, point));
        CHECK(text_at(sweep, point) == text_at(sweep_of(text), point));
    }
    CHECK(seen.size() == 50);
    CHECK(text_at(sweep_of("sweep: s\nsamples: {method: random, count: 50, seed: 4, over: {batch: "
                           "{from: 1, to: 100000}, machine.clock: {from: 100 MHz, to: 1 GHz, "
                           "scale: log}}}"),
                  0) != text_at(sweep, 0));
}

TEST_CASE("a Latin hypercube has one sample in every part of every range") {
    const Sweep sweep = sweep_of(
        "sweep: s\nsamples: {method: latin_hypercube, count: 40, over: {batch: {from: 1.0, to: "
        "41.0}, precision: [int8, int4, int2, w4a8]}}");
    std::set<int> parts;
    std::map<std::string, int> precisions;
    for (std::int64_t point = 0; point < 40; ++point) {
        const Settings settings = sweep.space.at(point);
        parts.insert(static_cast<int>(std::stod(settings[0].text())));
        ++precisions[settings[1].text()];
    }
    CHECK(parts.size() == 40);
    std::set<std::string> whole;
    const Sweep batches = sweep_of(
        "sweep: s\nsamples: {method: latin_hypercube, count: 8, over: {batch: {from: 1, to: 8}}}");
    for (std::int64_t point = 0; point < 8; ++point) {
        whole.insert(batches.space.at(point)[0].text());
    }
    CHECK(whole == std::set<std::string>{"1", "2", "3", "4", "5", "6", "7", "8"});
    CHECK(precisions.size() == 4);
    for (const auto& [precision, count] : precisions) {
        CHECK(count == 10);
    }
}

TEST_CASE("faults of a sweep file are told together, each at its place") {
    CHECK(fault_of("sweep: s\ngrid: {batch: [1, 2], batc: [3]}") ==
          "s.yaml:2:23: error: cannot set 'batc': expected a path that begins with machine., "
          "network. or scenario., or one of machine, network, batch, precision, phase, engine, "
          "effort, objective, items, rounds; did you mean 'batch'?");
    CHECK(fault_of("sweep: s\ngrid: {batch: [1, 1]}") ==
          "s.yaml:2:19: error: 'batch': 1 stands there twice");
    CHECK(fault_of("sweep: s\ngrid: {batch: [1]}\nzip: {batch: [2]}").find("is swept twice") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\nzip: {batch: [1, 2], precision: [int8]}") ==
          "s.yaml:2:22: error: 'zip': 'precision' has 1 values and 'batch' has 2");
    CHECK(fault_of("sweep: s\nconstraints: [\"area <= 800\"]")
              .find("'area' is no metric and no parameter of the sweep") != std::string::npos);
    CHECK(fault_of("sweep: s\nconstraints: [\"area_mm2 <= 8 KiB\"]")
              .find("expected a number in the unit of 'area_mm2', found '8 KiB'") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\nobjectives: [latency]").find("did you mean 'latency_s'?") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\nobjectives: [macs]").find("neither better nor worse") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\ngird: {batch: [1]}").find("did you mean 'grid'?") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\ngrid: {network: [a, b]}\nsearch: {method: nsga2, budget: 9}")
              .find("points of several networks cannot be compared") != std::string::npos);
}

TEST_CASE("constraints hold by their relation, with units where a parameter has them") {
    const Sweep sweep = sweep_of(
        "sweep: s\ngrid: {machine.clock: [1 GHz]}\n"
        "constraints: [\"area_mm2 <= 800\", \"power_w < 75\", \"machine.clock >= 400 MHz\"]");
    REQUIRE(sweep.constraints.size() == 3);
    CHECK(sweep.constraints[0].holds("800"));
    CHECK_FALSE(sweep.constraints[0].holds("800.5"));
    CHECK_FALSE(sweep.constraints[0].holds(""));
    CHECK_FALSE(sweep.constraints[1].holds("75"));
    CHECK(sweep.constraints[2].holds("0.4 GHz"));
    CHECK_FALSE(sweep.constraints[2].holds("399 MHz"));
}

TEST_CASE("constraints on texts are equalities, and bounds are of the kind of what they bound") {
    const std::string grid =
        "sweep: s\ngrid: {precision: [int8, int4], machine.clock: [1 GHz], "
        "batch: [1, 2]}\nconstraints: [\"";
    const Sweep sweep = sweep_of(grid + R"(precision == int8", "bound_by != dram"])");
    REQUIRE(sweep.constraints.size() == 2);
    CHECK(sweep.constraints[0].holds("int8"));
    CHECK_FALSE(sweep.constraints[0].holds("int4"));
    CHECK(sweep.constraints[1].holds("compute"));
    CHECK_FALSE(sweep.constraints[1].holds("dram"));
    CHECK_FALSE(sweep.constraints[1].holds(""));
    const auto refused = [&](const std::string& constraint, const std::string& why) {
        INFO(constraint);
        CHECK(fault_of(grid + constraint + "\"]") == "s.yaml:3:15: error: 'constraints': " + why);
    };
    refused("batch <= 1 KiB", "expected a number, as the values of 'batch' are, found '1 KiB'");
    refused("machine.clock <= 3",
            "expected hertz, as the values of 'machine.clock' are, found '3'");
    refused("precision <= int8", "'precision' is a text: expected == or != with it");
    refused("bound_by == ", "expected a word that 'bound_by' may be, found ''");
}

TEST_CASE("what would be taken for something else in silence is refused") {
    CHECK(fault_of("sweep: \"\"") ==
          "s.yaml:1:8: error: 'sweep' in sweep file: expected a name "
          "that can be a folder's, found ''");
    CHECK(fault_of("sweep: s\nobjectives: []").find("expected one or more metrics") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\nobjectives: [latency_s, {minimize: latency_s}]")
              .find("2:36: error: 'objectives': 'latency_s' stands there twice") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\nobjectives: [{maximize: machine}]").find("is a text") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\nsamples: {method: random, count: 3, seed: -1, over: {batch: [1]}}")
              .find("2:43: error: 'seed' in 'samples': expected a whole number from 0 on") !=
          std::string::npos);
    CHECK(fault_of("sweep: s\ngrid:\n  batch: {from: 1, to: 9999, steps: 9999}\n  items: {from: 1, "
                   "to: 9999, steps: 9999}")
              .find("s.yaml:3:3: error: the sweep has more than 10000000 points") == 0);
}

namespace {

/// Two objectives over a grid of 40 x 40 x 8: the best trade-offs have c = 3 and b = a.
Fitness valley(const PointSpace& space, std::int64_t point) {
    const Settings settings = space.at(point);
    const double a = std::stod(settings[0].text());
    const double b = std::stod(settings[1].text());
    const double c = std::stod(settings[2].text());
    const double off = (a - b) * (a - b) + 50 * (c - 3) * (c - 3);
    return {a < 5 ? 1 : 0, {a + off, 40 - a + off}};
}

struct Searched {
    std::vector<std::int64_t> points;
    std::map<std::int64_t, Fitness> fitness;
};

Searched search(const Sweep& sweep) {
    Nsga2 search(sweep.space, *sweep.search);
    Searched searched;
    for (auto points = search.ask(); !points.empty(); points = search.ask()) {
        for (const std::int64_t point : points) {
            CHECK(searched.fitness.count(point) == 0);
            searched.points.push_back(point);
            searched.fitness[point] = valley(sweep.space, point);
            search.tell(point, searched.fitness[point]);
        }
    }
    return searched;
}

}  // namespace

TEST_CASE("the search spends its budget near the front, far better than chance") {
    const std::string text =
        "sweep: s\ngrid:\n  batch: {from: 0, to: 39, steps: 40}\n  scenario.items: {from: 0, to: "
        "39, steps: 40}\n  scenario.users: {from: 0, to: 7, steps: 8}\n"
        "search: {method: nsga2, budget: 600, population: 40, seed: ";
    const Sweep sweep = sweep_of(text + "1}");
    const Searched first = search(sweep);
    CHECK(first.points.size() == 600);
    CHECK(search(sweep_of(text + "1}")).points == first.points);
    CHECK(search(sweep_of(text + "2}")).points != first.points);
    // 35 of 12,800 points are on the front of what the constraint allows; by chance 600 points
    // would meet 1.6 of them, and four times as many with luck.
    int on_front = 0;
    for (const auto& [point, fitness] : first.fitness) {
        on_front += fitness.violations == 0 && fitness.costs[0] + fitness.costs[1] == 40 ? 1 : 0;
    }
    CHECK(on_front >= 7);
}

TEST_CASE("a search with more budget than points asks for each point once") {
    const Sweep sweep = sweep_of(
        "sweep: s\ngrid: {batch: [10, 20], scenario.items: [1, 2, 3], scenario.users: [3]}\n"
        "search: {method: nsga2, budget: 50, population: 4}");
    CHECK(search(sweep).points.size() == 6);
}
