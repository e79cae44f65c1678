// SPDX-License-Identifier: Apache-2.0
#include "study/table.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {
namespace {

constexpr const char* kGap = "  ";

/// Letters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, Align align) {
    const std::string space(width - std::min(width, width_of(text)), ' ');
    return align == Align::left ? text + space : space + text;
}

std::string without_trailing_space(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
    ensure(!cells.empty() && cells.size() <= columns_.size(), "a row has a cell a column");
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

void Table::add_rule() {
    rows_.emplace_back();
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    std::vector<std::string> titles;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        std::size_t width = width_of(columns_[c].title);
        for (const auto& row : rows_) {
            width = row.empty() ? width : std::max(width, width_of(row[c]));
        }
        widths.push_back(width);
        titles.push_back(columns_[c].title);
    }
    const auto line = [&](const std::vector<std::string>& cells) {
        std::string joined;
        for (std::size_t c = 0; c < cells.size(); ++c) {
            joined += (c > 0 ? kGap : "") + padded(cells[c], widths[c], columns_[c].align);
        }
        return without_trailing_space(joined);
    };
    std::string rule;
    for (const std::size_t width : widths) {
        rule += (rule.empty() ? "" : kGap) + std::string(width, '-');
    }
    std::string text = line(titles) + rule + "\n";
    for (const auto& row : rows_) {
        text += row.empty() ? rule + "\n" : line(row);
    }
    return text;
}

}  // namespace memwall
