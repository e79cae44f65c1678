// SPDX-License-Identifier: Apache-2.0
// Files written whole or not at all: a reader never sees half a result, and a failure leaves
// nothing behind.
#pragma once

#include <filesystem>
#include <string_view>

namespace memwall {

/// Writes `content` to a temporary file beside `path` and renames it, so that `path` holds the old
/// content or the new. A link is followed; a device or pipe is written in place. Throws InputError,
/// naming the path and the reason, where that cannot be done.
void write_file_whole(const std::filesystem::path& path, std::string_view content);

/// Throws the InputError that write_file_whole would, without changing anything. For use before
/// long work.
void require_writable(const std::filesystem::path& path);

}  // namespace memwall
