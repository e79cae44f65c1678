// SPDX-License-Identifier: Apache-2.0
// A picture of a chip's cores where they lie, coloured by what a layer does in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "arch/spatial/core_activity.hpp"
#include "study/chip_run.hpp"

namespace memwall {

/// What colours the cores.
enum class FloorplanBy { traffic, power };
FloorplanBy parse_floorplan_by(const std::string& text);

/// A figure for each core, row by row.
struct Floorplan {
    std::string title;
    std::string what;  ///< with its unit, "traffic of a router (KiB)"
    std::int64_t columns = 1;
    std::vector<double> cores;
};

/// Which picture of a chip is asked for.
struct FloorplanRequest {
    std::string layer;  ///< "": the one with the busiest core
    FloorplanBy by = FloorplanBy::traffic;
};

/// The floor plans of what a chip of a result did.
class ChipFloorplans {
public:
    explicit ChipFloorplans(ChipRun chip);

    /// A layer's, of the items that go through the chip together. Throws InputError where the chip
    /// has no such layer.
    [[nodiscard]] Floorplan of(const FloorplanRequest& request) const;

private:
    ChipRun chip_;
    SpatialActivity activity_;
};

/// As SVG, the same bytes for the same plan.
std::string floorplan_svg(const Floorplan& plan);

}  // namespace memwall
