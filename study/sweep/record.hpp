// SPDX-License-Identifier: Apache-2.0
// What is known of a point that was run, as a line of a shard.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memwall {

/// How a point ended. `excluded`: a constraint that needs no run did not hold.
enum class PointStatus { done, failed, excluded };
const char* name(PointStatus status);

/// Why a point failed. What the inputs decide is final; the rest may go better next time.
enum class FailureCause { none, input, internal, memory, killed, timeout };
const char* name(FailureCause cause);

struct Record {
    std::int64_t point = 0;
    std::string key;  ///< of Point::key
    PointStatus status = PointStatus::done;
    FailureCause cause = FailureCause::none;
    std::string reason;  ///< one line; "" where done
    std::string totals;  ///< cells of metrics() as CSV, without the line's end

    /// Whether the same command need not run the point again.
    [[nodiscard]] bool is_final() const {
        return status != PointStatus::failed || cause == FailureCause::input ||
               cause == FailureCause::internal;
    }
};

/// With a checksum in front and a line's end behind.
std::string record_line(const Record& record);
/// nullopt for a line that is cut short, changed, or no record. `line` is without its end.
std::optional<Record> read_record(std::string_view line);

/// `text` on one line, for reasons.
std::string on_one_line(std::string text);

/// `payload` with its checksum in front and a line's end behind; and back, nullopt where they do
/// not agree.
std::string checked_line(const std::string& payload);
std::optional<std::string_view> payload_of(std::string_view line);

}  // namespace memwall
