// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "base/pieces.hpp"

namespace memwall {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannot_write(const fs::path& path, const std::string& reason) {
    throw InputError("cannot write '" + path.string() + "': " + reason);
}

std::string system_reason() {
    return std::strerror(errno);
}

/// A file descriptor that closes itself.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() { close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;

    [[nodiscard]] bool valid() const { return number_ >= 0; }

    [[nodiscard]] bool write(std::string_view content) const {
        return in_pieces(content.size(), [&](std::size_t done, std::size_t left) {
            return ::write(number_, content.data() + done, left);
        });
    }

    /// False where the system only now finds that something could not be written.
    bool close() {
        const int number = std::exchange(number_, -1);
        return number < 0 || ::close(number) == 0;
    }

private:
    int number_;
};

/// A new file beside the target, removed unless it took the target's place.
class TemporaryFile {
public:
    TemporaryFile(const fs::path& shown, const fs::path& target)
        : shown_(shown),
          target_(target),
          path_(target.parent_path() /
                ("." + target.filename().string() + "." + std::to_string(::getpid()) + ".tmp")),
          descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
        if (!descriptor_.valid()) {
            cannot_write(shown_, system_reason());
        }
        struct stat old {};
        if (::stat(target_.c_str(), &old) == 0) {
            ::chmod(path_.c_str(), old.st_mode & 0777U);  // who may read the result stays as it was
        }
    }
    ~TemporaryFile() {
        if (!renamed_) {
            ::unlink(path_.c_str());
        }
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    TemporaryFile(TemporaryFile&&) = delete;
    TemporaryFile& operator=(TemporaryFile&&) = delete;

    void write(std::string_view content) {
        if (!descriptor_.write(content) || !descriptor_.close()) {
            cannot_write(shown_, system_reason());
        }
    }

    void take_place() {
        if (::rename(path_.c_str(), target_.c_str()) != 0) {
            cannot_write(shown_, system_reason());
        }
        renamed_ = true;
    }

private:
    const fs::path& shown_;
    fs::path target_;
    fs::path path_;
    Descriptor descriptor_;
    bool renamed_ = false;
};

/// Where the content goes once links are followed, and how.
struct Target {
    fs::path path;
    bool in_place = false;  // a device or pipe must not be replaced by a file
};

Target find_target(const fs::path& path) {
    if (path.filename().empty()) {
        cannot_write(path, "expected the name of a file");
    }
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (fs::is_directory(status)) {
        cannot_write(path, "it is a folder");
    }
    if (fs::exists(status)) {
        if (::access(path.c_str(), W_OK) != 0) {
            cannot_write(path, system_reason());
        }
        // The name that a link such as /dev/stdout leads to need not exist, so devices keep theirs.
        return fs::is_regular_file(status) ? Target{fs::canonical(path), false}
                                           : Target{path, true};
    }
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::is_directory(folder, failure)) {
        cannot_write(path, "no folder '" + folder.string() + "'");
    }
    return {folder / path.filename(), false};
}

}  // namespace

std::string read_file_whole(const fs::path& path, const std::string& shown_as,
                            const std::string& what, Bytes most) {
    const auto refuse = [&](const std::string& message) {
        Diagnostics faults;
        faults.error({shown_as, 0, 0}, message);
        faults.throw_if_any();
    };
    std::error_code status;
    if (fs::is_directory(path, status)) {
        refuse("is a folder; expected " + what);
    }
    if (fs::is_character_file(path, status) || fs::is_block_file(path, status)) {
        refuse("is a device; expected " + what);
    }
    if (fs::is_fifo(path, status) || fs::is_socket(path, status)) {
        refuse("is a pipe, which may never end; expected " + what);
    }
    const bool regular = fs::is_regular_file(path, status);
    const std::uintmax_t size = regular ? fs::file_size(path, status) : 0;
    if (regular && !status && size > static_cast<std::uintmax_t>(most.count())) {
        refuse("is larger than " + format_bytes(most));
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        refuse(errno == ENOENT ? "no such file"
                               : std::string("cannot be read: ") + std::strerror(errno));
    }
    std::string content;
    content.reserve(regular && !status ? static_cast<std::size_t>(size) : 0);
    std::vector<char> block(1U << 16U);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
        content.append(block.data(), static_cast<std::size_t>(file.gcount()));
        if (static_cast<std::int64_t>(content.size()) > most.count()) {
            refuse("is larger than " + format_bytes(most));
        }
    }
    if (file.bad()) {
        refuse("cannot be read");
    }
    return content;
}

void write_file_whole(const fs::path& path, std::string_view content) {
    const Target target = find_target(path);
    if (target.in_place) {
        Descriptor descriptor(::open(target.path.c_str(), O_WRONLY | O_CLOEXEC));
        if (!descriptor.valid() || !descriptor.write(content) || !descriptor.close()) {
            cannot_write(path, system_reason());
        }
        return;
    }
    TemporaryFile file(path, target.path);
    file.write(content);
    file.take_place();
}

void require_writable(const fs::path& path) {
    const Target target = find_target(path);
    if (!target.in_place) {
        const TemporaryFile probe(path, target.path);
    }
}

}  // namespace memwall
