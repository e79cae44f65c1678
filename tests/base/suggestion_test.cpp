// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "base/error.hpp"

using namespace memwall;

TEST_CASE("The nearest name is one that a slip of the finger explains") {
    const std::vector<std::string> kinds = {"dram", "sram", "register_file", "mac_array"};
    CHECK(nearest_name("srma", kinds) == "sram");   // two neighbours swapped
    CHECK(nearest_name("sra", kinds) == "sram");    // one letter missing
    CHECK(nearest_name("srram", kinds) == "sram");  // one too many
    CHECK(nearest_name("mac_aray", kinds) == "mac_array");
    CHECK(nearest_name("SRAM", kinds) == "sram");  // case alone is no other word
    CHECK(nearest_name("registerfile", kinds) == "register_file");
    CHECK(nearest_name("cache", kinds).empty());
    CHECK(nearest_name("", kinds).empty());
    CHECK(nearest_name("k", {"c"}).empty());  // nothing of the word is left
    CHECK(nearest_name("sram", {}).empty());
}

TEST_CASE("Of equally near names the first is suggested") {
    CHECK(nearest_name("xram", {"dram", "sram"}) == "dram");
    CHECK(nearest_name("xram", {"sram", "dram"}) == "sram");
}

TEST_CASE("A suggestion asks for the near name, else lists a short list, else says nothing") {
    CHECK(suggestion("srma", {"sram", "dram"}) == "; did you mean 'sram'?");
    CHECK(suggestion("flash", {"sram", "dram"}) == "; expected one of sram, dram");
    CHECK(suggestion("flash", {"sram"}) == "; expected sram");
    CHECK(suggestion("flash", {}).empty());
    CHECK(suggestion("flash", std::vector<std::string>(50, "sram")).empty());
}

TEST_CASE("A word of absurd length costs no time and suggests nothing") {
    CHECK(nearest_name(std::string(1'000'000, 'a'), {std::string(1'000'000, 'a')}).empty());
}
