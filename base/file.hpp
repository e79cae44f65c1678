// SPDX-License-Identifier: Apache-2.0
// Files read and written whole or not at all: a reader never sees half a result, and a failure
// leaves nothing behind.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/quantity.hpp"

namespace memwall {

/// The content of a file of at most `most` bytes; an InputError, a fault of `shown_as`, says why it
/// cannot be had, `what` was expected ("a YAML file") where it is a folder, a device or a pipe.
std::string read_file_whole(const std::filesystem::path& path, const std::string& shown_as,
                            const std::string& what, Bytes most);

/// Writes `content` to a temporary file beside `path` and renames it, so that `path` holds the old
/// content or the new. A link is followed; a device or pipe is written in place. Throws InputError,
/// naming the path and the reason, where that cannot be done.
void write_file_whole(const std::filesystem::path& path, std::string_view content);

/// Throws the InputError that write_file_whole would, without changing anything. For use before
/// long work.
void require_writable(const std::filesystem::path& path);

}  // namespace memwall
