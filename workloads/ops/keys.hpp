// SPDX-License-Identifier: Apache-2.0
// Keys that several layer kinds share: sizes of two axes, padding, shapes, axes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.hpp"
#include "workloads/network.hpp"

namespace memwall::ops {

/// One number for all axes of a window, or one an axis.
using Sizes = std::vector<std::int64_t>;

/// One number for all axes, one an axis, or one for each begin and then one for each end ([top,
/// left, bottom, right] of rows and columns); or what keeps ceil(size / stride) positions, the odd
/// one behind (`same`) or before (`same_lower`).
struct Padding {
    enum class Same : std::uint8_t { no, upper, lower };

    Sizes sizes = {0};
    Same same = Same::no;
};

Sizes required_sizes(MapReader& keys, std::string_view key);
Sizes optional_sizes(MapReader& keys, std::string_view key, Sizes fallback);
Padding optional_padding(MapReader& keys);
/// Numbers from 0 on, one for all axes or one an axis; {0} where the key is missing.
Sizes optional_paddings(MapReader& keys, std::string_view key);
/// A list of axes, from the end where they are negative.
std::vector<std::int64_t> required_axes(MapReader& keys, std::string_view key);

/// A list of one to four sizes, at most a billion words in all. `what` names its owner in messages.
std::optional<Shape> read_shape(const YamlValue& value, const std::string& what,
                                Diagnostics& faults);
/// Whether the product of sizes, none of them above 2^31, stays below `most`.
bool product_within(const std::vector<std::int64_t>& sizes, double most);

/// Of `rank` axes the one that `axis` names, from the end where it is negative; rank where it names
/// none.
std::size_t axis_position(std::int64_t axis, std::size_t rank);

}  // namespace memwall::ops
