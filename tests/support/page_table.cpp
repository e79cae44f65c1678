// SPDX-License-Identifier: Apache-2.0
#include "tests/support/page_table.hpp"

#include <fstream>
#include <sstream>

namespace memwall::test {
namespace {

std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> found;
    std::stringstream row(line);
    std::string cell;
    std::getline(row, cell, '|');  // before the first one
    while (std::getline(row, cell, '|')) {
        const std::size_t first = cell.find_first_not_of(' ');
        found.push_back(first == std::string::npos
                            ? ""
                            : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
    }
    return found;
}

}  // namespace

std::vector<PageRow> page_table(const std::string& page, const std::string& head) {
    std::ifstream file(std::string(MEMWALL_SOURCE_DIR) + "/docs/" + page);
    std::vector<PageRow> rows;
    bool in_table = false;
    for (std::string line; std::getline(file, line);) {
        if (line.rfind(head, 0) == 0) {
            in_table = true;
            continue;
        }
        in_table = in_table && !line.empty();
        if (in_table && line.rfind("|--", 0) != 0) {
            rows.push_back({line, cells(line)});
        }
    }
    return rows;
}

}  // namespace memwall::test
