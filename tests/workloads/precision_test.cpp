// SPDX-License-Identifier: Apache-2.0
#include "workloads/precision.hpp"

#include <catch2/catch.hpp>

namespace memwall {
namespace {

PrecisionPolicy policy(const std::string& text) {
    return std::get<PrecisionPolicy>(parse_precision_policy(text));
}

std::string fault(const std::string& text) {
    return std::get<ParseFault>(parse_precision_policy(text)).message;
}

}  // namespace

TEST_CASE("Every precision is found again by its name") {
    REQUIRE(all_precisions().size() == 11);
    for (const Precision precision : all_precisions()) {
        CHECK(parse_precision(name(precision)) == precision);
    }
    CHECK_FALSE(parse_precision("int5").has_value());
    CHECK_FALSE(parse_precision("").has_value());
}

TEST_CASE("Words are packed without gaps and rounded up to a byte") {
    CHECK(stored_bytes(0, Precision::int4) == Bytes(0));
    CHECK(stored_bytes(3, Precision::int4) == Bytes(2));
    CHECK(stored_bytes(8, Precision::int3) == Bytes(3));
    CHECK(stored_bytes(9, Precision::int3) == Bytes(4));
    CHECK(stored_bytes(5, Precision::bf16) == Bytes(10));
    CHECK(stored_bytes(5, Precision::fp32) == Bytes(20));
}

TEST_CASE("The widest of two precisions has more bits, or is floating-point") {
    CHECK(widest(Precision::int4, Precision::int8) == Precision::int8);
    CHECK(widest(Precision::fp8, Precision::int16) == Precision::int16);
    CHECK(widest(Precision::int8, Precision::fp8) == Precision::fp8);
    CHECK(widest(Precision::fp8, Precision::int8) == Precision::fp8);
    CHECK(widest(Precision::bf16, Precision::fp16) == Precision::bf16);
}

TEST_CASE("Integers are summed in int32 and everything else in fp32") {
    CHECK(default_accumulator(Precision::int1, Precision::int16) == Precision::int32);
    CHECK(default_accumulator(Precision::int4, Precision::fp16) == Precision::fp32);
    CHECK(default_accumulator(Precision::bf16, Precision::bf16) == Precision::fp32);
}

TEST_CASE("A policy names one precision for all, or one for each kind of operand") {
    const PrecisionPolicy int4 = policy("int4");
    CHECK(int4.weights == Precision::int4);
    CHECK(int4.activations == Precision::int4);
    CHECK_FALSE(int4.accumulator.has_value());

    const PrecisionPolicy mixed = policy("w4a8o32");
    CHECK(mixed.weights == Precision::int4);
    CHECK(mixed.activations == Precision::int8);
    CHECK(mixed.accumulator == Precision::int32);

    const PrecisionPolicy floats = policy("wfp8afp8obf16");
    CHECK(floats.weights == Precision::fp8);
    CHECK(floats.activations == Precision::fp8);
    CHECK(floats.accumulator == Precision::bf16);

    const PrecisionPolicy shuffled = policy("o16wint2");
    CHECK(shuffled.weights == Precision::int2);
    CHECK_FALSE(shuffled.activations.has_value());
    CHECK(shuffled.accumulator == Precision::int16);
}

TEST_CASE("The text of a policy is the shortest that means the same") {
    CHECK(policy("w4a4o32").text() == "int4");
    CHECK(policy("wfp16afp16ofp32").text() == "fp16");
    CHECK(policy("w4a4o16").text() == "w4a4o16");
    CHECK(policy("a8w4").text() == "w4a8");
    CHECK(policy("w4a8o32").text() == "w4a8");
    CHECK(policy("w4").text() == "w4");
    CHECK(policy("w4o32").text() == "w4o32");
    CHECK(PrecisionPolicy{}.text().empty());
    for (const std::string text : {"int4", "w4a8", "wfp8afp8obf16", "o16", "abf16"}) {
        CHECK(policy(text).text() == text);
    }
}

TEST_CASE("A policy that is none says what is expected") {
    const std::string expected = "expected a precision such as int4, w4a8o32 or wfp8afp8obf16, ";
    CHECK(fault("") == expected + "found ''");
    CHECK(fault("imt4") == expected + "found 'imt4'; did you mean 'int4'?");
    CHECK(fault("w4w8") == expected + "found 'w4w8': 'w' is given twice");
    CHECK(fault("w5") == expected + "found 'w5': no known precision after 'w'");
    CHECK(fault("w4a") == expected + "found 'w4a': no known precision after 'a'");
    CHECK(fault("w99999999999999999999") ==
          expected + "found 'w99999999999999999999': no known precision after 'w'");
}

TEST_CASE("What a policy does not mention stays, and sums follow the operands") {
    const LayerPrecision before{Precision::int8, Precision::int8, Precision::int16};
    CHECK(PrecisionPolicy{}.applied_to(before) == before);
    CHECK(policy("w4").applied_to(before) ==
          LayerPrecision{Precision::int4, Precision::int8, Precision::int32});
    CHECK(policy("abf16").applied_to(before) ==
          LayerPrecision{Precision::int8, Precision::bf16, Precision::fp32});
    CHECK(policy("o32").applied_to(before) ==
          LayerPrecision{Precision::int8, Precision::int8, Precision::int32});
    CHECK(text(policy("wfp8afp8").applied_to(before)) == "wfp8afp8ofp32");
    CHECK(text(before) == "w8a8o16");
}

}  // namespace memwall
