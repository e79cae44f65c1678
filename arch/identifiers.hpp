// SPDX-License-Identifier: Apache-2.0
// Strong indices: a token is never mistaken for an agent.
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

using ComponentId = Index<struct ComponentTag>;  ///< in Machine::components()
using ClockId = Index<struct ClockTag>;          ///< in Machine::clocks()
using LinkId = Index<struct LinkTag>;            ///< in Machine::links(): ports, buses, mesh links
using DramId = Index<struct DramTag>;            ///< in Machine::drams()
using UnitId = Index<struct UnitTag>;            ///< in Program::units: what computes or issues
using AgentId = Index<struct AgentTag>;          ///< in Program::agents
using TokenId = Index<struct TokenTag>;          ///< below Program::tokens
using RowId = Index<struct RowTag>;              ///< in ActionTable
using LayerId = Index<struct LayerTag>;          ///< in Network::layers(); -1 is the loading phase

}  // namespace memwall
