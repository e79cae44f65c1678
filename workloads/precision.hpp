// SPDX-License-Identifier: Apache-2.0
// The number formats of tensors, and the policies that choose them ("int4", "w4a8o32",
// "wfp8afp8obf16").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/parse.hpp"
#include "base/quantity.hpp"

namespace memwall {

enum class Precision : std::uint8_t {
    int1,
    int2,
    int3,
    int4,
    int8,
    int16,
    int32,
    fp8,
    bf16,
    fp16,
    fp32
};

/// Every precision, in the order of the enumeration.
const std::vector<Precision>& all_precisions();

int bits(Precision precision);
bool is_integer(Precision precision);
const char* name(Precision precision);
/// The names of all precisions, for messages.
std::vector<std::string> precision_names();
/// nullopt where `text` names no precision.
std::optional<Precision> parse_precision(std::string_view text);

/// Whether every value of `value` is one of `format`: a narrower integer, an integer within the
/// significand of a floating-point format (fp8 4 bits, bf16 8, fp16 11, fp32 24), or a
/// floating-point format with no more exponent and significand (fp8 is E4M3).
bool holds(Precision format, Precision value);

/// The one with more bits; of two with as many, the floating-point one, else the first.
Precision widest(Precision a, Precision b);
/// What products of these are summed in unless something else is said: int32 for integers, else
/// fp32.
Precision default_accumulator(Precision weights, Precision activations);

/// What `words` words take when packed without gaps: ceil(words * bits / 8).
Bytes stored_bytes(std::int64_t words, Precision precision);

/// The number formats that one layer computes with.
struct LayerPrecision {
    Precision weights = Precision::int8;
    Precision activations = Precision::int8;
    Precision accumulator = Precision::int32;

    friend bool operator==(const LayerPrecision&, const LayerPrecision&) = default;
};

/// All three, "w8a8o32".
std::string text(const LayerPrecision& precision);

/// Which precision each kind of operand gets. What a policy does not mention stays as it is.
struct PrecisionPolicy {
    std::optional<Precision> weights;
    std::optional<Precision> activations;
    std::optional<Precision> accumulator;
    std::vector<std::string> keep;  ///< names of the layers that the policy leaves alone

    /// `before` under this policy. A policy without an accumulator implies the default one.
    [[nodiscard]] LayerPrecision applied_to(const LayerPrecision& before) const;
    /// "int4" or "w4a8o32", the shortest text that means the same; `keep` is not part of it.
    [[nodiscard]] std::string text() const;
};

/// A precision's name (weights and activations alike), or w, a, o each followed by digits (an
/// integer's bits) or a name, in any order, each at most once; o is the accumulator.
Parsed<PrecisionPolicy> parse_precision_policy(std::string_view text);

}  // namespace memwall
