// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace memwall;

TEST_CASE("A fault's text leaves out what is unknown of its place") {
    CHECK(Diagnostic{{"mine.yaml", 2, 1}, "wrong"}.text() == "mine.yaml:2:1: error: wrong");
    CHECK(Diagnostic{{"mine.yaml", 2, 0}, "wrong"}.text() == "mine.yaml:2: error: wrong");
    CHECK(Diagnostic{{"mine.yaml", 0, 0}, "wrong"}.text() == "mine.yaml: error: wrong");
    CHECK(Diagnostic{{"", 0, 0}, "wrong"}.text() == "error: wrong");
}

TEST_CASE("An input error has one line a fault") {
    const InputError error({{{"a.yaml", 1, 2}, "first"}, {{"a.yaml", 3, 4}, "second"}});
    CHECK(std::string(error.what()) == "a.yaml:1:2: error: first\na.yaml:3:4: error: second");
    CHECK(error.faults().size() == 2);
    const InputError single("no machine is named");
    CHECK(std::string(single.what()) == "error: no machine is named");
    REQUIRE(single.faults().size() == 1);
    CHECK(single.faults()[0].message == "no machine is named");
}

TEST_CASE("Of a long message the middle is left out, between whole characters") {
    std::string echo;
    for (int i = 0; i < 100'000; ++i) {
        echo += "\xc3\xa9";  // two bytes
    }
    const std::string text = Diagnostic{{"a.yaml", 1, 2}, "'" + echo + "': expected a size"}.text();
    CHECK(text.size() < 1'000);
    CHECK(text.find("a.yaml:1:2: error: '\xc3\xa9") == 0);
    CHECK(text.find("\xc3\xa9 [199,2") != std::string::npos);
    CHECK(text.find(" characters] \xc3\xa9") != std::string::npos);
    CHECK(text.substr(text.size() - 17) == ": expected a size");
    CHECK(std::string(InputError(echo).what()).size() < 1'000);
}

TEST_CASE("Collected faults come out by file, line and column, each told once") {
    Diagnostics faults;
    CHECK_NOTHROW(faults.throw_if_any());
    faults.error({"b.yaml", 1, 1}, "e");
    faults.error({"a.yaml", 10, 1}, "d");
    faults.error({"a.yaml", 9, 5}, "c");
    faults.error({"a.yaml", 9, 4}, "b");
    faults.error({"a.yaml", 9, 4}, "a");
    faults.error({"a.yaml", 9, 5}, "c");
    try {
        faults.throw_if_any();
        FAIL("faults were collected");
    } catch (const InputError& error) {
        std::string order;
        for (const Diagnostic& fault : error.faults()) {
            order += fault.message;
        }
        CHECK(order == "bacde");
    }
}

TEST_CASE("A fault can be replaced by a better explanation") {
    Diagnostics faults;
    faults.error({"a.yaml", 1, 1}, "missing");
    faults.replace(0, {"a.yaml", 2, 3}, "misspelt");
    REQUIRE(faults.faults().size() == 1);
    CHECK(faults.faults()[0].text() == "a.yaml:2:3: error: misspelt");
    CHECK_THROWS_AS(faults.replace(1, {}, "none"), InternalError);
}

TEST_CASE("An internal error names the file and line of the check, without folders") {
    CHECK_NOTHROW(ensure(true, "holds"));
    const int line = __LINE__ + 1;
    CHECK_THROWS_WITH(ensure(false, "a promise"),
                      "internal error at error_test.cpp:" + std::to_string(line) + ": a promise");
    CHECK_THROWS_AS(fail("never"), InternalError);
}
