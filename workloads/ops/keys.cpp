// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/keys.hpp"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace memwall::ops {
namespace {

/// Sizes beyond this are a mistake, and would overflow where they are multiplied.
constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

constexpr double kMostWords = 1e9;

/// Axes of a shape.
constexpr std::int64_t kMostRank = 4;

/// Of a window: depth, rows and columns.
constexpr std::size_t kMostAxes = 3;

std::string expected_between(const std::string& what, std::int64_t least, const YamlValue& found) {
    return what + ": expected a value from " + std::to_string(least) + " to " +
           std::to_string(kLargest) + ", found '" + found.text() + "'";
}

/// The numbers of a scalar or a list; empty where one is wrong.
std::vector<std::int64_t> read_numbers(MapReader& keys, std::string_view key, std::int64_t least) {
    const YamlValue& value = *keys.value(key);
    const std::string what = "'" + std::string(key) + "' in " + keys.what();
    const std::vector<YamlValue> items =
        value.is_sequence() ? value.items() : std::vector<YamlValue>{value};
    std::vector<std::int64_t> numbers;
    for (const YamlValue& item : items) {
        const auto number = scalar_as<std::int64_t>(item, what, keys.faults());
        if (!number) {
            return {};
        }
        if (*number < least || *number > kLargest) {
            keys.faults().error(item.mark(), expected_between(what, least, item));
            return {};
        }
        numbers.push_back(*number);
    }
    if (numbers.empty()) {
        keys.error(key, what + ": expected one number or a list, found an empty list");
    }
    return numbers;
}

}  // namespace

Sizes required_sizes(MapReader& keys, std::string_view key) {
    keys.required_value(key);
    return optional_sizes(keys, key, {1});
}

Sizes optional_sizes(MapReader& keys, std::string_view key, Sizes fallback) {
    if (!keys.has(key)) {
        return fallback;
    }
    Sizes numbers = read_numbers(keys, key, 1);
    if (numbers.size() > kMostAxes) {
        keys.error(key, "'" + std::string(key) + "' in " + keys.what() +
                            ": expected one number or one an axis, such as [rows, columns], "
                            "found " +
                            std::to_string(numbers.size()) + " numbers");
        return fallback;
    }
    return numbers.empty() ? fallback : numbers;
}

Padding optional_padding(MapReader& keys) {
    const YamlValue* value = keys.value("padding");
    if (value == nullptr) {
        return {};
    }
    Padding padding;
    if (value->is_scalar() && (value->text() == "same" || value->text() == "same_lower")) {
        padding.same = value->text() == "same" ? Padding::Same::upper : Padding::Same::lower;
        return padding;
    }
    const Sizes numbers = read_numbers(keys, "padding", 0);
    const std::size_t count = numbers.size();
    if ((count > kMostAxes && count % 2 != 0) || count > 2 * kMostAxes) {
        keys.error("padding", "'padding' in " + keys.what() +
                                  ": expected one number, one an axis such as [rows, columns], "
                                  "two an axis such as [top, left, bottom, right], or same, "
                                  "found " +
                                  std::to_string(count) + " numbers");
    } else if (count > 0) {
        padding.sizes = numbers;
    }
    return padding;
}

Sizes optional_paddings(MapReader& keys, std::string_view key) {
    if (!keys.has(key)) {
        return {0};
    }
    Sizes numbers = read_numbers(keys, key, 0);
    return numbers.empty() ? Sizes{0} : numbers;
}

std::vector<std::int64_t> required_axes(MapReader& keys, std::string_view key) {
    if (keys.required_value(key).is_null()) {
        return {0};
    }
    return read_numbers(keys, key, -kMostRank);
}

std::optional<Shape> read_shape(const YamlValue& value, const std::string& what,
                                Diagnostics& faults) {
    const std::string shape_of = "'shape' in " + what;
    if (!value.is_sequence() || value.items().empty() || value.items().size() > 4) {
        faults.error(value.mark(), shape_of +
                                       ": expected a list of one to four sizes such as "
                                       "[3, 224, 224]");
        return std::nullopt;
    }
    Shape shape;
    for (const YamlValue& item : value.items()) {
        const auto size = scalar_as<std::int64_t>(item, shape_of, faults);
        if (size && (*size < 1 || *size > kLargest)) {
            faults.error(item.mark(), expected_between(shape_of, 1, item));
        } else if (size) {
            shape.push_back(*size);
        }
    }
    if (shape.size() != value.items().size()) {
        return std::nullopt;
    }
    if (!product_within(shape, kMostWords)) {
        faults.error(value.mark(),
                     shape_of + ": " + text(shape) + " has more than 1000000000 words");
        return std::nullopt;
    }
    return shape;
}

bool product_within(const std::vector<std::int64_t>& sizes, double most) {
    double product = 1;
    for (const std::int64_t size : sizes) {
        product *= static_cast<double>(size);
    }
    return product <= most;
}

std::size_t axis_position(std::int64_t axis, std::size_t rank) {
    const auto axes = static_cast<std::int64_t>(rank);
    const std::int64_t position = axis < 0 ? axis + axes : axis;
    return position >= 0 && position < axes ? static_cast<std::size_t>(position) : rank;
}

}  // namespace memwall::ops
