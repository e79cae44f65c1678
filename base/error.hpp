// SPDX-License-Identifier: Apache-2.0
// The two kinds of error: the user's mistake (InputError, exit status 2) and ours (InternalError,
// exit status 1).
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace memwall {

/// A place in a file, 1-based. Line 0 means "the file as a whole", or an option of the command line
/// ("--set machine.clock=1GHz"); an empty file name, "the command line".
struct SourceMark {
    std::string file;
    int line = 0;
    int column = 0;
};

/// One fault of the input.
struct Diagnostic {
    SourceMark where;
    std::string message;

    /// "file:line:column: error: message", leaving out what is unknown.
    [[nodiscard]] std::string text() const;
};

/// The user's mistake: every fault found, in the order of the file. what() has one line a fault.
class InputError : public std::runtime_error {
public:
    explicit InputError(std::vector<Diagnostic> faults);
    explicit InputError(const std::string& message);
    [[nodiscard]] const std::vector<Diagnostic>& faults() const { return faults_; }

private:
    std::vector<Diagnostic> faults_;
};

/// Collects the faults of an input so that all are reported at once.
class Diagnostics {
public:
    void error(const SourceMark& where, std::string message);
    /// Puts a better explanation in the place of an earlier fault, by its position in faults().
    void replace(std::size_t position, const SourceMark& where, std::string message);
    [[nodiscard]] bool empty() const { return faults_.empty(); }
    [[nodiscard]] const std::vector<Diagnostic>& faults() const { return faults_; }
    /// Throws InputError with all faults, sorted by file, line and column and each told once, if
    /// there are any.
    void throw_if_any() const;

private:
    std::vector<Diagnostic> faults_;
};

/// The user's wish to end the work; nothing is wrong.
class Interrupted : public std::runtime_error {
public:
    Interrupted() : std::runtime_error("the work was interrupted") {}
};

/// A check that the user asked for does not hold; nothing is wrong with the input.
class CheckFailed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Our mistake: a broken invariant of the program. what() has the file and line of the check.
class InternalError : public std::logic_error {
public:
    InternalError(const std::string& message, const char* file, int line);
};

// The places are those of the caller: std::source_location does the same but is missing in
// clang 14.
[[noreturn]] void fail(const std::string& message, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE());

/// Throws InternalError unless `condition` holds. For what the program promises, never for user
/// data.
inline void ensure(bool condition, const char* message, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
    if (!condition) {
        fail(message, file, line);
    }
}

/// The candidate nearest to `word` by edit distance, or "" where none is near enough to be meant.
std::string nearest_name(const std::string& word, const std::vector<std::string>& candidates);

/// "; did you mean 'x'?" for the nearest candidate, else "; expected one of a, b, c" for a short
/// list, else "".
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace memwall
