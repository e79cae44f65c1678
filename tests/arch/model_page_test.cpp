// SPDX-License-Identifier: Apache-2.0
// docs/model.md names every modelling decision of the code.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace memwall {
namespace {

std::string text_of(const std::filesystem::path& path) {
    const std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The first words of each decision that a source file marks.
std::vector<std::string> decisions(const std::string& source) {
    static const std::string kMark = "MODEL: ";
    constexpr int kWords = 4;
    std::vector<std::string> found;
    for (std::size_t at = source.find(kMark); at != std::string::npos;
         at = source.find(kMark, at + 1)) {
        std::istringstream rest(source.substr(at + kMark.size()));
        std::string name;
        std::string word;
        for (int i = 0; i < kWords && rest >> word; ++i) {
            name += (name.empty() ? "" : " ") + word;
        }
        found.push_back(name);
    }
    return found;
}

}  // namespace

TEST_CASE("Every modelling decision in the code stands on the page of the model") {
    const std::filesystem::path root = MEMWALL_SOURCE_DIR;
    const std::string page = text_of(root / "docs" / "model.md");
    int checked = 0;
    for (const char* room : {"base", "workloads", "arch", "sim", "study"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / room)) {
            const std::string extension = entry.path().extension().string();
            if (extension != ".cpp" && extension != ".hpp") {
                continue;
            }
            for (const std::string& decision : decisions(text_of(entry.path()))) {
                INFO(entry.path().lexically_relative(root).string() << ": " << decision);
                ++checked;
                CHECK(page.find(decision) != std::string::npos);
            }
        }
    }
    CHECK(checked > 10);
}

}  // namespace memwall
