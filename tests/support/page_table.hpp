// SPDX-License-Identifier: Apache-2.0
// Tables of a page of docs/, for tests that hold them to the program.
#pragma once

#include <string>
#include <vector>

namespace memwall::test {

/// A row of a table: its line and its cells, without the spaces around them.
struct PageRow {
    std::string line;
    std::vector<std::string> cells;
};

/// The rows of all tables of docs/PAGE whose first line begins with `head`, rule lines left out.
std::vector<PageRow> page_table(const std::string& page, const std::string& head);

}  // namespace memwall::test
