// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_writer.hpp"

#include <catch2/catch.hpp>

#include "base/yaml.hpp"
#include "tests/support/draw.hpp"

using namespace memwall;

namespace {

YamlValue read(const std::string& text) {
    Diagnostics faults;
    YamlValue root = read_yaml_text(text, "text.yaml", faults);
    faults.throw_if_any();
    return root;
}

}  // namespace

TEST_CASE("Names and numbers stay as they are, everything else is quoted") {
    CHECK(yaml_scalar("stage2_1/conv.1") == "stage2_1/conv.1");
    CHECK(yaml_scalar("-3") == "-3");
    CHECK(yaml_scalar("0.5") == "0.5");
    CHECK(yaml_scalar("block{i}") == "\"block{i}\"");
    CHECK(yaml_scalar("") == "\"\"");
    CHECK(yaml_scalar("null") == "\"null\"");
    CHECK(yaml_scalar("a: b") == "\"a: b\"");
    CHECK(yaml_scalar("-") == "\"-\"");
    CHECK(yaml_scalar("say \"so\"\n") == "\"say \\\"so\\\"\\x0A\"");
}

TEST_CASE("Any text reads back as itself, alone, in a list and as a key") {
    test::Draw draw(3);
    for (int example = 0; example < 400; ++example) {
        std::string text;
        const std::int64_t length = draw(1, 12);
        for (std::int64_t n = 0; n < length; ++n) {
            text += static_cast<char>(draw(1, 126));
        }
        INFO(yaml_scalar(text));
        const YamlValue root =
            read("a: [" + yaml_scalar(text) + "]\nb: {" + yaml_scalar(text) + ": 1}\n");
        REQUIRE(root.find("a")->items()[0].text() == text);
        if (text != "<<") {
            REQUIRE(root.find("b")->entries()[0].key == text);
        }
    }
}

TEST_CASE("A value in brackets reads back as itself") {
    for (const std::string text : {"[3, 224, 224]", "{kind: average, of: [1, {b: c}]}", "64",
                                   "false", "[]", "{}", "[null]"}) {
        CHECK(yaml_flow(read("v: " + text).entries()[0].value) == text);
    }
}

TEST_CASE("A long text is broken at single spaces and reads back whole") {
    const std::string text = "He, Zhang: Deep  Residual Learning, with two  spaces and a \"quote\"";
    const std::string lines = yaml_quoted_lines(text, 8, 24, "  ");
    CHECK(lines.find('\n') != std::string::npos);
    CHECK(read("source: " + lines + "\nb: 1\n").find("source")->text() == text);
}
