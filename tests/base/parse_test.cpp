// SPDX-License-Identifier: Apache-2.0
#include "base/parse.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <random>
#include <string>

using namespace memwall;

namespace {

template <class T>
T value_of(const Parsed<T>& parsed) {
    if (const auto* fault = std::get_if<ParseFault>(&parsed)) {
        FAIL(fault->message);
    }
    return std::get<0>(parsed);
}

template <class T>
std::string fault_of(const Parsed<T>& parsed) {
    const auto* fault = std::get_if<ParseFault>(&parsed);
    return fault != nullptr ? fault->message : "(no fault)";
}

}  // namespace

TEST_CASE("A count is decimal digits with an optional sign") {
    CHECK(value_of(parse_count("16")) == 16);
    CHECK(value_of(parse_count("-3")) == -3);
    CHECK(value_of(parse_count("+3")) == 3);
    CHECK(value_of(parse_count("010")) == 10);  // never octal
    CHECK(value_of(parse_count("9223372036854775807")) == std::numeric_limits<std::int64_t>::max());
    CHECK(value_of(parse_count("-9223372036854775808")) ==
          std::numeric_limits<std::int64_t>::min());
    for (const char* wrong :
         {"", "+", "-", "+-1", "1e3", "1.0", "1_000", "0x10", "16 B", " 1", "1 "}) {
        CAPTURE(wrong);
        CHECK(fault_of(parse_count(wrong)) ==
              "expected a whole number such as 16, found '" + std::string(wrong) + "'");
    }
    CHECK(fault_of(parse_count("9223372036854775808")) ==
          "expected a whole number such as 16, of at most 64 bits, found '9223372036854775808'");
}

TEST_CASE("A number is finite and decimal") {
    CHECK(value_of(parse_number("0.1")) == 0.1);
    CHECK(value_of(parse_number("-1.5e-3")) == -1.5e-3);
    CHECK(value_of(parse_number("+2")) == 2.0);
    CHECK(value_of(parse_number(".5")) == 0.5);
    CHECK(value_of(parse_number("5.")) == 5.0);
    CHECK(value_of(parse_number("0e999999999999")) == 0.0);
    CHECK(value_of(parse_number("1e-999")) == 0.0);
    CHECK(value_of(parse_number("4.9e-324")) == 4.9e-324);
    for (const char* wrong :
         {"", ".", "nan", "inf", "-inf", "0x1p3", "1,5", "1e", "1 ", "--1", "1e5.5"}) {
        CAPTURE(wrong);
        CHECK(fault_of(parse_number(wrong)) ==
              "expected a number such as 0.5, found '" + std::string(wrong) + "'");
    }
    CHECK(fault_of(parse_number("1e999")) ==
          "expected a number such as 0.5 within the range of numbers, found '1e999'");
    CHECK(fault_of(parse_number("1e99999999999999999999")) != "(no fault)");
}

TEST_CASE("Only true and false are truth values") {
    CHECK(value_of(parse_bool("true")));
    CHECK_FALSE(value_of(parse_bool("false")));
    CHECK(fault_of(parse_bool("yes")) == "expected true or false, found 'yes'");
    CHECK(fault_of(parse_bool("True")) == "expected true or false, found 'True'");
}

