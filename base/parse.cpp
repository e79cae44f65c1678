// SPDX-License-Identifier: Apache-2.0
#include "base/parse.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <system_error>

#include "base/error.hpp"

namespace memwall {
namespace {

__extension__ using Wide = __int128;

/// A unit as factor * 10^exponent of the quantity's own unit.
struct Unit {
    const char* name;
    int exponent = 0;
    std::int64_t factor = 1;
};

struct UnitTable {
    const char* plural;   // "bytes", for messages
    const char* example;  // "768 KiB"
    std::span<const Unit> units;
};

constexpr std::int64_t kKibi = 1024;
constexpr std::int64_t kMebi = kKibi * kKibi;
constexpr std::int64_t kGibi = kMebi * kKibi;
constexpr std::int64_t kTebi = kGibi * kKibi;

constexpr std::array<Unit, 9> kBytes{{{"B"},
                                      {"kB", 3},
                                      {"MB", 6},
                                      {"GB", 9},
                                      {"TB", 12},
                                      {"KiB", 0, kKibi},
                                      {"MiB", 0, kMebi},
                                      {"GiB", 0, kGibi},
                                      {"TiB", 0, kTebi}}};
constexpr std::array<Unit, 9> kBytesPerSecond{{{"B/s"},
                                               {"kB/s", 3},
                                               {"MB/s", 6},
                                               {"GB/s", 9},
                                               {"TB/s", 12},
                                               {"KiB/s", 0, kKibi},
                                               {"MiB/s", 0, kMebi},
                                               {"GiB/s", 0, kGibi},
                                               {"TiB/s", 0, kTebi}}};
constexpr std::array<Unit, 2> kCycles{{{"cycles"}, {"cycle"}}};
constexpr std::array<Unit, 5> kPicoseconds{{{"ps"}, {"ns", 3}, {"us", 6}, {"ms", 9}, {"s", 12}}};
constexpr std::array<Unit, 4> kHertz{{{"Hz"}, {"kHz", 3}, {"MHz", 6}, {"GHz", 9}}};
constexpr std::array<Unit, 7> kSeconds{
    {{"ps", -12}, {"ns", -9}, {"us", -6}, {"ms", -3}, {"s"}, {"min", 0, 60}, {"h", 0, 3600}}};
constexpr std::array<Unit, 8> kJoules{
    {{"aJ", -18}, {"fJ", -15}, {"pJ", -12}, {"nJ", -9}, {"uJ", -6}, {"mJ", -3}, {"J"}, {"kJ", 3}}};
constexpr std::array<Unit, 2> kVolts{{{"mV", -3}, {"V"}}};
constexpr std::array<Unit, 5> kWatts{{{"nW", -9}, {"uW", -6}, {"mW", -3}, {"W"}, {"kW", 3}}};
constexpr std::array<Unit, 2> kMillimetres{{{"um", -3}, {"mm"}}};
constexpr std::array<Unit, 3> kSquareMillimetres{{{"um2", -6}, {"mm2"}, {"cm2", 2}}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

ParseFault expected(const std::string& what, std::string_view text) {
    return {"expected " + what + ", found '" + std::string(text) + "'"};
}

/// The length of the decimal number ([+-]digits[.digits][e[+-]digits]) that `text` begins with; 0
/// if none.
std::size_t number_length(std::string_view text) {
    std::size_t at = 0;
    const auto digits = [&] {
        const std::size_t begin = at;
        while (at < text.size() && is_digit(text[at])) {
            ++at;
        }
        return at - begin;
    };
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
        ++at;
    }
    std::size_t mantissa = digits();
    if (at < text.size() && text[at] == '.') {
        ++at;
        mantissa += digits();
    }
    if (mantissa == 0) {
        return 0;
    }
    const std::size_t before_exponent = at;
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
            ++at;
        }
        if (digits() == 0) {
            at = before_exponent;
        }
    }
    return at;
}

/// A decimal number as written: its digits without the point, and the power of ten that they are to
/// be scaled by.
struct Decimal {
    bool negative = false;
    std::string digits;
    long exponent = 0;
};

