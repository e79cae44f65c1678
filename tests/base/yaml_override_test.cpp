// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>

#include "base/yaml.hpp"

using namespace memwall;

namespace {

const char* const kMachine =
    "machine: small\n"
    "empty:\n"
    "components:\n"
    "  array: {kind: mac_array, rows: 16}\n"
    "layers:\n"
    "  - {name: conv1, kernel: 5}\n"
    "  - {name: conv.2, kernel: 3}\n"
    "  - unnamed\n";

YamlValue machine() {
    Diagnostics faults;
    return read_yaml_text(kMachine, "m.yaml", faults);
}

std::string failure(const std::string& path, const std::string& value) {
    try {
        with_override(machine(), path, value);
        return "";
    } catch (const InputError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("An override replaces one value and leaves the original tree as it was") {
    const YamlValue before = machine();
    const YamlValue after = with_override(before, "components.array.rows", "32");
    CHECK(after.find("components")->find("array")->find("rows")->text() == "32");
    CHECK(after.find("components")->find("array")->find("kind")->text() == "mac_array");
    CHECK(before.find("components")->find("array")->find("rows")->text() == "16");
    CHECK(with_override(before, "machine", "big").find("machine")->text() == "big");
}

TEST_CASE("An override adds a key to a map that is there") {
    const YamlValue after = with_override(machine(), "components.array.columns", "8");
    const auto& entries = after.find("components")->find("array")->entries();
    REQUIRE(entries.size() == 3);
    CHECK(entries[2].key == "columns");
}

TEST_CASE("A list element goes by its name, quoted where it holds a dot") {
    CHECK(with_override(machine(), "layers.conv1.kernel", "7")
              .find("layers")
              ->items()[0]
              .find("kernel")
              ->text() == "7");
    CHECK(with_override(machine(), "layers.'conv.2'.kernel", "1")
              .find("layers")
              ->items()[1]
              .find("kernel")
              ->text() == "1");
}

TEST_CASE("An override's value is YAML: a quantity, a list, a map, nothing") {
    CHECK(with_override(machine(), "machine", "768 KiB").find("machine")->text() == "768 KiB");
    CHECK(with_override(machine(), "machine", "[1, 2]").find("machine")->items().size() == 2);
    CHECK(with_override(machine(), "machine", "{a: {b: 1}}")
              .find("machine")
              ->find("a")
              ->find("b")
              ->text() == "1");
    CHECK(with_override(machine(), "machine", "").find("machine")->is_null());
}

TEST_CASE("Faults in an overridden value are told at the option that gave it") {
    const YamlValue after =
        with_override(machine(), "components.array.rows", "many", "--set a.rows=many");
    Diagnostics faults;
    MapReader reader(*after.find("components")->find("array"), "component 'array'", faults);
    reader.required<std::int64_t>("rows");
    REQUIRE(faults.faults().size() == 1);
    CHECK(faults.faults()[0].text() ==
          "--set a.rows=many: error: 'rows' in component 'array': expected a whole number such as "
          "16, found 'many'");
}

TEST_CASE("A part of the path that is not there is told with the nearest name") {
    CHECK(failure("components.aray.rows", "1") ==
          "error: cannot set 'components.aray.rows': no 'aray' in 'components'; did you mean "
          "'array'?");
    CHECK(failure("componets.array.rows", "1") ==
          "error: cannot set 'componets.array.rows': no 'componets' in the file; did you mean "
          "'components'?");
    CHECK(failure("layers.conv3.kernel", "1") ==
          "error: cannot set 'layers.conv3.kernel': no 'conv3' in 'layers'; did you mean 'conv1'?");
    CHECK(failure("layers.head", "1") ==
          "error: cannot set 'layers.head': no 'head' in 'layers'; expected one of conv1, conv.2");
    CHECK(failure("machine.name", "1") ==
          "error: cannot set 'machine.name': 'machine' has no keys");
    CHECK(failure("empty.name", "1") == "error: cannot set 'empty.name': 'empty' has no keys");
}

TEST_CASE("A path or value that makes no sense is one fault") {
    CHECK(failure("", "1") == "error: cannot set '': expected names with dots between them");
    CHECK(failure("a..b", "1") ==
          "error: cannot set 'a..b': expected names with dots between them");
    CHECK(failure("a.", "1") == "error: cannot set 'a.': expected names with dots between them");
    CHECK(failure("layers.'conv.2", "1") ==
          "error: cannot set 'layers.'conv.2': a quote (') is not closed");
    CHECK(failure("machine", "[1, 2")
              .starts_with("error: cannot set 'machine' to '[1, 2': no YAML: "));
    CHECK(failure("machine", "{a: 1, a: 2}") ==
          "error: cannot set 'machine' to '{a: 1, a: 2}': duplicate key 'a' (first at line 1)");
}
