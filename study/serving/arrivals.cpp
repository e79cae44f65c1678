// SPDX-License-Identifier: Apache-2.0
#include "study/serving/arrivals.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/parse.hpp"
#include "study/serving/rounding.hpp"
#include "study/sweep/samples.hpp"

namespace memwall {
namespace {

constexpr double kLongest = 60 * 86'400.0;  ///< seconds of arrivals, of which picoseconds fit
constexpr Bytes kLargestFile{std::int64_t{1} << 30U};
constexpr std::size_t kMostFaults = 100;  ///< so many of a file are told
constexpr std::int64_t kMostTokens = 1'000'000;

void check_length(double seconds) {
    if (seconds > kLongest) {
        throw InputError("serve: expected requests within 60 days, found arrivals after " +
                         format_seconds(Seconds(seconds)) + "; fewer requests or a higher rate");
    }
}

/// A cell of a line and where it begins, from 1 on.
struct Cell {
    std::string_view text;
    int column = 1;
};

std::vector<Cell> cells_of(std::string_view line) {
    std::vector<Cell> cells;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = std::min(line.find(',', begin), line.size());
        std::string_view text = line.substr(begin, end - begin);
        const std::size_t first = text.find_first_not_of(" \t");
        const std::size_t skipped = first == std::string_view::npos ? 0 : first;
        text.remove_prefix(skipped);
        text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
        if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
            text = text.substr(1, text.size() - 2);
        }
        cells.push_back({text, static_cast<int>(begin + skipped) + 1});
        if (end == line.size()) {
            return cells;
        }
        begin = end + 1;
    }
}

const std::vector<std::string>& column_names() {
    static const std::vector<std::string> kNames = {"arrival_s", "prompt_tokens", "output_tokens"};
    return kNames;
}

/// Reads a file line by line; all of its faults are collected.
class ArrivalReader {
public:
    explicit ArrivalReader(std::string shown_as) : file_(std::move(shown_as)) {}

    std::vector<Request> read(std::string_view text) {
        constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // as spreadsheets write it
        if (text.starts_with(kByteOrderMark)) {
            text.remove_prefix(kByteOrderMark.size());
        }
        for (std::size_t begin = 0; begin < text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            std::string_view content = text.substr(begin, end - begin);
            ++line_;
            if (content.find_first_not_of(" \t\r") != std::string_view::npos) {
                read_line(content);
            }
            if (faults_.faults().size() >= kMostFaults || (columns_.empty() && !faults_.empty())) {
                break;
            }
            begin = end + 1;
        }
        if (faults_.empty() && requests_.empty()) {
            faults_.error({file_, std::max(line_, 1), 1},
                          columns_.empty()
                              ? "expected a line with the columns arrival_s, prompt_tokens and "
                                "output_tokens, found an empty file"
                              : "expected a request a line below the names of the columns, found "
                                "none");
        }
        faults_.throw_if_any();
        return std::move(requests_);
    }

private:
    void read_line(std::string_view line) {
        const std::vector<Cell> cells = cells_of(line);
        if (columns_.empty()) {
            return read_names(cells);
        }
        if (cells.size() != columns_.size()) {
            return fault(cells[std::min(cells.size(), columns_.size()) - 1],
                         "expected " + std::to_string(columns_.size()) + " cells, found " +
                             std::to_string(cells.size()));
        }
        const std::size_t before = faults_.faults().size();
        Request request;
        request.arrival = arrival(cells[place_of_[0]]);
        request.prompt = tokens(cells[place_of_[1]]);
        request.output_tokens = tokens(cells[place_of_[2]]);
        if (faults_.faults().size() == before) {
            request.line = line_;
            requests_.push_back(request);
        }
    }

    void read_names(const std::vector<Cell>& cells) {
        std::vector<std::string> found;
        for (const Cell& cell : cells) {
            const std::string name(cell.text);
            const auto& known = column_names();
            if (std::find(known.begin(), known.end(), name) == known.end()) {
                fault(cell, "unknown column '" + name + "'" + suggestion(name, known));
            } else if (std::find(found.begin(), found.end(), name) != found.end()) {
                fault(cell, "column '" + name + "' is there twice");
            }
            found.push_back(name);
        }
        for (std::size_t n = 0; n < column_names().size(); ++n) {
            const auto at = std::find(found.begin(), found.end(), column_names()[n]);
            if (at == found.end()) {
                fault(cells.front(), "missing column '" + column_names()[n] + "'");
            }
            place_of_[n] = static_cast<std::size_t>(at - found.begin());
        }
        columns_ = std::move(found);
        if (!faults_.empty()) {
            columns_.clear();
        }
    }

    Picoseconds arrival(const Cell& cell) {
        const Parsed<double> parsed = parse_number(cell.text);
        const double* seconds = std::get_if<double>(&parsed);
        if (seconds == nullptr || !(*seconds >= 0) || *seconds > kLongest) {
            fault(cell, "expected seconds from 0 to " + shortest(kLongest) + ", found '" +
                            std::string(cell.text) + "'");
            return Picoseconds(0);
        }
        const Picoseconds time = whole_picoseconds(*seconds);
        if (time < last_) {
            fault(cell, "expected arrivals in order, found " + std::string(cell.text) +
                            " s after " + shortest(to_seconds(last_).count()) + " s");
        }
        last_ = std::max(last_, time);
        return time;
    }

    std::int64_t tokens(const Cell& cell) {
        const Parsed<std::int64_t> parsed = parse_count(cell.text);
        const std::int64_t* count = std::get_if<std::int64_t>(&parsed);
        if (count == nullptr || *count < 1 || *count > kMostTokens) {
            fault(cell, "expected a number of tokens from 1 to " + std::to_string(kMostTokens) +
                            ", found '" + std::string(cell.text) + "'");
            return 1;
        }
        return *count;
    }

    void fault(const Cell& cell, std::string message) {
        faults_.error({file_, line_, cell.column}, std::move(message));
    }

    std::string file_;
    int line_ = 0;
    std::vector<std::string> columns_;
    std::array<std::size_t, 3> place_of_{};  ///< in a line, in the order of column_names()
    Picoseconds last_;
    std::vector<Request> requests_;
    Diagnostics faults_;
};

/// Requests at the times that `next` gives one by one.
std::vector<Request> of_one_size(const ArrivalRate& rate, const std::function<double()>& next) {
    std::vector<Request> requests;
    for (std::int64_t r = 0; r < rate.requests; ++r) {
        const double seconds = next();
        check_length(seconds);
        requests.push_back({whole_picoseconds(seconds), rate.prompt, rate.output_tokens});
    }
    return requests;
}

}  // namespace

std::vector<Request> poisson_arrivals(const ArrivalRate& rate, std::uint64_t seed) {
    SeededDraw draw(seed);
    double seconds = 0;
    return of_one_size(rate,
                       [&] { return seconds -= std::log1p(-draw.fraction()) / rate.per_second; });
}

std::vector<Request> even_arrivals(const ArrivalRate& rate) {
    double before = 0;
    return of_one_size(rate, [&] { return before++ / rate.per_second; });
}

std::vector<Request> read_arrivals(const std::filesystem::path& file, const std::string& shown_as) {
    return ArrivalReader(shown_as).read(
        read_file_whole(file, shown_as, "a CSV file of arrivals", kLargestFile));
}

}  // namespace memwall
