// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "base/error.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("A file is written whole and nothing else is left in its folder") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "result.json";
    write_file_whole(path, "first");
    CHECK(content(path) == "first");
    const std::string large(5'000'000, 'x');
    write_file_whole(path, large);
    CHECK(content(path) == large);
    CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("A file that is replaced keeps its permissions") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "private";
    write_file_whole(path, "first");
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    write_file_whole(path, "second");
    CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("A link stays a link and what it leads to is written") {
    const TemporaryFolder folder;
    write_file_whole(folder.path() / "real", "old");
    fs::create_symlink("real", folder.path() / "link");
    write_file_whole(folder.path() / "link", "new");
    CHECK(fs::is_symlink(folder.path() / "link"));
    CHECK(content(folder.path() / "real") == "new");
}

TEST_CASE("A file that is too large, a device and a pipe are refused before they are read") {
    const TemporaryFolder folder;
    const fs::path sparse = folder.path() / "sparse";
    write_file_whole(sparse, "");
    fs::resize_file(sparse, std::uintmax_t{20} << 30U);
    const auto refusal = [](const fs::path& path) -> std::string {
        try {
            read_file_whole(path, "big", "a file", Bytes(std::int64_t{1} << 31U));
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    };
    CHECK(refusal(sparse) == "big: error: is larger than 2.00 GiB");
    CHECK(refusal("/dev/zero") == "big: error: is a device; expected a file");
    const fs::path pipe = folder.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(refusal(pipe) == "big: error: is a pipe, which may never end; expected a file");
}

TEST_CASE("A device is written in place and never replaced") {
    write_file_whole("/dev/null", "gone");
    CHECK(fs::is_character_file("/dev/null"));
    CHECK_NOTHROW(require_writable("/dev/null"));
    CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("A path that cannot be written is told with the reason, before and at the writing") {
    const TemporaryFolder folder;
    const std::string inside = folder.path().string();
    const auto promises = [](const std::string& path, const std::string& message) {
        CHECK_THROWS_WITH(require_writable(path), message);
        CHECK_THROWS_WITH(write_file_whole(path, "x"), message);
        CHECK_THROWS_AS(write_file_whole(path, "x"), InputError);
    };
    promises(inside, "error: cannot write '" + inside + "': it is a folder");
    promises(inside + "/", "error: cannot write '" + inside + "/': expected the name of a file");
    promises(inside + "/no/result.json",
             "error: cannot write '" + inside + "/no/result.json': no folder '" + inside + "/no'");
    promises("", "error: cannot write '': expected the name of a file");
    promises("/proc/result.json",
             "error: cannot write '/proc/result.json': No such file or directory");
    CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("The check before long work leaves no trace") {
    const TemporaryFolder folder;
    CHECK_NOTHROW(require_writable(folder.path() / "result.json"));
    CHECK(files_in(folder.path()) == 0);
    write_file_whole(folder.path() / "result.json", "kept");
    CHECK_NOTHROW(require_writable(folder.path() / "result.json"));
    CHECK(content(folder.path() / "result.json") == "kept");
}

TEST_CASE("A full device is an input error") {
    if (fs::exists("/dev/full")) {
        CHECK_THROWS_WITH(write_file_whole("/dev/full", "x"),
                          "error: cannot write '/dev/full': No space left on device");
    }
}
