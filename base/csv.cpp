// SPDX-License-Identifier: Apache-2.0
#include "base/csv.hpp"

namespace memwall {
namespace {

std::string cell(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char letter : text) {
        quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
    }
    return quoted + "\"";
}

}  // namespace

std::string csv_line(const std::vector<std::string>& cells) {
    std::string line;
    for (const std::string& text : cells) {
        line += cell(text) + ",";
    }
    if (!line.empty()) {
        line.back() = '\n';
    }
    return line;
}

std::vector<std::string> csv_cells(std::string_view line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const char letter = line[at];
        if (quoted && letter == '"' && at + 1 < line.size() && line[at + 1] == '"') {
            cells.back() += letter;
            ++at;
        } else if (letter == '"') {
            quoted = !quoted;
        } else if (letter == ',' && !quoted) {
            cells.emplace_back();
        } else if (letter != '\n' || quoted) {
            cells.back() += letter;
        }
    }
    return cells;
}

}  // namespace memwall
