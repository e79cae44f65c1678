// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "base/file.hpp"
#include "base/yaml.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;

namespace {

YamlValue read(const std::string& text) {
    Diagnostics faults;
    YamlValue value = read_yaml_text(text, "f.yaml", faults);
    faults.throw_if_any();
    return value;
}

/// Every fault of a text, one a line; "" where there is none.
std::string faults_of(const std::string& text) {
    try {
        read(text);
        return "";
    } catch (const InputError& error) {
        return error.what();
    }
}

std::string place(const YamlValue& value) {
    return std::to_string(value.mark().line) + ":" + std::to_string(value.mark().column);
}

}  // namespace

TEST_CASE("Every key and value knows its line and column") {
    const YamlValue root = read(
        "machine: small\n"
        "components:\n"
        "  array: {kind: mac_array, rows: 16}\n"
        "  list:\n"
        "    - first\n"
        "    - [a, b]\n");
    REQUIRE(root.is_map());
    CHECK(place(root) == "1:1");
    CHECK(root.mark().file == "f.yaml");
    CHECK(place(*root.find("machine")) == "1:10");
    const YamlValue& components = *root.find("components");
    REQUIRE(components.entries().size() == 2);
    CHECK(components.entries()[0].key == "array");
    CHECK(components.entries()[0].key_mark.line == 3);
    CHECK(components.entries()[0].key_mark.column == 3);
    const YamlValue& array = *components.find("array");
    CHECK(place(array) == "3:10");
    CHECK(place(*array.find("rows")) == "3:34");
    CHECK(array.find("rows")->text() == "16");
    CHECK(place(components.find("list")->items()[1]) == "6:7");
    CHECK(components.find("list")->items()[1].items()[1].text() == "b");
    CHECK(root.find("nothing") == nullptr);
}

TEST_CASE("Entries keep the order of the file") {
    const YamlValue root = read("z: 1\na: 2\nm: 3\n");
    std::string order;
    for (const auto& entry : root.entries()) {
        order += entry.key;
    }
    CHECK(order == "zam");
}

TEST_CASE("Nothing, null and a tilde are null, quoted or not empty words are not") {
    const YamlValue root = read("a:\nb: null\nc: ~\nd: ''\ne: 'null'\nf: nothing\n");
    CHECK(root.find("a")->is_null());
    CHECK(root.find("b")->is_null());
    CHECK(root.find("c")->is_null());
    CHECK(root.find("d")->is_scalar());
    CHECK(root.find("e")->text() == "null");
    CHECK(root.find("f")->text() == "nothing");
    CHECK(place(*root.find("a")) == "1:1");  // nothing stands there: the place is that of its key
    CHECK(place(*root.find("b")) == "2:4");
}

TEST_CASE("Words keep their letters: yes is no truth value and 010 no octal number") {
    const YamlValue root = read("a: yes\nb: 010\nno: 0x10\n");
    CHECK(root.find("a")->text() == "yes");
    CHECK(root.find("b")->text() == "010");
    CHECK(root.find("no")->text() == "0x10");
}

TEST_CASE("An empty file reads as null at its beginning") {
    for (const char* text :
         {"", "\n\n", "# only a comment\n", "\xEF\xBB\xBF", "---\n", "---\n...\n"}) {
        CAPTURE(text);
        const YamlValue root = read(text);
        CHECK(root.is_null());
        CHECK(root.mark().file == "f.yaml");
        CHECK(root.mark().line >= 1);
    }
}

TEST_CASE("Windows line ends and a byte order mark change neither text nor places") {
    const YamlValue root = read(
        "\xEF\xBB\xBF"
        "a: x y\r\nb: |\r\n  one\r\n  two\r\nc: z\r\n");
    CHECK(root.find("a")->text() == "x y");
    CHECK(place(*root.find("a")) == "1:4");
    CHECK(root.find("b")->text() == "one\ntwo\n");
    CHECK(place(*root.find("c")) == "5:4");
    CHECK(read("a: 1\rb: 2\r").find("b")->text() == "2");
}

TEST_CASE("A duplicate key names the line of the first") {
    CHECK(faults_of("network: a\nnetwork: b\n") ==
          "f.yaml:2:1: error: duplicate key 'network' (first at line 1)");
    CHECK(faults_of("x: {a: 1, b: 2, a: 3}\n") ==
          "f.yaml:1:17: error: duplicate key 'a' (first at line 1)");
    CHECK(faults_of("x: {a: 1}\ny: {a: 1}\n").empty());
}

