// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.hpp"

#include <sys/types.h>

#include <sha2.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/error.hpp"

namespace memwall {

std::string sha256_of_text(std::string_view content) {
    std::array<char, SHA256_DIGEST_STRING_LENGTH> digits{};
    // The library's own type for bytes; a char may be read as one.
    const auto* bytes = static_cast<const std::uint8_t*>(static_cast<const void*>(content.data()));
    ensure(SHA256Data(bytes, content.size(), digits.data()) != nullptr, "a checksum is made");
    return digits.data();
}

std::string sha256_of_file(const std::filesystem::path& path) {
    std::array<char, SHA256_DIGEST_STRING_LENGTH> digits{};
    errno = 0;
    if (SHA256File(path.c_str(), digits.data()) == nullptr) {
        throw InputError("cannot read '" + path.string() + "': " + std::strerror(errno));
    }
    return digits.data();
}

}  // namespace memwall
