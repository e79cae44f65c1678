// SPDX-License-Identifier: Apache-2.0
// SHA-256 checksums, by which a result names the very inputs it was made from.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace memwall {

/// 64 hexadecimal digits in lower case (FIPS 180-4).
std::string sha256_of_text(std::string_view content);
/// Throws InputError where the file cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace memwall