TEST_CASE("SI prefixes are powers of 1,000 and binary ones of 1,024") {
    CHECK(value_of(parse_bytes("1 B")) == Bytes(1));
    CHECK(value_of(parse_bytes("1 kB")) == Bytes(1000));
    CHECK(value_of(parse_bytes("1 MB")) == Bytes(1'000'000));
    CHECK(value_of(parse_bytes("1 GB")) == Bytes(1'000'000'000));
    CHECK(value_of(parse_bytes("1 TB")) == Bytes(1'000'000'000'000));
    CHECK(value_of(parse_bytes("1 KiB")) == Bytes(1LL << 10));
    CHECK(value_of(parse_bytes("1 MiB")) == Bytes(1LL << 20));
    CHECK(value_of(parse_bytes("1 GiB")) == Bytes(1LL << 30));
    CHECK(value_of(parse_bytes("1 TiB")) == Bytes(1LL << 40));
    CHECK(value_of(parse_bytes("768KiB")) == Bytes(786'432));  // white space is optional
    CHECK(value_of(parse_bytes("768   KiB")) == Bytes(786'432));
}

TEST_CASE("An exact quantity comes out whole or not at all") {
    CHECK(value_of(parse_bytes("0.5 KiB")) == Bytes(512));
    CHECK(value_of(parse_bytes("1.5e3 B")) == Bytes(1500));
    CHECK(value_of(parse_hertz("1.2 GHz")) == Hertz(1'200'000'000));
    CHECK(value_of(parse_picoseconds("1.25 ns")) == Picoseconds(1250));
    CHECK(value_of(parse_picoseconds("3.9 us")) == Picoseconds(3'900'000));
    CHECK(value_of(parse_cycles("12 cycles")) == Cycles(12));
    CHECK(value_of(parse_cycles("1 cycle")) == Cycles(1));
    CHECK(fault_of(parse_bytes("0.3 B")) == "expected a whole number of bytes, found '0.3 B'");
    CHECK(fault_of(parse_bytes("0.3 KiB")) == "expected a whole number of bytes, found '0.3 KiB'");
    CHECK(fault_of(parse_picoseconds("0.1 ps")) ==
          "expected a whole number of picoseconds, found '0.1 ps'");
    // 2^63 - 1 is the largest; the next one does not fit.
    CHECK(value_of(parse_bytes("9223372036854775807 B")) ==
          Bytes(std::numeric_limits<std::int64_t>::max()));
    CHECK(fault_of(parse_bytes("9223372036854775808 B")) ==
          "expected bytes such as 768 KiB, below 2^63, found '9223372036854775808 B'");
    CHECK(fault_of(parse_bytes("9000000 TiB")) != "(no fault)");
    CHECK(fault_of(parse_bytes("1e99999 TB")) != "(no fault)");
    CHECK(fault_of(parse_bytes("123456789012345678901234567890 B")) ==
          "expected bytes such as 768 KiB, below 2^63, found '123456789012345678901234567890 B'");
}

TEST_CASE("A quantity that is a real number is the double nearest to what is written") {
    CHECK(value_of(parse_joules("0.2 pJ")) == Joules(0.2e-12));
    CHECK(value_of(parse_joules("1.3 aJ")) == Joules(1.3e-18));
    CHECK(value_of(parse_joules("2 kJ")) == Joules(2000));
    CHECK(value_of(parse_watts("74 W")) == Watts(74));
    CHECK(value_of(parse_watts("35 mW")) == Watts(35e-3));
    CHECK(value_of(parse_seconds("2 min")) == Seconds(120));
    CHECK(value_of(parse_seconds("0.5 h")) == Seconds(1800));
    CHECK(value_of(parse_seconds("3.9 us")) == Seconds(3.9e-6));
    CHECK(value_of(parse_bytes_per_second("13 TB/s")) == BytesPerSecond(13e12));
    CHECK(value_of(parse_bytes_per_second("1 KiB/s")) == BytesPerSecond(1024));
    CHECK(value_of(parse_millimetres("250 um")) == Millimetres(0.25));
    CHECK(value_of(parse_square_millimetres("1 cm2")) == SquareMillimetres(100));
    CHECK(value_of(parse_square_millimetres("1 um2")) == SquareMillimetres(1e-6));
    CHECK(fault_of(parse_joules("1e999 J")) ==
          "expected joules such as 0.2 pJ within the range of numbers, found '1e999 J'");
}

TEST_CASE("A wrong unit is told with what was expected, an example and what was found") {
    CHECK(fault_of(parse_bytes("12 kg")) == "expected bytes such as 768 KiB, found '12 kg'");
    CHECK(fault_of(parse_bytes("12")) == "expected bytes such as 768 KiB, found '12'");
    CHECK(fault_of(parse_bytes("KiB")) == "expected bytes such as 768 KiB, found 'KiB'");
    CHECK(fault_of(parse_bytes("")) == "expected bytes such as 768 KiB, found ''");
    CHECK(fault_of(parse_hertz("400 ns")) == "expected hertz such as 400 MHz, found '400 ns'");
    CHECK(fault_of(parse_cycles("4")) == "expected cycles such as 4 cycles, found '4'");
    CHECK(fault_of(parse_bytes_per_second("13 TB")) ==
          "expected bytes per second such as 900 GB/s, found '13 TB'");
    CHECK(fault_of(parse_bytes("1 KiB extra")) ==
          "expected bytes such as 768 KiB, found '1 KiB extra'");
}

TEST_CASE("A unit that is right but for its case is suggested") {
    CHECK(fault_of(parse_bytes("12 KB")) ==
          "expected bytes such as 768 KiB, found '12 KB'; did you mean 'kB'?");
    CHECK(fault_of(parse_hertz("400 mhz")) ==
          "expected hertz such as 400 MHz, found '400 mhz'; did you mean 'MHz'?");
}

TEST_CASE("No quantity is below zero") {
    CHECK(fault_of(parse_bytes("-1 KiB")) ==
          "expected bytes such as 768 KiB, not below zero, found '-1 KiB'");
    CHECK(fault_of(parse_joules("-0.2 pJ")) != "(no fault)");
    CHECK(value_of(parse_bytes("-0 B")) == Bytes(0));
}

TEST_CASE("Whole bytes survive the way through any binary prefix") {
    std::mt19937_64 random(1);  // NOLINT: the same cases in every run
    for (int round = 0; round < 2000; ++round) {
        const auto sixteenths = static_cast<std::int64_t>(random() % 1'000'000);
        const std::string text = shortest(static_cast<double>(sixteenths) / 16) + " KiB";
        CAPTURE(text);
        CHECK(value_of(parse_bytes(text)) == Bytes(sixteenths * 64));
    }
}

TEST_CASE("Any bytes are refused or read, never a crash") {
    std::mt19937_64 random(2);  // NOLINT: the same cases in every run
    const std::string letters = "0123456789+-.eE BkMGiTsz/ \t\x80";
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (auto length = random() % 12; length > 0; --length) {
            text += letters[random() % letters.size()];
        }
        const Parsed<Bytes> bytes = parse_bytes(text);
        if (const auto* value = std::get_if<Bytes>(&bytes)) {
            CAPTURE(text);
            CHECK(value->count() >= 0);
            CHECK(text.find('B') != std::string::npos);
        }
        const Parsed<double> number = parse_number(text);
        if (std::holds_alternative<double>(number)) {
            CAPTURE(text);
            CHECK(std::get<double>(number) == std::stod(text));
        }
    }
}

TEST_CASE("Templates reach each parser by its type") {
    CHECK(value_of(parse_as<std::string>("any text")) == "any text");
    CHECK(value_of(parse_as<bool>("true")));
    CHECK(value_of(parse_as<std::int64_t>("7")) == 7);
    CHECK(value_of(parse_as<double>("0.5")) == 0.5);
    CHECK(value_of(parse_as<Bytes>("7 B")) == Bytes(7));
    CHECK(value_of(parse_as<Cycles>("7 cycles")) == Cycles(7));
    CHECK(value_of(parse_as<Picoseconds>("7 ps")) == Picoseconds(7));
    CHECK(value_of(parse_as<Hertz>("7 Hz")) == Hertz(7));
    CHECK(value_of(parse_as<Seconds>("7 s")) == Seconds(7));
    CHECK(value_of(parse_as<Joules>("7 J")) == Joules(7));
    CHECK(value_of(parse_as<Watts>("7 W")) == Watts(7));
    CHECK(value_of(parse_as<BytesPerSecond>("7 B/s")) == BytesPerSecond(7));
    CHECK(value_of(parse_as<Millimetres>("7 mm")) == Millimetres(7));
    CHECK(value_of(parse_as<SquareMillimetres>("7 mm2")) == SquareMillimetres(7));
}
