// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "base/yaml.hpp"

using namespace memwall;

namespace {

/// The faults, one a line, that `use` leaves when it reads `text` as component 'array'.
std::string faults_of(const std::string& text, const std::function<void(MapReader&)>& use) {
    Diagnostics faults;
    const YamlValue root = read_yaml_text(text, "f.yaml", faults);
    MapReader reader(root, "component 'array'", faults);
    use(reader);
    try {
        faults.throw_if_any();
        return "";
    } catch (const InputError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("Typed keys are read, and finish finds nothing left") {
    CHECK(faults_of("kind: mac_array\nrows: 16\nfast: true\nshare: 0.5\ncapacity: 768 KiB\n"
                    "clock: 400 MHz\n",
                    [](MapReader& reader) {
                        CHECK(reader.required<std::string>("kind") == "mac_array");
                        CHECK(reader.required<std::int64_t>("rows") == 16);
                        CHECK(reader.optional<bool>("fast", false));
                        CHECK(reader.optional<double>("share") == 0.5);
                        CHECK(reader.required_positive<Bytes>("capacity") == Bytes(786'432));
                        CHECK(reader.optional_positive<Hertz>("clock", Hertz(1)) ==
                              Hertz(400'000'000));
                        CHECK(reader.optional<Cycles>("latency", Cycles(3)) == Cycles(3));
                        CHECK_FALSE(reader.optional<Cycles>("latency").has_value());
                        reader.finish();
                    })
              .empty());
}

TEST_CASE("A missing key is told at its map, once") {
    CHECK(faults_of("\n  kind: x\n", [](MapReader& reader) {
              CHECK(reader.required<std::int64_t>("rows") == 0);
              CHECK(reader.required_value("rows").is_null());
              CHECK(reader.required_items("rows").empty());
          }) == "f.yaml:2:3: error: missing key 'rows' in component 'array'");
}

TEST_CASE("An unknown key is told at its place with the nearest known name") {
    CHECK(faults_of("rows: 16\ncolumms: 4\n",
                    [](MapReader& reader) {
                        reader.required<std::int64_t>("rows");
                        reader.optional<std::int64_t>("columns", 1);
                        reader.finish();
                    }) ==
          "f.yaml:2:1: error: unknown key 'columms' in component 'array'; did you mean 'columns'?");
}

TEST_CASE("A misspelt required key is one fault, not also a missing one") {
    CHECK(
        faults_of("rosw: 16\nfoo: 1\n",
                  [](MapReader& reader) {
                      reader.required<std::int64_t>("rows");
                      reader.required<std::int64_t>("columns");
                      reader.finish();
                  }) ==
        "f.yaml:1:1: error: unknown key 'rosw' in component 'array'; did you mean 'rows'?\n"
        "f.yaml:1:1: error: missing key 'columns' in component 'array'\n"
        "f.yaml:2:1: error: unknown key 'foo' in component 'array'; expected one of columns, rows");
}

TEST_CASE("A wrong value says what was expected, with an example, and what was found") {
    CHECK(faults_of("capacity: 12 kg\nrows: x\nfast: yes\nshare: [1]\nname:\n",
                    [](MapReader& reader) {
                        CHECK(reader.required<Bytes>("capacity") == Bytes(0));
                        CHECK(reader.optional<std::int64_t>("rows", 7) == 7);
                        CHECK_FALSE(reader.optional<bool>("fast").has_value());
                        reader.required<double>("share");
                        reader.required<std::string>("name");
                        reader.finish();
                    }) ==
          "f.yaml:1:11: error: 'capacity' in component 'array': expected bytes such as 768 KiB, "
          "found '12 kg'\n"
          "f.yaml:2:7: error: 'rows' in component 'array': expected a whole number such as 16, "
          "found 'x'\n"
          "f.yaml:3:7: error: 'fast' in component 'array': expected true or false, found 'yes'\n"
          "f.yaml:4:8: error: 'share' in component 'array': expected a single value, found a list\n"
          "f.yaml:5:1: error: 'name' in component 'array': expected a single value, found nothing");
}

TEST_CASE("Where a value must be above zero, zero and less are faults and read as the fallback") {
    CHECK(
        faults_of("rows: 0\ncolumns: -4\ncapacity: 0 B\nshare: 0\nwidth: 1\n",
                  [](MapReader& reader) {
                      CHECK(reader.required_positive<std::int64_t>("rows") == 1);
                      CHECK(reader.optional_positive<std::int64_t>("columns", 8) == 8);
                      CHECK(reader.required_positive<Bytes>("capacity") == Bytes(1));
                      CHECK(reader.required_positive<double>("share") == 1.0);
                      CHECK(reader.required_positive<double>("width") == 1.0);
                      CHECK(reader.optional_positive<Bytes>("none", Bytes(5)) == Bytes(5));
                  }) ==
        "f.yaml:1:7: error: 'rows' in component 'array': expected a value above zero, found '0'\n"
        "f.yaml:2:10: error: 'columns' in component 'array': expected a value above zero, found "
        "'-4'\n"
        "f.yaml:3:11: error: 'capacity' in component 'array': expected a value above zero, found "
        "'0 B'\n"
        "f.yaml:4:8: error: 'share' in component 'array': expected a value above zero, found '0'");
}

TEST_CASE("A choice is one of the names, a wrong one suggests the nearest") {
    const std::vector<std::string> flows = {"weight_stationary", "output_stationary"};
    CHECK(faults_of("a: output_stationary\nb: weight_stationry\nc: fast\n",
                    [&](MapReader& reader) {
                        CHECK(reader.required_choice("a", flows) == 1);
                        CHECK_FALSE(reader.optional_choice("b", flows).has_value());
                        CHECK_FALSE(reader.required_choice("c", flows).has_value());
                        CHECK_FALSE(reader.optional_choice("d", flows).has_value());
                        CHECK_FALSE(reader.required_choice("e", flows).has_value());
                    }) ==
          "f.yaml:1:1: error: missing key 'e' in component 'array'\n"
          "f.yaml:2:4: error: unknown b 'weight_stationry'; did you mean 'weight_stationary'?\n"
          "f.yaml:3:4: error: unknown c 'fast'; expected one of weight_stationary, "
          "output_stationary");
}

TEST_CASE("Lists and maps are asked for by kind, and the wrong kind is told") {
    CHECK(faults_of("list: [1, 2]\nmap: {a: 1}\nword: x\n",
                    [](MapReader& reader) {
                        CHECK(reader.required_items("list").size() == 2);
                        CHECK(reader.required_entries("map").size() == 1);
                        CHECK(reader.optional_items("none").empty());
                        CHECK(reader.optional_entries("none").empty());
                        CHECK(reader.required_entries("word").empty());
                        CHECK(reader.optional_items("map").empty());
                        reader.finish();
                    }) ==
          "f.yaml:2:6: error: 'map' in component 'array': expected a list, found a map\n"
          "f.yaml:3:7: error: 'word' in component 'array': expected a map, found a single value");
}

TEST_CASE("What should be a map and is not is one fault, without the keys it lacks") {
    const auto use = [](MapReader& reader) {
        reader.required<std::int64_t>("rows");
        reader.required_choice("kind", {"a"});
        reader.finish();
    };
    CHECK(faults_of("word\n", use) ==
          "f.yaml:1:1: error: component 'array': expected keys and values, found a single value");
    CHECK(faults_of("[1, 2]\n", use) ==
          "f.yaml:1:1: error: component 'array': expected keys and values, found a list");
    CHECK(faults_of("", use) ==
          "f.yaml:1:1: error: component 'array': expected keys and values, found nothing");
}

TEST_CASE("A reader's own fault stands at the key's value, or at the map") {
    CHECK(faults_of("\n  rows: 3\n", [](MapReader& reader) {
              reader.error("rows", "must be even");
              reader.error("columns", "must be stated");
          }) == "f.yaml:2:3: error: must be stated\nf.yaml:2:9: error: must be even");
}

TEST_CASE("A map that two aliases share tells its faults once") {
    Diagnostics faults;
    const YamlValue root = read_yaml_text("a: &x {rows: y}\nb: *x\n", "f.yaml", faults);
    for (const auto& entry : root.entries()) {
        MapReader(entry.value, "component", faults).required<std::int64_t>("rows");
    }
    CHECK(faults.faults().size() == 2);
    CHECK_THROWS_WITH(
        faults.throw_if_any(),
        "f.yaml:1:14: error: 'rows' in component: expected a whole number such as 16, "
        "found 'y'");
}
