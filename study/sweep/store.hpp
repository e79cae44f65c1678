// SPDX-License-Identifier: Apache-2.0
// The folder of a sweep's results: a manifest, and shards that are only ever appended to. A process
// that is killed at any moment loses the points that it had not finished, and nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "study/sweep/record.hpp"

namespace memwall {

/// Results cannot be kept: the disk is full, or the folder is in use.
class StoreError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a folder's results belong to: `plan` names the sweep and all its inputs by checksum, `pass`
/// is "first" or "then".
struct ShardHead {
    std::string plan, pass;
    friend bool operator==(const ShardHead&, const ShardHead&) = default;
};

/// One writer's file. Its lines are whole or are not read.
class ShardWriter {
public:
    /// Makes a new file of the folder, with its head. Throws StoreError.
    ShardWriter(const std::filesystem::path& folder, const ShardHead& head);
    ~ShardWriter();
    ShardWriter(const ShardWriter&) = delete;
    ShardWriter& operator=(const ShardWriter&) = delete;

    /// Throws StoreError where there is no room; the file then ends with the record before.
    void append(const Record& record);

private:
    void write(const std::string& line);

    std::filesystem::path path_;
    int file_ = -1;
    std::int64_t length_ = 0;
};

/// Where a record stands.
struct RecordPlace {
    std::uint32_t shard = 0;   ///< position in ShardReader::shards()
    std::int64_t offset = -1;  ///< of its line; -1: there is none
    std::uint32_t length = 0;
};

/// Reads all shards of a folder, as they are at that moment.
class ShardReader {
public:
    explicit ShardReader(const std::filesystem::path& folder);

    /// Calls `use` with every whole record, shard after shard in the order of their names.
    void scan(const std::function<void(const ShardHead&, Record&&, const RecordPlace&)>& use) const;
    [[nodiscard]] Record read(const RecordPlace& place) const;
    /// A sentence for each line that was changed after it was written, with its file and number. A
    /// line without an end is none: it was never written whole.
    [[nodiscard]] std::vector<std::string> damage() const;
    [[nodiscard]] std::size_t count() const { return shards_.size(); }

private:
    std::vector<std::filesystem::path> shards_;
    /// The shard that was read last: rows that follow each other are often in one.
    mutable std::ifstream open_;
    mutable std::size_t open_shard_ = static_cast<std::size_t>(-1);
};

/// Whoever writes to a sweep's folder holds its lock: one alone, or tasks of a cluster together.
class FolderLock {
public:
    enum class Kind { alone, together };
    /// Makes the folder. Throws StoreError where another process holds the lock and keeps it.
    FolderLock(const std::filesystem::path& folder, Kind kind);
    ~FolderLock();
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;

    /// Whether anybody holds the lock of a folder.
    static bool taken(const std::filesystem::path& folder);

private:
    int file_ = -1;
};

/// The latest record of each point of one plan and pass: one that is done wins over others.
class PointIndex {
public:
    explicit PointIndex(std::int64_t points) : places_(static_cast<std::size_t>(points)) {}

    void add(const Record& record, const RecordPlace& place);
    [[nodiscard]] bool has(std::int64_t point) const { return at(point).place.offset >= 0; }
    [[nodiscard]] bool is_final(std::int64_t point) const { return at(point).final; }
    [[nodiscard]] PointStatus status(std::int64_t point) const { return at(point).status; }
    [[nodiscard]] const RecordPlace& place(std::int64_t point) const { return at(point).place; }
    [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(places_.size()); }

private:
    struct Entry {
        RecordPlace place;
        PointStatus status = PointStatus::failed;
        bool final = false;
    };
    [[nodiscard]] const Entry& at(std::int64_t point) const {
        return places_.at(static_cast<std::size_t>(point));
    }
    std::vector<Entry> places_;
};

}  // namespace memwall
