// SPDX-License-Identifier: Apache-2.0
// Tables for people: columns as wide as their widest cell.
#pragma once

#include <string>
#include <vector>

namespace memwall {

enum class Align { left, right };

class Table {
public:
    struct Column {
        std::string title;
        Align align = Align::right;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// One cell a column; missing ones at the end are empty.
    void add(std::vector<std::string> cells);
    /// A line between rows.
    void add_rule();
    [[nodiscard]] std::string text() const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;  ///< an empty row is a rule
};

}  // namespace memwall
