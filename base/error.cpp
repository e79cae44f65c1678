// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/parse.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

std::string all_texts(const std::vector<Diagnostic>& faults) {
    std::string lines;
    for (const Diagnostic& fault : faults) {
        lines += (lines.empty() ? "" : "\n") + fault.text();
    }
    return lines;
}

/// What a file says at length is not said again: the middle of a long message is left out, between
/// whole characters.
std::string without_middle(const std::string& message) {
    constexpr std::size_t kLongest = 1'200;
    constexpr std::size_t kKept = 400;  // at either end
    if (message.size() <= kLongest) {
        return message;
    }
    const auto inside = [&](std::size_t at) {
        return (static_cast<unsigned char>(message[at]) & 0xc0U) == 0x80U;
    };
    std::size_t begin = kKept;
    std::size_t end = message.size() - kKept;
    while (begin > 0 && inside(begin)) {
        --begin;
    }
    while (end < message.size() && inside(end)) {
        ++end;
    }
    return message.substr(0, begin) + " [" + format_count(static_cast<std::int64_t>(end - begin)) +
           " characters] " + message.substr(end);
}

/// The file name without its folders: messages must not depend on where the source tree lies.
std::string bare_name(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

std::string Diagnostic::text() const {
    std::string place = where.file;
    if (!place.empty() && where.line > 0) {
        place += ":" + std::to_string(where.line);
        if (where.column > 0) {
            place += ":" + std::to_string(where.column);
        }
    }
    return (place.empty() ? "" : place + ": ") + "error: " + without_middle(message);
}

InputError::InputError(std::vector<Diagnostic> faults)
    : std::runtime_error(all_texts(faults)), faults_(std::move(faults)) {}

InputError::InputError(const std::string& message)
    : std::runtime_error("error: " + without_middle(message)), faults_(1) {
    faults_.front().message = message;
}

void Diagnostics::error(const SourceMark& where, std::string message) {
    faults_.push_back({where, std::move(message)});
}

void Diagnostics::replace(std::size_t position, const SourceMark& where, std::string message) {
    ensure(position < faults_.size(), "only a reported fault can be replaced");
    faults_[position] = {where, std::move(message)};
}

void Diagnostics::throw_if_any() const {
    if (faults_.empty()) {
        return;
    }
    const auto place = [](const Diagnostic& fault) {
        return std::tie(fault.where.file, fault.where.line, fault.where.column);
    };
    std::vector<Diagnostic> sorted = faults_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
    // A map that two aliases share is read twice; its faults are told once.
    const auto same = [&](const Diagnostic& a, const Diagnostic& b) {
        return place(a) == place(b) && a.message == b.message;
    };
    sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
    throw InputError(std::move(sorted));
}

InternalError::InternalError(const std::string& message, const char* file, int line)
    : std::logic_error("internal error at " + bare_name(file) + ":" + std::to_string(line) + ": " +
                       message) {}

void fail(const std::string& message, const char* file, int line) {
    throw InternalError(message, file, line);
}

std::int64_t throw_overflow(const char* operation, std::int64_t a, std::int64_t b) {
    fail("a 64-bit count overflows: " + std::to_string(a) + " " + operation + " " +
         std::to_string(b));
}

}  // namespace memwall
