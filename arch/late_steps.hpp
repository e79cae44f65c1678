// SPDX-License-Identifier: Apache-2.0
// Steps of a static schedule that began late, put together by what they waited for last.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

/// The step that let another go on: by what it posted, or, without a token, by leaving the unit
/// that both take. A layer of none: it loads. A unit of none: nothing was waited for.
struct WaitedFor {
    LayerId layer;
    UnitId unit;
    TokenId token;
};

/// Adds up late steps that are of one layer and unit and waited for the same. Both engines count
/// with it.
class LateTally {
public:
    explicit LateTally(const Program& program) : program_(program) {}

    /// A step of the window began `late` after its place in the schedule; late > 0.
    void add(const Step& step, const WaitedFor& waited, Picoseconds late);

    /// In the order of layers, units and what was waited for.
    [[nodiscard]] std::vector<LateSteps> sums() const;

private:
    /// Layer and unit of the step, cause, layer and unit of what was waited for.
    using Key = std::tuple<LayerId, UnitId, LateCause, LayerId, UnitId>;

    const Program& program_;
    std::map<Key, LateSteps> sums_;
};

}  // namespace memwall
