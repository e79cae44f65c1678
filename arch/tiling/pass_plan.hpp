// SPDX-License-Identifier: Apache-2.0
// How a tile that lies in the global buffer goes through the cores: in passes, each spread over all
// of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A tile in passes. Positions are N, D, P, Q; channels are G, H, K.
struct PassPlan {
    Extents pass = unit_extents();  ///< of a full pass
    Extents core = unit_extents();  ///< of the fullest core in a full pass
    bool positions_outer = false;   ///< else channels outside, so that weights stay
    double cycles = 0;              ///< estimate for the whole tile
    double value = 0;               ///< what it was chosen by
};

/// The dimensions that tiles and passes cut, outermost first: channels, positions and reduction in
/// the order of the plan; the reduction innermost.
std::vector<Dim> cut_order(bool positions_outer);

/// Cuts `box` into boxes of `tile`, in the order of cut_order().
std::vector<Box> cut(const Box& box, const Extents& tile, bool positions_outer);

struct GivenPass;
class PassSearch;  // of one layer

/// Searches passes, and remembers what it found by the shape of the work. The hierarchy, the cores
/// and all layers that it is asked for must outlive it.
class PassPlanner {
public:
    PassPlanner(const Hierarchy& hierarchy, const Cores& cores, Effort effort);
    ~PassPlanner();
    PassPlanner(const PassPlanner&) = delete;
    PassPlanner& operator=(const PassPlanner&) = delete;
    PassPlanner(PassPlanner&&) = delete;
    PassPlanner& operator=(PassPlanner&&) = delete;

    /// `operand_bits`: of the epilogues' other operands, a result word. `keeps_sums`: all outputs
    /// of the tile are in every pass, so that their sums stay beside the arrays while the reduction
    /// goes by. nullopt where even one output a core, or with `keeps_sums` all of them, do not fit
    /// beside their operands.
    std::optional<PassPlan> plan(const Layer& layer, const Extents& tile, std::int64_t operand_bits,
                                 const PassAim& aim, bool keeps_sums = false);
    /// Passes that are given by hand, with a split over cores of its own where they have none.
    /// nullopt where a core's part does not fit.
    std::optional<PassPlan> plan_given(const Layer& layer, const Extents& tile,
                                       std::int64_t operand_bits, const GivenPass& given,
                                       const PassAim& aim);
    /// Sums that all cores keep at once, with as many on their way out.
    [[nodiscard]] std::int64_t sum_bytes() const;

private:
    const Hierarchy& hierarchy_;
    const Cores& cores_;
    Effort effort_;
    [[nodiscard]] PassSearch& search_of(const Layer& layer, std::int64_t operand_bits);
    [[nodiscard]] PassSearch& known_search(const Layer& layer, std::int64_t operand_bits);

    std::map<std::tuple<Extents, std::string, std::vector<int>, std::int64_t>,
             std::unique_ptr<PassSearch>>
        searches_;
    std::map<std::pair<const Layer*, std::int64_t>, PassSearch*> known_;  ///< the same, by layer
};

}  // namespace memwall
