// SPDX-License-Identifier: Apache-2.0
// The files that a result was made from, found again: it says their names and checksums, and not
// where they were.
#pragma once

#include <string>
#include <vector>

#include "sim/result.hpp"
#include "study/configs.hpp"

namespace memwall {

/// The text of a result's file. Throws InputError where it cannot be read.
std::string read_result_text(const std::string& file);

/// By which name or path to read what a result calls `name`: `given` where somebody said so, the
/// name of a file that lay in a configs folder, or the path of one that was given by path and lies
/// unchanged beside the result or in the current folder. Throws InputError, which says how to give
/// it, where there is none of these.
std::string input_again(ConfigKind kind, const std::string& given, const std::string& name,
                        const std::vector<InputFile>& inputs, const std::string& result_file);

}  // namespace memwall
