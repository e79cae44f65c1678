// SPDX-License-Identifier: Apache-2.0
#include "study/output.hpp"

#include <iostream>

#include "base/error.hpp"
#include "base/file.hpp"

namespace memwall {
namespace {

constexpr const char* kStandardOutput = "-";

}  // namespace

void print_result(const std::string& text) {
    std::cout << text << std::flush;
    if (!std::cout) {
        throw InputError("cannot write to standard output");
    }
}

Output::Output(const std::optional<std::string>& json, const std::optional<std::string>& csv)
    : json_(json), csv_(csv) {
    namespace fs = std::filesystem;
    if (json_ && csv_ &&
        fs::weakly_canonical(fs::absolute(*json_)) == fs::weakly_canonical(fs::absolute(*csv_))) {
        throw InputError("--json and --csv both write to '" + *json_ + "'");
    }
    for (const auto& file : {json_, csv_}) {
        if (file && *file != kStandardOutput) {
            require_writable(*file);
        }
    }
}

void Output::spare(const std::vector<std::filesystem::path>& inputs) const {
    for (const auto& file : {json_, csv_}) {
        for (const std::filesystem::path& input : inputs) {
            std::error_code none;
            if (file && *file != kStandardOutput &&
                std::filesystem::equivalent(*file, input, none)) {
                throw InputError("cannot write the result to '" + *file +
                                 "': that is one of the files it is made from");
            }
        }
    }
}

void Output::write(const std::function<std::string()>& json,
                   const std::function<std::string()>& csv,
                   const std::function<std::string()>& table) const {
    bool tables = true;
    const auto write_one = [&](const std::optional<std::string>& file,
                               const std::function<std::string()>& text) {
        if (!file) {
            return;
        }
        if (*file == kStandardOutput) {
            tables = false;
            print_result(text());
        } else {
            write_file_whole(*file, text());
        }
    };
    write_one(json_, json);
    write_one(csv_, csv);
    if (tables) {
        print_result(table());
    }
}

}  // namespace memwall
