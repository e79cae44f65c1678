// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "base/parse.hpp"

namespace memwall {
namespace {

struct Scale {
    double factor;
    const char* unit;
};

/// Three significant digits, whole above 100: "1.29", "32.0", "768".
std::string three_digits(double value) {
    const double size = std::abs(value);
    // Compared with what rounding makes of them, so that 9.999 becomes 10.0 and not 10.00.
    const int decimals = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}", value, decimals);
}

/// `scales` rise; `step` is the ratio between neighbours.
std::string with_prefix(double value, std::span<const Scale> scales, double step) {
    const double size = std::abs(value);
    const Scale* chosen = &scales.front();
    for (const Scale& scale : scales) {
        // 999.9 reads "1.00" of the next prefix; 1,000 KiB is still its own.
        const bool fits = size >= scale.factor * (1 - 0.5 / step);
        const bool plain = scale.factor == 1 && (value == 0 || !std::isfinite(value));
        if (fits || plain) {
            chosen = &scale;
        }
    }
    const double scaled = value / chosen->factor;
    const bool digits_lost = std::abs(scaled) < 1e-2 || !std::isfinite(value);
    return (digits_lost ? fmt::format("{:.3g}", scaled) : three_digits(scaled)) + " " +
           chosen->unit;
}

}  // namespace

std::string format_bytes(Bytes bytes) {
    if (std::abs(static_cast<double>(bytes.count())) < 1024) {
        return std::to_string(bytes.count()) + " B";
    }
    static constexpr std::array<Scale, 6> kScales{{{0x1p10, "KiB"},
                                                   {0x1p20, "MiB"},
                                                   {0x1p30, "GiB"},
                                                   {0x1p40, "TiB"},
                                                   {0x1p50, "PiB"},
                                                   {0x1p60, "EiB"}}};
    return with_prefix(static_cast<double>(bytes.count()), kScales, 1024);
}

std::string format_seconds(Seconds time) {
    static constexpr std::array<Scale, 5> kScales{
        {{1e-12, "ps"}, {1e-9, "ns"}, {1e-6, "us"}, {1e-3, "ms"}, {1, "s"}}};
    return with_prefix(time.count(), kScales, 1000);
}

std::string format_joules(Joules energy) {
    static constexpr std::array<Scale, 8> kScales{{{1e-18, "aJ"},
                                                   {1e-15, "fJ"},
                                                   {1e-12, "pJ"},
                                                   {1e-9, "nJ"},
                                                   {1e-6, "uJ"},
                                                   {1e-3, "mJ"},
                                                   {1, "J"},
                                                   {1e3, "kJ"}}};
    return with_prefix(energy.count(), kScales, 1000);
}

std::string format_watts(Watts power) {
    static constexpr std::array<Scale, 5> kScales{
        {{1e-9, "nW"}, {1e-6, "uW"}, {1e-3, "mW"}, {1, "W"}, {1e3, "kW"}}};
    return with_prefix(power.count(), kScales, 1000);
}

std::string format_volts(Volts voltage) {
    static constexpr std::array<Scale, 2> kScales{{{1e-3, "mV"}, {1, "V"}}};
    return with_prefix(voltage.count(), kScales, 1000);
}

std::string format_hertz(Hertz frequency) {
    static constexpr std::array<Scale, 4> kScales{
        {{1, "Hz"}, {1e3, "kHz"}, {1e6, "MHz"}, {1e9, "GHz"}}};
    return with_prefix(static_cast<double>(frequency.count()), kScales, 1000);
}

std::string format_count(std::int64_t count) {
    std::string digits = std::to_string(count);
    const std::size_t first = digits[0] == '-' ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string shortest(double value) {
    std::array<char, 32> text{};
    const auto [end, status] = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), end};
}

}  // namespace memwall
