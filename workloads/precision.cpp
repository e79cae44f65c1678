// SPDX-License-Identifier: Apache-2.0
#include "workloads/precision.hpp"

#include <array>

#include "base/error.hpp"

namespace memwall {
namespace {

struct Format {
    Precision precision;
    const char* name;
    int bits;
    bool integer;
    int significand;  ///< bits of it, the hidden one included; of integers those beside the sign
    int exponent;     ///< bits of it
};

constexpr std::array<Format, 11> kFormats = {{{Precision::int1, "int1", 1, true, 1, 0},
                                              {Precision::int2, "int2", 2, true, 1, 0},
                                              {Precision::int3, "int3", 3, true, 2, 0},
                                              {Precision::int4, "int4", 4, true, 3, 0},
                                              {Precision::int8, "int8", 8, true, 7, 0},
                                              {Precision::int16, "int16", 16, true, 15, 0},
                                              {Precision::int32, "int32", 32, true, 31, 0},
                                              {Precision::fp8, "fp8", 8, false, 4, 4},
                                              {Precision::bf16, "bf16", 16, false, 8, 8},
                                              {Precision::fp16, "fp16", 16, false, 11, 5},
                                              {Precision::fp32, "fp32", 32, false, 24, 8}}};

const Format& format(Precision precision) {
    const auto position = static_cast<std::size_t>(precision);
    ensure(position < kFormats.size(), "every precision has a format");
    return kFormats[position];
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Takes the format at the start of `rest`: the bits of an integer, or a name.
std::optional<Precision> take_format(std::string_view& rest) {
    std::size_t length = 0;
    while (length < rest.size() && is_digit(rest[length])) {
        ++length;
    }
    if (length > 0) {
        const auto precision = parse_precision("int" + std::string(rest.substr(0, length)));
        rest.remove_prefix(length);
        return precision;
    }
    const Format* longest = nullptr;
    for (const Format& candidate : kFormats) {
        const std::string_view known = candidate.name;
        if (rest.substr(0, known.size()) == known &&
            (longest == nullptr || known.size() > std::string_view(longest->name).size())) {
            longest = &candidate;
        }
    }
    if (longest == nullptr) {
        return std::nullopt;
    }
    rest.remove_prefix(std::string_view(longest->name).size());
    return longest->precision;
}

/// Bare digits for an integer, the name for the others.
std::string short_name(Precision precision) {
    return is_integer(precision) ? std::to_string(bits(precision)) : name(precision);
}

}  // namespace

const std::vector<Precision>& all_precisions() {
    static const std::vector<Precision> all = [] {
        std::vector<Precision> precisions;
        for (const Format& each : kFormats) {
            precisions.push_back(each.precision);
        }
        return precisions;
    }();
    return all;
}

int bits(Precision precision) {
    return format(precision).bits;
}

bool is_integer(Precision precision) {
    return format(precision).integer;
}

const char* name(Precision precision) {
    return format(precision).name;
}

std::vector<std::string> precision_names() {
    std::vector<std::string> names;
    for (const Format& each : kFormats) {
        names.emplace_back(each.name);
    }
    return names;
}

std::optional<Precision> parse_precision(std::string_view text) {
    for (const Format& each : kFormats) {
        if (text == each.name) {
            return each.precision;
        }
    }
    return std::nullopt;
}

bool holds(Precision format_of, Precision value) {
    const Format& lane = format(format_of);
    const Format& operand = format(value);
    if (lane.integer) {
        return operand.integer && lane.bits >= operand.bits;
    }
    return lane.significand >= operand.significand && lane.exponent >= operand.exponent;
}

Precision widest(Precision a, Precision b) {
    if (bits(a) != bits(b)) {
        return bits(a) > bits(b) ? a : b;
    }
    return is_integer(a) && !is_integer(b) ? b : a;
}

Precision default_accumulator(Precision weights, Precision activations) {
    return is_integer(weights) && is_integer(activations) ? Precision::int32 : Precision::fp32;
}

Bytes stored_bytes(std::int64_t words, Precision precision) {
    return Bytes(ceil_divide(checked_multiply(words, bits(precision)), 8));
}

std::string text(const LayerPrecision& precision) {
    return "w" + short_name(precision.weights) + "a" + short_name(precision.activations) + "o" +
           short_name(precision.accumulator);
}

LayerPrecision PrecisionPolicy::applied_to(const LayerPrecision& before) const {
    if (!weights && !activations && !accumulator) {
        return before;
    }
    LayerPrecision after;
    after.weights = weights.value_or(before.weights);
    after.activations = activations.value_or(before.activations);
    after.accumulator = accumulator.value_or(default_accumulator(after.weights, after.activations));
    return after;
}

std::string PrecisionPolicy::text() const {
    const bool plain =
        weights && activations &&
        (!accumulator || *accumulator == default_accumulator(*weights, *activations));
    if (plain && *weights == *activations) {
        return name(*weights);
    }
    std::string text;
    if (weights) {
        text += "w" + short_name(*weights);
    }
    if (activations) {
        text += "a" + short_name(*activations);
    }
    if (accumulator && !plain) {
        text += "o" + short_name(*accumulator);
    }
    return text;
}

Parsed<PrecisionPolicy> parse_precision_policy(std::string_view text) {
    PrecisionPolicy policy;
    if (const auto both = parse_precision(text)) {
        policy.weights = both;
        policy.activations = both;
        return policy;
    }
    const auto fault = [&](const std::string& why) -> Parsed<PrecisionPolicy> {
        return ParseFault{"expected a precision such as int4, w4a8o32 or wfp8afp8obf16, found '" +
                          std::string(text) + "'" + why};
    };
    std::string_view rest = text;
    while (!rest.empty()) {
        const char operand = rest.front();
        std::optional<Precision>* slot = operand == 'w'   ? &policy.weights
                                         : operand == 'a' ? &policy.activations
                                         : operand == 'o' ? &policy.accumulator
                                                          : nullptr;
        if (slot == nullptr) {
            const std::string nearest = nearest_name(std::string(text), precision_names());
            return fault(nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
        }
        rest.remove_prefix(1);
        if (slot->has_value()) {
            return fault(std::string(": '") + operand + "' is given twice");
        }
        *slot = take_format(rest);
        if (!slot->has_value()) {
            return fault(std::string(": no known precision after '") + operand + "'");
        }
    }
    if (!policy.weights && !policy.activations && !policy.accumulator) {
        return fault("");
    }
    return policy;
}

}  // namespace memwall
