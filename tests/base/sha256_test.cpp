// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;

TEST_CASE("Checksums are those of the standard's own examples") {
    // FIPS 180-4, the one-block example and the empty message.
    CHECK(sha256_of_text("abc") ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256_of_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("A file's checksum is that of its bytes") {
    const TemporaryFolder folder;
    write_file_whole(folder.path() / "abc", "abc");
    CHECK(sha256_of_file(folder.path() / "abc") == sha256_of_text("abc"));
    CHECK_THROWS_WITH(sha256_of_file("/nowhere/abc"),
                      "error: cannot read '/nowhere/abc': No such file or directory");
}
