// SPDX-License-Identifier: Apache-2.0
#include "study/table.hpp"

#include <catch2/catch.hpp>

using namespace memwall;

TEST_CASE("columns are as wide as their widest cell, counted in letters") {
    Table table({{"name", Align::left}, {"size"}});
    table.add({"a", "12"});
    table.add({"\xC3\xA4\xC3\xB6", "3"});  // two letters of two bytes each
    table.add({"only"});
    CHECK(table.text() ==
          "name  size\n"
          "----  ----\n"
          "a       12\n"
          "\xC3\xA4\xC3\xB6       3\n"
          "only\n");
}
