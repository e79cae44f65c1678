// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/collect.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <system_error>

#include "base/csv.hpp"
#include "study/sweep/magnitude.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

/// A file beside `path` that takes its place when all is written, and is gone if it never is.
class NewFile {
public:
    explicit NewFile(fs::path path)
        : path_(std::move(path)),
          temporary_(path_.string() + ".new-" + std::to_string(::getpid())) {
        std::error_code ignored;
        fs::remove(temporary_, ignored);
    }
    ~NewFile() {
        std::error_code ignored;
        fs::remove(temporary_, ignored);
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    [[nodiscard]] const fs::path& temporary() const { return temporary_; }
    void keep() const {
        std::error_code failure;
        fs::rename(temporary_, path_, failure);
        if (failure) {
            throw StoreError("cannot write '" + path_.string() + "': " + failure.message());
        }
    }

private:
    fs::path path_, temporary_;
};

std::string sql_name(const std::string& name) {
    std::string text = "\"";
    for (const char letter : name) {
        text += letter == '"' ? std::string("\"\"") : std::string(1, letter);
    }
    return text + "\"";
}

/// The unit of a kind of quantity, "" for numbers.
std::string base_unit(const std::string& kind) {
    static const std::map<std::string, std::string> kUnits = {
        {"bytes", "B"},        {"bytes a second", "B/s"},
        {"cycles", "cycles"},  {"hertz", "Hz"},
        {"seconds", "s"},      {"joules", "J"},
        {"watts", "W"},        {"volts", "V"},
        {"millimetres", "mm"}, {"square millimetres", "mm2"}};
    const auto found = kUnits.find(kind);
    return found == kUnits.end() ? "" : found->second;
}

/// One table of the database.
class SqliteTable {
public:
    SqliteTable(SQLite::Database& database, const NamedTable& named)
        : database_(database), name_(named.name), table_(*named.table) {
        find_units();
        create();
    }

    void fill() {
        SQLite::Statement insert(database_, insert_text());
        table_.for_each_row([&](const SweepRow& row) {
            int column = 0;
            for (const std::string& cell : row.cells) {
                ++column;
                if (cell.empty()) {
                    insert.bind(column);
                } else {
                    insert.bindNoCopy(column, cell);
                }
            }
            for (const auto& [parameter, unit] : units_) {
                const auto magnitude = read_magnitude(row.cells[parameter]);
                ++column;
                if (magnitude) {
                    insert.bind(column, magnitude->value);
                } else {
                    insert.bind(column);
                }
            }
            insert.exec();
            insert.reset();
        });
        for (std::size_t column = 1; column < columns_.size(); ++column) {
            if (columns_[column] != "reason") {
                database_.exec("CREATE INDEX " + sql_name(name_ + "_" + columns_[column]) + " ON " +
                               name_ + " (" + sql_name(columns_[column]) + ")");
            }
        }
    }

private:
    /// Parameters whose first value has a unit.
    void find_units() {
        const std::vector<std::string> texts = table_.first_parameters();
        for (std::size_t p = 0; p < texts.size(); ++p) {
            const auto magnitude = read_magnitude(texts[p]);
            const std::string unit = magnitude ? base_unit(magnitude->kind) : "";
            if (!unit.empty()) {
                units_.emplace_back(p + 1, unit);  // behind the column of points
            }
        }
    }

    void create() {
        columns_ = table_.columns();
        for (const auto& [parameter, unit] : units_) {
            columns_.push_back(columns_[parameter] + " [" + unit + "]");
        }
        std::string text;
        for (const std::string& column : columns_) {
            // NUMERIC keeps what looks like a number as one, and other texts as they are.
            text += (text.empty() ? "" : ", ") + sql_name(column) +
                    (column == "point" ? " INTEGER PRIMARY KEY" : " NUMERIC");
        }
        database_.exec("CREATE TABLE " + name_ + " (" + text + ")");
    }

    [[nodiscard]] std::string insert_text() const {
        std::string marks;
        for (std::size_t column = 0; column < columns_.size(); ++column) {
            marks += column == 0 ? "?" : ",?";
        }
        return "INSERT INTO " + name_ + " VALUES (" + marks + ")";
    }

    SQLite::Database& database_;
    std::string name_;
    const SweepTable& table_;
    std::vector<std::pair<std::size_t, std::string>> units_;  ///< parameter and its unit
    std::vector<std::string> columns_;
};

}  // namespace

void write_csv(const SweepTable& table, const fs::path& path) {
    const NewFile file(path);
    std::ofstream out(file.temporary(), std::ios::binary);
    out << csv_line(table.columns());
    table.for_each_row([&](const SweepRow& row) { out << csv_line(row.cells); });
    out.close();
    if (!out) {
        throw StoreError("cannot write '" + path.string() + "': " + std::strerror(errno));
    }
    file.keep();
}

void write_sqlite(const std::vector<NamedTable>& tables, const fs::path& path) {
    const NewFile file(path);
    try {
        SQLite::Database database(file.temporary().string(),
                                  SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        // The file is made anew each time and takes its place only when it is whole.
        database.exec(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
            "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY");
        SQLite::Transaction transaction(database);
        for (const NamedTable& named : tables) {
            SqliteTable(database, named).fill();
        }
        transaction.commit();
    } catch (const SQLite::Exception& error) {
        throw StoreError("cannot write '" + path.string() + "': " + error.what());
    }
    file.keep();
}

}  // namespace memwall
