// SPDX-License-Identifier: Apache-2.0
// Strong indices: the position of one kind of thing is never mistaken for that of another.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace memwall {

/// The position of a thing in its table. -1 stands for "none".
template <class Tag>
struct Index {
    std::int32_t value = -1;

    constexpr Index() = default;
    constexpr explicit Index(std::int32_t position) : value(position) {}
    constexpr explicit Index(std::size_t position) : value(static_cast<std::int32_t>(position)) {}

    [[nodiscard]] constexpr bool valid() const { return value >= 0; }
    [[nodiscard]] constexpr std::size_t position() const { return static_cast<std::size_t>(value); }
    friend constexpr auto operator<=>(Index, Index) = default;
};

}  // namespace memwall
