// SPDX-License-Identifier: Apache-2.0
// Strong indices of the things in a machine and a program: a token is never mistaken for an agent.
#pragma once

#include "base/index.hpp"
#include "workloads/identifiers.hpp"

namespace memwall {

using ComponentId = Index<struct ComponentTag>;  ///< in Machine::components()
using ClockId = Index<struct ClockTag>;          ///< in Machine::clocks()
using LinkId = Index<struct LinkTag>;            ///< in Machine::links(): ports, buses, mesh links
using DramId = Index<struct DramTag>;            ///< in Machine::drams()
using UnitId = Index<struct UnitTag>;            ///< in Program::units: what computes or issues
using AgentId = Index<struct AgentTag>;          ///< in Program::agents
using TokenId = Index<struct TokenTag>;          ///< below Program::tokens
using RowId = Index<struct RowTag>;              ///< in ActionTable

}  // namespace memwall
