// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "base/parse.hpp"

using namespace memwall;

TEST_CASE("Bytes print with three digits and a binary prefix, exact below 1 KiB") {
    CHECK(format_bytes(Bytes(0)) == "0 B");
    CHECK(format_bytes(Bytes(1023)) == "1023 B");
    CHECK(format_bytes(Bytes(1024)) == "1.00 KiB");
    CHECK(format_bytes(Bytes(32LL << 20)) == "32.0 MiB");
    CHECK(format_bytes(Bytes(768LL << 10)) == "768 KiB");
    CHECK(format_bytes(Bytes(1000LL << 10)) == "1000 KiB");
    CHECK(format_bytes(Bytes((1LL << 20) - 1)) == "1.00 MiB");
    CHECK(format_bytes(Bytes(-2048)) == "-2.00 KiB");
}

TEST_CASE("Other quantities print with three digits and the prefix that fits") {
    CHECK(format_joules(Joules(1.29e-6)) == "1.29 uJ");
    CHECK(format_joules(Joules(0)) == "0 J");
    CHECK(format_joules(Joules(1.2345e7)) == "12345 kJ");
    CHECK(format_watts(Watts(74)) == "74.0 W");
    CHECK(format_watts(Watts(0.0351)) == "35.1 mW");
    CHECK(format_seconds(Seconds(2.355e-5)) == "23.6 us");
    CHECK(format_seconds(Seconds(1)) == "1.00 s");
    CHECK(format_hertz(Hertz(400'000'000)) == "400 MHz");
    CHECK(format_hertz(Hertz(1'410'000'000)) == "1.41 GHz");
}

TEST_CASE("Rounding moves a value to the next digit or prefix, never to four digits") {
    CHECK(format_seconds(Seconds(9.999e-3)) == "10.0 ms");
    CHECK(format_seconds(Seconds(99.99e-3)) == "100 ms");
    CHECK(format_seconds(Seconds(999.6e-6)) == "1.00 ms");
    CHECK(format_seconds(Seconds(999.4e-6)) == "999 us");
}

TEST_CASE("What is below the smallest prefix or not finite still prints") {
    CHECK(format_joules(Joules(1.5e-21)) == "0.0015 aJ");
    CHECK(format_seconds(Seconds(std::numeric_limits<double>::infinity())) == "inf s");
    CHECK(format_watts(Watts(std::nan(""))) == "nan W");
}

TEST_CASE("Counts print with commas between thousands") {
    CHECK(format_count(0) == "0");
    CHECK(format_count(999) == "999");
    CHECK(format_count(1000) == "1,000");
    CHECK(format_count(4'089'184'256) == "4,089,184,256");
    CHECK(format_count(-123'456) == "-123,456");
    CHECK(format_count(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("The shortest text of a double reads back as the same double") {
    CHECK(shortest(0.1) == "0.1");
    CHECK(shortest(1) == "1");
    CHECK(shortest(1.29e-6) == "1.29e-06");
    std::mt19937_64 random(3);  // NOLINT: the same cases in every run
    std::uniform_real_distribution<double> exponent(-300, 300);
    for (int round = 0; round < 2000; ++round) {
        const double value = std::pow(10, exponent(random));
        CHECK(std::strtod(shortest(value).c_str(), nullptr) == value);
    }
}
