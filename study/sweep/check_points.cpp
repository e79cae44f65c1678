// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/check_points.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace memwall {
namespace {

constexpr std::int64_t kPointsAChunk = 256;
constexpr std::size_t kFaultsShown = 20;
constexpr std::size_t kKeyDigits = 64;
constexpr char kFieldEnd = '\x1f';
constexpr char kFaultEnd = '\x1e';

/// Faults as text, from a worker to its parent.
std::string encode(const std::vector<Diagnostic>& faults) {
    std::string text;
    for (const Diagnostic& fault : faults) {
        text += fault.where.file + kFieldEnd + std::to_string(fault.where.line) + kFieldEnd +
                std::to_string(fault.where.column) + kFieldEnd + fault.message + kFaultEnd;
    }
    return text;
}

std::vector<std::string> split(const std::string& text, char end) {
    std::vector<std::string> parts(1);
    for (const char letter : text) {
        if (letter == end) {
            parts.emplace_back();
        } else {
            parts.back() += letter;
        }
    }
    return parts;
}

std::vector<Diagnostic> decode(const std::string& text) {
    std::vector<Diagnostic> faults;
    for (const std::string& fault : split(text, kFaultEnd)) {
        const std::vector<std::string> fields = split(fault, kFieldEnd);
        if (fields.size() == 4) {
            faults.push_back({{fields[0], std::stoi(fields[1]), std::stoi(fields[2])}, fields[3]});
        }
    }
    return faults;
}

/// Of a fault at a value of the sweep file: its text but for the value, so that a range of which
/// each step has the same fault has it once.
std::string text_without_values(const Diagnostic& fault, const Settings& settings) {
    std::string text = fault.text();
    for (const Setting& setting : settings) {
        const SourceMark& at = setting.value.mark();
        const std::string value = "'" + setting.text() + "'";
        if (at.file != fault.where.file || at.line != fault.where.line ||
            at.column != fault.where.column) {
            continue;
        }
        for (std::size_t found = text.find(value); found != std::string::npos;
             found = text.find(value, found)) {
            text.erase(found, value.size());
        }
    }
    return text;
}

/// The points of one chunk: where a fault lies outside the sweep file, the first point that has it
/// is named.
class ChunkCheck {
public:
    ChunkCheck(const Sweep& sweep, const Configs& configs, const std::vector<std::int64_t>& points)
        : sweep_(sweep), runner_(sweep, configs), points_(points) {}

    Record check(std::int64_t chunk) {
        Record record;
        record.point = chunk;
        const auto first = static_cast<std::size_t>(chunk * kPointsAChunk);
        const std::size_t end =
            std::min(first + static_cast<std::size_t>(kPointsAChunk), points_.size());
        std::vector<Diagnostic> faults;
        for (std::size_t p = first; p < end && faults.size() < kFaultsShown; ++p) {
            try {
                record.totals += runner_.instantiate(points_[p], std::nullopt).key;
            } catch (const InputError& error) {
                add(points_[p], error, faults);
            }
        }
        record.reason = encode(faults);
        return record;
    }

private:
    void add(std::int64_t point, const InputError& error, std::vector<Diagnostic>& faults) {
        const Settings settings = sweep_.space.at(point);
        for (Diagnostic fault : error.faults()) {
            if (!told_.insert(text_without_values(fault, settings)).second) {
                continue;
            }
            if (fault.where.file != sweep_.tree.mark().file) {
                const std::string values = values_text(settings);
                fault.message += " (at point " + std::to_string(point) + " of the sweep" +
                                 (values.empty() ? "" : ": " + values) + ")";
            }
            faults.push_back(std::move(fault));
        }
    }

    const Sweep& sweep_;
    PointRunner runner_;
    const std::vector<std::int64_t>& points_;
    std::set<std::string> told_;
};

}  // namespace

std::vector<std::int64_t> points_of_each_value(const PointSpace& space) {
    std::vector<std::int64_t> points = {0};
    const std::vector<std::int64_t> sizes = space.sizes();
    std::vector<std::int64_t> entries(sizes.size(), 0);
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        for (entries[axis] = 1; entries[axis] < sizes[axis]; ++entries[axis]) {
            points.push_back(space.point(entries));
        }
        entries[axis] = 0;
    }
    return points;
}

std::vector<std::string> check_points(const Sweep& sweep, const Configs& configs, bool keys,
                                      const PoolOptions& options,
                                      const std::function<void(double)>& shown) {
    std::vector<std::int64_t> points;
    if (sweep.search) {
        points = points_of_each_value(sweep.space);
    } else {
        points.resize(static_cast<std::size_t>(sweep.space.size()));
        std::iota(points.begin(), points.end(), std::int64_t{0});
    }
    const auto count = static_cast<std::int64_t>(points.size());
    const std::int64_t chunks = (count + kPointsAChunk - 1) / kPointsAChunk;
    std::vector<Diagnostic> faults;
    std::vector<std::string> found(keys ? points.size() : 0);
    std::int64_t next = 0;
    std::int64_t done = 0;
    ChunkCheck work(sweep, configs, points);
    run_points(
        [&]() -> std::optional<std::int64_t> {
            const bool more = next < chunks && faults.size() < kFaultsShown;
            return more ? std::optional(next++) : std::nullopt;
        },
        [&](std::int64_t chunk) { return work.check(chunk); },
        [&](const Record& record) {
            if (record.status == PointStatus::failed) {
                throw InternalError("checking the points of the sweep: " + record.reason, __FILE__,
                                    __LINE__);
            }
            const std::vector<Diagnostic> more = decode(record.reason);
            faults.insert(faults.end(), more.begin(), more.end());
            for (std::size_t at = 0; keys && at + kKeyDigits <= record.totals.size();
                 at += kKeyDigits) {
                found[static_cast<std::size_t>(record.point * kPointsAChunk) + at / kKeyDigits] =
                    record.totals.substr(at, kKeyDigits);
            }
            shown(static_cast<double>(++done) / static_cast<double>(chunks));
        },
        options);
    Diagnostics sorted;
    for (std::size_t f = 0; f < std::min(faults.size(), kFaultsShown); ++f) {
        sorted.error(faults[f].where, faults[f].message);
    }
    sorted.throw_if_any();
    return found;
}

}  // namespace memwall
