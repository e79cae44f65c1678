// SPDX-License-Identifier: Apache-2.0
// Figures that reports and sentences are made of, each read from a result and nothing else.
#pragma once

#include <string>
#include <vector>

#include "sim/result.hpp"

namespace memwall {

/// A difference of a factor below this is not worth a claim.
inline constexpr double kLeastClaim = 1.02;

/// The part of a run's energy that is of one kind, 0 to 1.
double share_of(const RunResult& run, EnergyKind kind);

/// Energy and speed for one item, as simulated and at the I/O lower bound.
struct ItemFigures {
    Joules energy;
    double per_second = 0;
    Joules energy_at_bound;
    double per_second_at_bound = 0;
};
ItemFigures item_figures(const RunResult& run);

/// A part of the energy of an item: all components of a kind, one kind of energy.
struct EnergyPart {
    std::string component_kind;
    EnergyKind kind = EnergyKind::arithmetic;
    Joules energy;  ///< an item

    /// "dram data movement", "mac_array arithmetic"
    [[nodiscard]] std::string text() const;
};
/// In the order of the components; parts of no energy are left out.
std::vector<EnergyPart> energy_parts(const RunResult& run);

/// What holds the layers up: the share of the time that layers add, by the resource that bounds
/// them.
struct BoundShare {
    Bound bound = Bound::compute;
    double share = 0;
};
/// The largest first.
std::vector<BoundShare> bound_shares(const RunResult& run);

/// "61 %", "0.4 %"
std::string percent(double share);
/// "3.2", "1.04", "120": a factor in three digits at most.
std::string factor(double ratio);
/// "42,460", "0.512": for rates.
std::string rate(double value);
/// "data movement" for data_movement.
std::string words(EnergyKind kind);

}  // namespace memwall
