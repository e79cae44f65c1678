// SPDX-License-Identifier: Apache-2.0
// Text to values and back: numbers, counts and quantities with their units ("768 KiB", "13 TB/s",
// "0.2 pJ").
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/quantity.hpp"

namespace memwall {

/// Why a text is not the value that was asked for, as a sentence ("expected bytes such as 768 KiB,
/// found '12 kg'").
struct ParseFault {
    std::string message;
};

template <class T>
using Parsed = std::variant<T, ParseFault>;

/// A whole number of things, decimal digits with an optional sign; no unit, no exponent, no octal.
Parsed<std::int64_t> parse_count(std::string_view text);
/// A finite decimal number without a unit.
Parsed<double> parse_number(std::string_view text);
Parsed<bool> parse_bool(std::string_view text);

/// Quantities: a number, white space (optional) and a unit. SI prefixes are powers of 1,000, KiB
/// MiB GiB TiB of 1,024. An exact quantity must come out whole ("0.5 KiB" is 512 B; "0.3 B" is a
/// fault). None can be below zero.
Parsed<Bytes> parse_bytes(std::string_view text);              // B kB MB GB TB KiB MiB GiB TiB
Parsed<Cycles> parse_cycles(std::string_view text);            // cycle, cycles
Parsed<Picoseconds> parse_picoseconds(std::string_view text);  // ps ns us ms s
Parsed<Hertz> parse_hertz(std::string_view text);              // Hz kHz MHz GHz
Parsed<Seconds> parse_seconds(std::string_view text);          // ps ns us ms s min h
Parsed<Joules> parse_joules(std::string_view text);            // aJ fJ pJ nJ uJ mJ J kJ
Parsed<Watts> parse_watts(std::string_view text);              // nW uW mW W kW
Parsed<Volts> parse_volts(std::string_view text);              // mV V
Parsed<BytesPerSecond> parse_bytes_per_second(std::string_view text);  // B/s ... TB/s, KiB/s ...
Parsed<Millimetres> parse_millimetres(std::string_view text);          // um mm
Parsed<SquareMillimetres> parse_square_millimetres(std::string_view text);  // um2 mm2 cm2

/// The parser of a type by its name, for templates; a std::string takes any text.
template <class T>
Parsed<T> parse_as(std::string_view text) {
    if constexpr (std::same_as<T, std::string>) {
        return Parsed<T>(std::in_place_index<0>, text);
    } else if constexpr (std::same_as<T, bool>) {
        return parse_bool(text);
    } else if constexpr (std::same_as<T, std::int64_t>) {
        return parse_count(text);
    } else if constexpr (std::same_as<T, double>) {
        return parse_number(text);
    } else if constexpr (std::same_as<T, Bytes>) {
        return parse_bytes(text);
    } else if constexpr (std::same_as<T, Cycles>) {
        return parse_cycles(text);
    } else if constexpr (std::same_as<T, Picoseconds>) {
        return parse_picoseconds(text);
    } else if constexpr (std::same_as<T, Hertz>) {
        return parse_hertz(text);
    } else if constexpr (std::same_as<T, Seconds>) {
        return parse_seconds(text);
    } else if constexpr (std::same_as<T, Joules>) {
        return parse_joules(text);
    } else if constexpr (std::same_as<T, Watts>) {
        return parse_watts(text);
    } else if constexpr (std::same_as<T, Volts>) {
        return parse_volts(text);
    } else if constexpr (std::same_as<T, BytesPerSecond>) {
        return parse_bytes_per_second(text);
    } else if constexpr (std::same_as<T, Millimetres>) {
        return parse_millimetres(text);
    } else {
        static_assert(std::same_as<T, SquareMillimetres>, "no text stands for this type");
        return parse_square_millimetres(text);
    }
}

/// For people: three significant digits and the prefix that fits ("32.0 MiB", "1.29 uJ", "400
/// MHz").
std::string format_bytes(Bytes bytes);
std::string format_seconds(Seconds time);
std::string format_joules(Joules energy);
std::string format_watts(Watts power);
std::string format_volts(Volts voltage);
std::string format_hertz(Hertz frequency);
/// "4,089,184,256".
std::string format_count(std::int64_t count);
/// The shortest decimal text that reads back as the same double; for files.
std::string shortest(double value);

}  // namespace memwall
