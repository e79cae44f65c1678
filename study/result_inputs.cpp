// SPDX-License-Identifier: Apache-2.0
#include "study/result_inputs.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"

namespace memwall {
namespace {

namespace fs = std::filesystem;

constexpr Bytes kLargestResult(std::int64_t{1} << 30);

bool is_unchanged(const fs::path& path, const InputFile& input) {
    std::error_code failure;
    return fs::is_regular_file(path, failure) && sha256_of_file(path) == input.sha256;
}

}  // namespace

std::string read_result_text(const std::string& file) {
    return read_file_whole(file, file, "a result as JSON", kLargestResult);
}

std::string input_again(ConfigKind kind, const std::string& given, const std::string& name,
                        const std::vector<InputFile>& inputs, const std::string& result_file) {
    if (!given.empty()) {
        return given;
    }
    const std::string in_configs = (fs::path(folder_name(kind)) / (name + ".yaml")).string();
    std::string by_path;
    bool known = false;
    for (const InputFile& input : inputs) {
        known = known || input.path == in_configs;
        const fs::path file(input.path);
        if (file.has_parent_path() || file.stem() != name) {
            continue;
        }
        by_path = input.path;
        for (const fs::path& folder : {fs::path(result_file).parent_path(), fs::path()}) {
            if (is_unchanged(folder / file, input)) {
                return (folder / file).string();
            }
        }
    }
    if (known && by_path.empty()) {
        return name;
    }
    const std::string what = memwall::name(kind);
    throw InputError("'" + result_file + "' was made with a " + what + " '" + name +
                     "' that was given by path, which a result does not hold, and " +
                     (by_path.empty() ? "no file of its name"
                                      : "no '" + by_path + "' with the checksum it had") +
                     " lies beside the result or in this folder; expected --" + what + " PATH");
}

}  // namespace memwall