TEST_CASE("The first of duplicate keys stands, and all duplicates are told") {
    Diagnostics faults;
    const YamlValue root = read_yaml_text("a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n", "f.yaml", faults);
    CHECK(root.find("a")->text() == "1");
    CHECK(root.entries().size() == 2);
    CHECK(faults.faults().size() == 3);
}

TEST_CASE("A key that is no name is a fault and the rest is read on") {
    CHECK(faults_of("[a, b]: 1\nc: 2\nc: 3\n") ==
          "f.yaml:1:1: error: expected a name as the key\n"
          "f.yaml:3:1: error: duplicate key 'c' (first at line 2)");
    CHECK(faults_of("? {a: 1}\n: 2\n") == "f.yaml:1:3: error: expected a name as the key");
    CHECK(faults_of("~: 2\n") == "f.yaml:1:1: error: expected a name as the key");
}

TEST_CASE("A second document is a fault") {
    CHECK(faults_of("a: 1\n---\nb: 2\n") ==
          "f.yaml:2:1: error: expected one document, found a second");
    CHECK(faults_of("---\na: 1\n").empty());
}

TEST_CASE("Merge keys and tags are told to have no meaning here") {
    CHECK(faults_of("a: &x {b: 1}\nc: {<<: *x}\n") ==
          "f.yaml:2:5: error: merge keys ('<<') are not supported");
    CHECK(faults_of("a: !secret 1\n") ==
          "f.yaml:1:4: error: tags such as '!secret' have no meaning here");
    CHECK(faults_of("a: !!str 1\n").empty());
}

TEST_CASE("A syntax error ends the reading with one message and its place") {
    CHECK(faults_of("a: 1\nb: [1, 2\nc: 3\n").starts_with("f.yaml:3:"));
    CHECK_THAT(faults_of("a: 1\nb: [1, 2\nc: 3\n"), Catch::Contains(": error: no YAML: "));
    CHECK(faults_of("a: b: c\n").starts_with("f.yaml:1:5: error: no YAML: "));
    CHECK_THAT(faults_of("a:\n \tb: 1\n"),
               Catch::StartsWith("f.yaml:2:2: error: no YAML: a tab indents the line"));
    CHECK_THAT(faults_of("a: {\n\tb: 1}\nc: d: e\n"),
               Catch::StartsWith("f.yaml:3:5: error: no YAML: ") && !Catch::Contains("tab"));
    CHECK(faults_of("a: 1\n\tb: 2\n").starts_with("f.yaml:2:"));
    CHECK(faults_of("a: *nowhere\n").starts_with("f.yaml:1:4: error: no YAML: "));
    for (const char* text : {"a: b: c\na: 1\n", "a: 1\na: 2\n b: ]\n"}) {
        const std::string faults = faults_of(text);
        CAPTURE(faults);
        CHECK(faults.find('\n') == std::string::npos);
    }
}

TEST_CASE("A quote that the end of the file leaves open is a fault at its beginning") {
    const std::string fault = "error: no YAML: a quote is not closed";
    CHECK(faults_of("a: 'open\nb: 2\n") == "f.yaml:1:4: " + fault);
    CHECK(faults_of("a: \"open\n") == "f.yaml:1:4: " + fault);
    CHECK(faults_of("a: 1\n\"open: 2\n") == "f.yaml:2:1: " + fault);
    CHECK(faults_of("a: &x 'open\n") == "f.yaml:1:4: " + fault);
    CHECK(faults_of("a: 'it''").starts_with("f.yaml:1:"));
    CHECK(faults_of("a: \"x\\\"").starts_with("f.yaml:1:"));
    CHECK(faults_of("a: 'it''s'\n").empty());
    CHECK(faults_of("a: \"x\\\"y\\\\\"\n").empty());
    CHECK(faults_of("a: &x 'closed'").empty());
    CHECK(faults_of("a: |\n  'open\n").empty());
    CHECK(faults_of("a: it's\n").empty());
    CHECK(faults_of("a: 'closed' # it's\n").empty());
}

TEST_CASE("A control character is a fault at its place and never the silent end of the file") {
    CHECK(faults_of("a: 1\nb: \x04\nc: 3\n") ==
          "f.yaml:2:4: error: expected text, found control character 4");
    CHECK(faults_of(std::string("a: 1\n\0b", 7)) ==
          "f.yaml:2:1: error: expected text, found control character 0");
}

