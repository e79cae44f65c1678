// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_sequence.hpp"

#include <algorithm>

namespace memwall {
namespace {

/// Whether every core needs the same of an operand for both boxes. Two boxes at the padding may
/// need the same region together and other parts of it in each core.
bool same_parts(const Projection& projection, const Box& a, const Box& b) {
    return std::all_of(all_dims().begin(), all_dims().end(),
                       [&](Dim dim) { return a[dim] == b[dim] || !relevant(projection, dim); });
}

}  // namespace

PassSequence pass_sequence(const Layer& root, const LayerTiling& plan) {
    PassSequence sequence;
    const auto& operands = root.space.operands;
    sequence.operand_visits.resize(operands.size());
    sequence.tile_visits.resize(operands.size());
    std::size_t tile_number = 0;
    std::vector<bool> new_tile(operands.size());
    Box last_box;
    const std::vector<Box> tiles = cut(root.space.box(), plan.tile, plan.positions_outer);
    for (const Box& tile : tiles) {
        const std::size_t first = sequence.passes.size();
        for (std::size_t o = 0; o < operands.size(); ++o) {
            auto& visits = sequence.tile_visits[o];
            const Region region = visited_region(operands[o].projection, tile);
            new_tile[o] = visits.empty() || !(visits.back().region == region);
            if (new_tile[o]) {
                visits.push_back({region, first, first});
            }
        }
        const std::vector<Box> boxes = cut(tile, plan.passes.pass, plan.passes.positions_outer);
        if (first == 0) {
            sequence.passes.reserve(tiles.size() * boxes.size());
        }
        for (const Box& box : boxes) {
            Pass pass;
            pass.box = box;
            pass.tile = tile_number;
            const std::size_t number = sequence.passes.size();
            for (std::size_t o = 0; o < operands.size(); ++o) {
                const Projection& projection = operands[o].projection;
                sequence.tile_visits[o].back().last = number;
                pass.tile_visit.push_back(sequence.tile_visits[o].size() - 1);
                auto& visits = sequence.operand_visits[o];
                const bool begins = (number == first && (new_tile[o] || plan.restarts)) ||
                                    !same_parts(projection, last_box, box);
                if (begins) {
                    visits.push_back({visited_region(projection, box), number, number});
                }
                visits.back().last = number;
                pass.visit.push_back(visits.size() - 1);
            }
            last_box = box;
            sequence.passes.push_back(std::move(pass));
        }
        ++tile_number;
    }
    auto& passes = sequence.passes;
    Region last_results;
    for (std::size_t p = 0; p < passes.size(); ++p) {
        const Region results = image(root.space.outputs().projection, passes[p].box);
        passes[p].starts = p == 0 || !(results == last_results);
        passes[p].finishes = true;
        if (p > 0) {
            passes[p - 1].finishes = passes[p].starts;
        }
        last_results = results;
    }
    sequence.finished =
        std::count_if(passes.begin(), passes.end(), [](const Pass& pass) { return pass.finishes; });
    return sequence;
}

Region visited_region(const Projection& projection, const Box& box) {
    Region region = image(projection, box);
    if (!projection.gather) {
        return region;
    }
    const Axis& rows = projection.axes.front();
    const std::int64_t drawn = drawn_rows(projection, box);
    std::int64_t first = 0;
    for (const AxisTerm& term : rows.terms) {
        first = first * rows.extent + box[term.dim].begin;
    }
    region[0] = drawn == rows.extent ? Range{0, drawn} : Range{first, first + drawn};
    return region;
}

Region fresh_part(const Region& region, const Region& previous) {
    if (region.size() != previous.size() || region.empty()) {
        return region;
    }
    const Region common = intersection(region, previous);
    std::size_t trimmed = region.size();
    for (std::size_t axis = 0; axis < region.size(); ++axis) {
        if (common[axis].size() == 0) {
            return region;
        }
        if (!(common[axis] == region[axis])) {
            if (trimmed != region.size() || common[axis].begin != region[axis].begin) {
                return region;
            }
            trimmed = axis;
        }
    }
    Region fresh = region;
    if (trimmed < region.size()) {
        fresh[trimmed].begin = common[trimmed].end;
    }
    return fresh;
}

}  // namespace memwall
