// SPDX-License-Identifier: Apache-2.0
// A picture of a chip's cores where they lie, coloured by what a layer does in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "study/configs.hpp"

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

/// Which picture of a result is asked for.
struct FloorplanRequest {
    std::string layer;  ///< "": the one with the busiest core
    FloorplanBy by = FloorplanBy::traffic;
    std::string machine, network;  ///< "": by the names in the result
};

/// The floor plan of a layer of the first run in a result that is on a chip whose memory lies
/// beside its cores. A result does not hold single cores: its network is mapped again, as its
/// machine, settings and overrides say, and what its layers cost must come out the same. Throws
/// InputError where it does not, or the result has no such run or layer.
Floorplan floorplan_of(const std::string& result_file, const FloorplanRequest& request,
                       const Configs& configs);

/// As SVG, the same bytes for the same plan.
std::string floorplan_svg(const Floorplan& plan);

}  // namespace memwall