TEST_CASE("Bytes that are no UTF-8 are a fault at their place, characters of any length are not") {
    CHECK(faults_of("a: 1\nb: \"\xff\xfe\"\n") ==
          "f.yaml:2:5: error: expected UTF-8 text, found byte 255");
    CHECK(faults_of("a: \xc3\x28\n") == "f.yaml:1:4: error: expected UTF-8 text, found byte 195");
    // Longer than needed, a surrogate, beyond the last character, cut off.
    for (const char* wrong : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
        CHECK(faults_of(std::string("a: ") + wrong).find("expected UTF-8 text") !=
              std::string::npos);
    }
    const YamlValue root = read("a: \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xed\x9f\xbf\n");
    CHECK(root.find("a")->text() == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xed\x9f\xbf");
    CHECK(faults_of("\xc3\xa9: 1\nb: \xff\n") ==
          "f.yaml:2:4: error: expected UTF-8 text, found byte 255");
}

TEST_CASE("An alias stands for the value it names") {
    const YamlValue root = read("a: &x {rows: 16}\nb: *x\nc: [*x, *x]\n");
    CHECK(root.find("b")->find("rows")->text() == "16");
    CHECK(root.find("c")->items()[1].find("rows")->text() == "16");
    CHECK(place(*root.find("b")->find("rows")) == "1:14");
}

TEST_CASE("An alias inside the value that it names is a fault") {
    CHECK(faults_of("a: &x [1, *x]\n") ==
          "f.yaml:1:11: error: an alias stands inside the value that it names");
}

TEST_CASE("Aliases that stand for millions of values are refused at once") {
    std::string text = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n";
    for (int level = 1; level <= 12; ++level) {
        const std::string before = "*x" + std::to_string(level - 1);
        const std::string name = "x" + std::to_string(level);
        text += name + ": &" + name + " [" + before;
        for (int copy = 1; copy < 10; ++copy) {
            text += ", " + before;
        }
        text += "]\n";
    }
    CHECK_THAT(
        faults_of(text),
        Catch::Contains("more than 1,000,000 values, those that aliases stand for included"));
}

TEST_CASE("Nesting ends at 64 levels, aliases included") {
    const auto nested = [](int levels) {
        return std::string(static_cast<std::size_t>(levels), '[') + "a" +
               std::string(static_cast<std::size_t>(levels), ']');
    };
    CHECK(faults_of(nested(64)).empty());
    CHECK(faults_of(nested(65)) == "f.yaml:1:65: error: nested deeper than 64 levels");
    CHECK(faults_of(nested(100'000)).find("error: ") != std::string::npos);
    CHECK(faults_of("a: &x " + nested(40) + "\nb: " + std::string(22, '[') + "*x" +
                    std::string(22, ']') + "\n") == "");
    CHECK(faults_of("a: &x " + nested(40) + "\nb: " + std::string(24, '[') + "*x" +
                    std::string(24, ']') + "\n") ==
          "f.yaml:2:28: error: nested deeper than 64 levels");
}

TEST_CASE("A file that cannot be read is one clear fault") {
    const TemporaryFolder folder;
    Diagnostics faults;
    const auto message = [&](const std::filesystem::path& path) -> std::string {
        try {
            read_yaml_file(path, "shown.yaml", faults);
            return "";
        } catch (const InputError& error) {
            return error.what();
        }
    };
    CHECK(message(folder.path() / "none.yaml") == "shown.yaml: error: no such file");
    CHECK(message(folder.path()) == "shown.yaml: error: is a folder; expected a YAML file");
    write_file_whole(folder.path() / "good.yaml", "a: 1\n");
    CHECK(message(folder.path() / "good.yaml").empty());
    CHECK(message(folder.path() / "good.yaml" / "deeper") ==
          "shown.yaml: error: cannot be read: Not a directory");
    CHECK(faults.empty());
}

TEST_CASE("Any text is read or refused, never a crash") {
    const std::string good =
        "machine: &m small\nlist: [1, {a: 'b', \"c\": *m}]\ntext: |\n  x\n? k\n: - 1\n  - 2\n";
    const std::string letters = "[]{}:,-?&*!|>'\"%@` \n\t#a1\xC3\xFF\x01~<";
    std::mt19937_64 random(4);  // NOLINT: the same cases in every run
    int refused = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string text = good;
        for (auto changes = 1 + random() % 4; changes > 0; --changes) {
            text[random() % text.size()] = letters[random() % letters.size()];
        }
        refused += faults_of(text).empty() ? 0 : 1;
    }
    CHECK(faults_of(good).empty());
    CHECK(refused > 1000);
    CHECK(refused < 5000);
}
