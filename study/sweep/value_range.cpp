// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/value_range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "study/sweep/magnitude.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMostSteps = 1'000'000;

/// What follows the number: "KiB".
std::string unit_of(const std::string& text) {
    const std::size_t last = text.find_last_of("0123456789. ");
    return last == std::string::npos ? text : text.substr(last + 1);
}

/// A square or a unit a second ends in what looks like a number: its kind says it better.
std::string unit_of(const std::string& text, const Magnitude& magnitude) {
    if (std::string_view(magnitude.kind) == "square millimetres") {
        for (const char* unit : {"um2", "mm2", "cm2"}) {
            if (text.find(unit) != std::string::npos) {
                return unit;
            }
        }
    }
    return unit_of(text);
}

std::string bytes_text(std::int64_t bytes) {
    constexpr std::array<const char*, 5> kUnits = {" B", " KiB", " MiB", " GiB", " TiB"};
    std::size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < kUnits.size()) {
        bytes /= 1024;
        ++unit;
    }
    return std::to_string(bytes) + kUnits.at(unit);
}

std::string hertz_text(std::int64_t hertz) {
    constexpr std::array<const char*, 4> kUnits = {" Hz", " kHz", " MHz", " GHz"};
    std::size_t unit = 0;
    while (hertz != 0 && hertz % 1000 == 0 && unit + 1 < kUnits.size()) {
        hertz /= 1000;
        ++unit;
    }
    return std::to_string(hertz) + kUnits.at(unit);
}

/// An end of a range, or what it is rounded to; none where that cannot be read.
std::optional<Magnitude> read_end(MapReader& keys, const char* key) {
    const auto text = keys.required<std::string>(key);
    const auto read = read_magnitude(text);
    if (!read && keys.has(key) && !text.empty()) {
        keys.misfit(key, "a number or a quantity");
    }
    return read;
}

}  // namespace

ValueRange ValueRange::read(const YamlValue& value, const std::string& what, bool continuous,
                            Diagnostics& faults) {
    ValueRange range;
    MapReader keys(value, what, faults);
    const std::optional<Magnitude> begin = read_end(keys, "from");
    const std::optional<Magnitude> end = read_end(keys, "to");
    const bool read_both = begin && end;  // else nothing more is to be said of them
    const Magnitude from = read_both ? *begin : Magnitude{};
    Magnitude to = read_both ? *end : Magnitude{};
    const auto whole = [](const Magnitude& of) { return std::string_view(of.kind) == "count"; };
    const std::string_view kind = whole(from) ? to.kind : from.kind;
    if (!whole(to) && kind != to.kind) {
        keys.misfit("to", std::string(from.kind) + " as 'from' is");
        to = from;
    } else if (whole(from) != whole(to) && kind != "number") {
        keys.misfit(whole(to) ? "to" : "from", "a quantity with its unit");
    }
    range.from_ = from.value;
    range.to_ = to.value;
    range.form_ = kind == "bytes"                       ? Form::bytes
                  : kind == "hertz"                     ? Form::hertz
                  : kind == "count" || kind == "cycles" ? Form::whole
                                                        : Form::real;
    const std::string text = keys.has("from") ? keys.value("from")->text() : "";
    range.unit_ = kind == "count" || kind == "number" ? "" : unit_of(text, from);
    if (range.form_ == Form::real && !range.unit_.empty()) {
        range.unit_size_ = read_magnitude("1 " + range.unit_).value_or(Magnitude{}).value;
    }
    if (keys.has("round")) {
        const std::optional<Magnitude> multiple = read_end(keys, "round");
        const bool fits =
            multiple && multiple->value > 0 &&
            (std::string_view(multiple->kind) == kind || (whole(*multiple) && kind == "number"));
        if (fits) {
            range.multiple_ = multiple->value;
        } else if (read_both && multiple) {
            keys.misfit("round", "a positive number of the kind of 'from'");
        }
    }
    range.log_ = keys.optional_choice("scale", {"linear", "log"}).value_or(0) == 1;
    if (range.log_ && !(range.from_ > 0 && range.to_ > 0)) {
        if (read_both) {
            keys.misfit(range.from_ > 0 ? "to" : "from", "a value above zero on a log scale");
        }
        range.from_ = range.to_ = 1;
    }
    if (continuous) {
        range.steps_ = keys.optional_positive<std::int64_t>("steps", 0);
    } else {
        range.steps_ = keys.required_positive<std::int64_t>("steps");
    }
    if (range.steps_ > kMostSteps) {
        keys.misfit("steps", "at most " + std::to_string(kMostSteps));
        range.steps_ = 1;
    }
    if (range.steps_ == 1 && range.from_ != range.to_) {
        keys.error("steps", "'steps' in " + what +
                                ": one step cannot be both 'from' and 'to'; expected 2 or more");
    }
    keys.finish();
    std::string before;
    for (std::int64_t step = 0; faults.empty() && step < range.steps_; ++step) {
        const std::string now = range.step(step);
        if (now == before) {
            keys.error("steps", "'steps' in " + what + ": two steps are both " + now +
                                    "; expected fewer steps or a wider range");
        }
        before = now;
    }
    return range;
}

std::string ValueRange::at(double position) const {
    if (position <= 0) {
        return text_of(from_);
    }
    if (position >= 1) {
        return text_of(to_);
    }
    return text_of(log_ ? from_ * std::pow(to_ / from_, position)
                        : from_ + (to_ - from_) * position);
}

std::string ValueRange::drawn(double position) const {
    if (log_ || (form_ == Form::real && !multiple_)) {
        return at(position);
    }
    const double half = (from_ < to_ ? 0.5 : -0.5) * multiple_.value_or(1);
    const double value = from_ - half + (to_ - from_ + 2 * half) * position;
    return text_of(std::clamp(value, std::min(from_, to_), std::max(from_, to_)));
}

std::string ValueRange::step(std::int64_t step) const {
    return steps_ <= 1 ? at(0) : at(static_cast<double>(step) / static_cast<double>(steps_ - 1));
}

std::string ValueRange::text_of(double value) const {
    if (multiple_) {
        value = std::round(value / *multiple_) * *multiple_;
    }
    const auto rounded = static_cast<std::int64_t>(std::llround(value));
    switch (form_) {
        case Form::bytes:
            return bytes_text(rounded);
        case Form::hertz:
            return hertz_text(rounded);
        case Form::whole:
            return std::to_string(rounded) + (unit_.empty() ? "" : " cycles");
        case Form::real:
            break;
    }
    const std::string number = fmt::format("{:.6g}", value / unit_size_);
    return unit_.empty() ? number : number + " " + unit_;
}

}  // namespace memwall
