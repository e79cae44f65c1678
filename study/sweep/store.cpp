// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>

#include "base/csv.hpp"
#include "base/error.hpp"
#include "study/sweep/metrics.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

constexpr const char* kShardSchema = "memwall.sweep/1";
constexpr int kMostShards = 1'000'000;
constexpr std::chrono::milliseconds kLockPatience{5000};
constexpr std::chrono::milliseconds kLockPause{50};

std::string shard_name(int number) {
    std::string digits = std::to_string(number);
    digits.insert(0, digits.size() < 6 ? 6 - digits.size() : 0, '0');
    return digits + ".shard";
}

/// Records of a program with other columns are not of this kind, and are not read.
std::string head_payload(const ShardHead& head) {
    std::string columns = csv_line(total_names());
    columns.pop_back();
    return std::string(kShardSchema) + " " + head.plan + " " + head.pass + " " + columns;
}

std::optional<ShardHead> read_head(std::string_view line) {
    const auto payload = payload_of(line);
    if (!payload) {
        return std::nullopt;
    }
    std::vector<std::string> words(1);
    for (const char letter : *payload) {
        if (letter == ' ') {
            words.emplace_back();
        } else {
            words.back() += letter;
        }
    }
    if (words.size() != 4) {
        return std::nullopt;
    }
    ShardHead head{words[1], words[2]};
    return head_payload(head) == *payload ? std::optional(head) : std::nullopt;
}

/// Whether the whole file can be locked or is, in the manner of `type`.
bool try_lock(int file, short type, int command, struct flock& lock) {
    lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return ::fcntl(file, command, &lock) == 0;
}

}  // namespace

ShardWriter::ShardWriter(const fs::path& folder, const ShardHead& head) {
    std::error_code failure;
    fs::create_directories(folder, failure);
    for (int number = 0; number < kMostShards && file_ < 0; ++number) {
        path_ = folder / shard_name(number);
        file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
        if (file_ < 0 && errno != EEXIST) {
            break;
        }
    }
    if (file_ < 0) {
        throw StoreError("cannot make '" + path_.string() + "': " + std::strerror(errno));
    }
    try {
        write(checked_line(head_payload(head)));
    } catch (...) {
        ::close(file_);
        ::unlink(path_.c_str());
        throw;
    }
}

ShardWriter::~ShardWriter() {
    ::fdatasync(file_);
    ::close(file_);
}

void ShardWriter::append(const Record& record) {
    write(record_line(record));
}

void ShardWriter::write(const std::string& line) {
    std::size_t written = 0;
    while (written < line.size()) {
        const ssize_t now = ::write(file_, line.data() + written, line.size() - written);
        if (now < 0 && errno == EINTR) {
            continue;
        }
        if (now <= 0) {
            const int reason = now < 0 ? errno : ENOSPC;
            // What was written of the line would not be read anyhow; without it the file is whole.
            if (::ftruncate(file_, length_) != 0) {
                length_ += static_cast<std::int64_t>(written);
            }
            throw StoreError("cannot write to '" + path_.string() + "': " + std::strerror(reason));
        }
        written += static_cast<std::size_t>(now);
    }
    length_ += static_cast<std::int64_t>(line.size());
}

ShardReader::ShardReader(const fs::path& folder) {
    std::error_code failure;
    for (const auto& entry : fs::directory_iterator(folder, failure)) {
        if (entry.path().extension() == ".shard") {
            shards_.push_back(entry.path());
        }
    }
    std::sort(shards_.begin(), shards_.end());
}

void ShardReader::scan(
    const std::function<void(const ShardHead&, Record&&, const RecordPlace&)>& use) const {
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
        std::ifstream file(shards_[shard], std::ios::binary);
        std::string line;
        std::optional<ShardHead> head;
        std::int64_t offset = 0;
        while (std::getline(file, line)) {
            const auto length = static_cast<std::int64_t>(line.size()) + 1;
            if (offset == 0) {
                head = read_head(line);
                if (!head) {
                    break;  // of another kind, or cut short before its first record
                }
            } else if (auto record = read_record(line)) {
                use(*head, std::move(*record),
                    {static_cast<std::uint32_t>(shard), offset,
                     static_cast<std::uint32_t>(line.size())});
            }
            offset += length;
        }
    }
}

std::vector<std::string> ShardReader::damage() const {
    std::vector<std::string> found;
    for (const fs::path& shard : shards_) {
        std::ifstream file(shard, std::ios::binary);
        std::string line;
        for (std::int64_t number = 1; std::getline(file, line) && !file.eof(); ++number) {
            if (!payload_of(line)) {
                found.push_back(shard.string() + ":" + std::to_string(number) +
                                (number == 1 ? ": damaged: no point of this file is known any more"
                                             : ": damaged: its point is not known any more"));
            }
        }
    }
    return found;
}

Record ShardReader::read(const RecordPlace& place) const {
    if (open_shard_ != place.shard) {
        open_ = std::ifstream(shards_.at(place.shard), std::ios::binary);
        open_shard_ = place.shard;
    }
    open_.clear();
    open_.seekg(place.offset);
    std::string line(place.length, '\0');
    open_.read(line.data(), place.length);
    auto record = read_record(line);
    if (!record) {
        throw StoreError("'" + shards_[place.shard].string() + "' was changed while it was read");
    }
    return std::move(*record);
}

FolderLock::FolderLock(const fs::path& folder, Kind kind) {
    std::error_code failure;
    fs::create_directories(folder, failure);
    const fs::path path = folder / "lock";
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) {
        throw InputError("cannot write to '" + folder.string() + "': " + std::strerror(errno));
    }
    // A sweep that was killed a moment ago may still be on its way out.
    const auto until = std::chrono::steady_clock::now() + kLockPatience;
    struct flock lock {};
    const short type = kind == Kind::alone ? F_WRLCK : F_RDLCK;
    while (!try_lock(file_, type, F_SETLK, lock)) {
        if ((errno != EAGAIN && errno != EACCES && errno != EINTR) ||
            std::chrono::steady_clock::now() > until) {
            const bool busy = errno == EAGAIN || errno == EACCES;
            const std::string why = std::strerror(errno);
            ::close(file_);
            throw StoreError(busy ? "another sweep is at work in '" + folder.string() + "'"
                                  : "cannot lock '" + path.string() + "': " + why);
        }
        std::this_thread::sleep_for(kLockPause);
    }
}

FolderLock::~FolderLock() {
    ::close(file_);
}

bool FolderLock::taken(const fs::path& folder) {
    const int file = ::open((folder / "lock").c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    struct flock lock {};
    const bool known = try_lock(file, F_WRLCK, F_GETLK, lock);
    ::close(file);
    return known && lock.l_type != F_UNLCK;
}

void PointIndex::add(const Record& record, const RecordPlace& place) {
    if (record.point < 0 || record.point >= size()) {
        return;
    }
    Entry& entry = places_[static_cast<std::size_t>(record.point)];
    const bool better = entry.place.offset < 0 || !entry.final || record.is_final();
    const bool keeps = entry.place.offset >= 0 && entry.status == PointStatus::done;
    if (better && !keeps) {
        entry = {place, record.status, record.is_final()};
    }
}

}  // namespace memwall
