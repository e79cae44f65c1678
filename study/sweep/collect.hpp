// SPDX-License-Identifier: Apache-2.0
// The tables of a sweep as files: results.csv and results.sqlite.
#pragma once

#include <filesystem>

#include "study/sweep/sweep_table.hpp"

namespace memwall {

/// Writes a table as CSV, whole or not at all. Throws StoreError where there is no room.
void write_csv(const SweepTable& table, const std::filesystem::path& path);

/// Writes tables into one SQLite file, each with an index on every parameter and total. A parameter
/// with a unit has a second column, "PATH [UNIT]", with its number in that unit.
struct NamedTable {
    const char* name;
    const SweepTable* table;
};
void write_sqlite(const std::vector<NamedTable>& tables, const std::filesystem::path& path);

}  // namespace memwall
