// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>

#include "base/error.hpp"

namespace memwall {
namespace {

/// Longer lists of names are noise in a message.
constexpr std::size_t kLongestList = 12;

std::string lower_case(const std::string& word) {
    std::string lower = word;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(const std::string& a, const std::string& b) {
    const std::size_t width = b.size() + 1;
    std::vector<std::size_t> table((a.size() + 1) * width);
    const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& {
        return table[i * width + j];
    };
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                at(i, j) = i + j;
                continue;
            }
            const std::size_t change = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0U : 1U);
            at(i, j) = std::min({change, at(i - 1, j) + 1, at(i, j - 1) + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
            }
        }
    }
    return table.back();
}

}  // namespace

std::string nearest_name(const std::string& word, const std::vector<std::string>& candidates) {
    constexpr std::size_t kLongestWord =
        64;  // the table is quadratic; nobody misspells longer ones
    if (word.size() > kLongestWord) {
        return "";
    }
    // One mistake in three letters is a slip of the finger; more is another word.
    std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
    std::string nearest;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > kLongestWord) {
            continue;
        }
        const std::size_t distance = edit_distance(lower_case(word), lower_case(candidate));
        if (distance < best && distance < std::min(word.size(), candidate.size())) {
            best = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
    const std::string nearest = nearest_name(word, candidates);
    if (!nearest.empty()) {
        return "; did you mean '" + nearest + "'?";
    }
    if (candidates.empty() || candidates.size() > kLongestList) {
        return "";
    }
    std::string list;
    for (const std::string& candidate : candidates) {
        list += (list.empty() ? "" : ", ") + candidate;
    }
    return "; expected " + std::string(candidates.size() > 1 ? "one of " : "") + list;
}

}  // namespace memwall
