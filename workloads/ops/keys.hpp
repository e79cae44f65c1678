// SPDX-License-Identifier: Apache-2.0
// Keys that several layer kinds share: sizes of two axes, padding, shapes, axes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/yaml.hpp"
#include "workloads/network.hpp"

namespace memwall::ops {

/// One number for rows and columns alike, or [rows, columns].
struct Sizes {
    std::int64_t rows = 1;
    std::int64_t columns = 1;
};

/// One number, [rows, columns], or [top, left, bottom, right].
struct Padding {
    std::int64_t top = 0;
    std::int64_t left = 0;
    std::int64_t bottom = 0;
    std::int64_t right = 0;
};

Sizes required_sizes(MapReader& keys, std::string_view key);
Sizes optional_sizes(MapReader& keys, std::string_view key, Sizes fallback);
Padding optional_padding(MapReader& keys);

/// A list of one to four sizes, at most a billion words in all. `what` names its owner in messages.
std::optional<Shape> read_shape(const YamlValue& value, const std::string& what,
                                Diagnostics& faults);
/// Whether the product of sizes, none of them above 2^31, stays below `most`.
bool product_within(const std::vector<std::int64_t>& sizes, double most);

/// Of `rank` axes the one that `axis` names, from the end where it is negative; rank where it names
/// none.
std::size_t axis_position(std::int64_t axis, std::size_t rank);

}  // namespace memwall::ops