/// `text` is a number by number_length(). Nothing is rounded.
Decimal read_decimal(std::string_view text) {
    constexpr long kFar =
        100'000;  // beyond any value of ours; keeps the sums below from overflowing
    Decimal decimal;
    std::size_t at = 0;
    if (text[at] == '+' || text[at] == '-') {
        decimal.negative = text[at++] == '-';
    }
    bool fraction = false;
    for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
        if (text[at] == '.') {
            fraction = true;
            continue;
        }
        decimal.digits += text[at];
        decimal.exponent -= fraction ? 1 : 0;
    }
    if (at < text.size()) {
        ++at;
        const bool minus = text[at] == '-';
        at += minus || text[at] == '+' ? 1 : 0;
        long written = kFar;
        std::from_chars(text.data() + at, text.data() + text.size(), written);
        decimal.exponent += std::min(written, kFar) * (minus ? -1 : 1);
    }
    const std::size_t first =
        std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size());
    decimal.digits.erase(0, first);
    while (!decimal.digits.empty() && decimal.digits.back() == '0') {
        decimal.digits.pop_back();
        ++decimal.exponent;
    }
    return decimal;
}

/// The nearest double to the decimal times 10^shift; infinite where it is too large.
double to_double(const Decimal& decimal, int shift) {
    if (decimal.digits.empty()) {
        return 0;
    }
    const std::string text = decimal.digits + "e" + std::to_string(decimal.exponent + shift);
    double value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status == std::errc::result_out_of_range) {
        const bool tiny = decimal.exponent + shift + static_cast<long>(decimal.digits.size()) < 0;
        value = tiny ? 0 : std::numeric_limits<double>::infinity();
    }
    return decimal.negative ? -value : value;
}

/// decimal * unit where that is a whole number of 64 bits; `whole` says which of the two failed.
std::optional<std::int64_t> to_integer(const Decimal& decimal, const Unit& unit, bool& whole) {
    constexpr int kMostDigits = 19;  // of a 64-bit number; times 2^40 still fits 128 bits
    whole = true;
    if (decimal.digits.empty()) {
        return 0;
    }
    if (decimal.digits.size() > kMostDigits) {
        whole = decimal.exponent + unit.exponent >= 0;
        return std::nullopt;
    }
    Wide value = 0;
    for (const char digit : decimal.digits) {
        value = value * 10 + (digit - '0');
    }
    value *= unit.factor;
    long exponent = decimal.exponent + unit.exponent;
    for (; exponent < 0; ++exponent, value /= 10) {
        if (value % 10 != 0) {
            whole = false;
            return std::nullopt;
        }
    }
    for (; exponent > 0; --exponent) {
        value *= 10;
        if (value > std::numeric_limits<std::int64_t>::max()) {
            return std::nullopt;
        }
    }
    if (value > std::numeric_limits<std::int64_t>::max()) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(decimal.negative ? -value : value);
}

/// "; did you mean 'KiB'?" for a unit that is right but for its case.
std::string case_hint(std::string_view unit, const UnitTable& table) {
    const auto same_letter = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    };
    for (const Unit& known : table.units) {
        const std::string_view name = known.name;
        if (std::equal(unit.begin(), unit.end(), name.begin(), name.end(), same_letter)) {
            return "; did you mean '" + std::string(name) + "'?";
        }
    }
    return "";
}

template <class Q>
Parsed<Q> parse_quantity(std::string_view text, const UnitTable& table) {
    const std::string wanted = std::string(table.plural) + " such as " + table.example;
    const std::size_t length = number_length(text);
    std::string_view unit_name = text.substr(length);
    while (!unit_name.empty() && is_blank(unit_name.front())) {
        unit_name.remove_prefix(1);
    }
    const auto unit =
        std::find_if(table.units.begin(), table.units.end(),
                     [&](const Unit& candidate) { return candidate.name == unit_name; });
    if (length == 0 || unit == table.units.end()) {
        ParseFault fault = expected(wanted, text);
        fault.message += length == 0 ? "" : case_hint(unit_name, table);
        return fault;
    }
    const Decimal decimal = read_decimal(text.substr(0, length));
    if (decimal.negative && !decimal.digits.empty()) {
        return expected(wanted + ", not below zero", text);
    }
    if constexpr (Q::exact) {
        bool whole = true;
        const auto value = to_integer(decimal, *unit, whole);
        if (!value) {
            return whole ? expected(wanted + ", below 2^63", text)
                         : expected("a whole number of " + std::string(table.plural), text);
        }
        return Q(*value);
    } else {
        const double value = to_double(decimal, unit->exponent) * static_cast<double>(unit->factor);
        if (!std::isfinite(value)) {
            return expected(wanted + " within the range of numbers", text);
        }
        return Q(value);
    }
}

}  // namespace

Parsed<std::int64_t> parse_count(std::string_view text) {
    const std::string wanted = "a whole number such as 16";
    const std::string_view unsigned_text =
        !text.empty() && (text[0] == '+' || text[0] == '-') ? text.substr(1) : text;
    if (unsigned_text.empty() ||
        !std::all_of(unsigned_text.begin(), unsigned_text.end(), is_digit)) {
        return expected(wanted, text);
    }
    std::int64_t value = 0;
    const std::string_view number = text[0] == '+' ? unsigned_text : text;
    const auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (status != std::errc()) {
        return expected(wanted + ", of at most 64 bits", text);
    }
    return value;
}

Parsed<double> parse_number(std::string_view text) {
    const std::string wanted = "a number such as 0.5";
    if (text.empty() || number_length(text) != text.size()) {
        return expected(wanted, text);
    }
    const double value = to_double(read_decimal(text), 0);
    if (!std::isfinite(value)) {
        return expected(wanted + " within the range of numbers", text);
    }
    return value;
}

Parsed<bool> parse_bool(std::string_view text) {
    if (text == "true" || text == "false") {
        return text == "true";
    }
    return expected("true or false", text);
}

Parsed<Bytes> parse_bytes(std::string_view text) {
    return parse_quantity<Bytes>(text, {"bytes", "768 KiB", kBytes});
}

Parsed<Cycles> parse_cycles(std::string_view text) {
    return parse_quantity<Cycles>(text, {"cycles", "4 cycles", kCycles});
}

Parsed<Picoseconds> parse_picoseconds(std::string_view text) {
    return parse_quantity<Picoseconds>(text, {"picoseconds", "1.25 ns", kPicoseconds});
}

Parsed<Hertz> parse_hertz(std::string_view text) {
    return parse_quantity<Hertz>(text, {"hertz", "400 MHz", kHertz});
}

Parsed<Seconds> parse_seconds(std::string_view text) {
    return parse_quantity<Seconds>(text, {"seconds", "3.9 us", kSeconds});
}

Parsed<Joules> parse_joules(std::string_view text) {
    return parse_quantity<Joules>(text, {"joules", "0.2 pJ", kJoules});
}

Parsed<Watts> parse_watts(std::string_view text) {
    return parse_quantity<Watts>(text, {"watts", "35 mW", kWatts});
}

Parsed<Volts> parse_volts(std::string_view text) {
    return parse_quantity<Volts>(text, {"volts", "0.8 V", kVolts});
}

Parsed<BytesPerSecond> parse_bytes_per_second(std::string_view text) {
    return parse_quantity<BytesPerSecond>(text, {"bytes per second", "900 GB/s", kBytesPerSecond});
}

Parsed<Millimetres> parse_millimetres(std::string_view text) {
    return parse_quantity<Millimetres>(text, {"millimetres", "1.5 mm", kMillimetres});
}

Parsed<SquareMillimetres> parse_square_millimetres(std::string_view text) {
    return parse_quantity<SquareMillimetres>(text,
                                             {"square millimetres", "800 mm2", kSquareMillimetres});
}

}  // namespace memwall
