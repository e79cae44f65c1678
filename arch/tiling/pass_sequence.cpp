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

/// Begins a new visit, or goes on with the last one.
std::size_t extend(std::vector<Visit>& visits, const Region& region, std::size_t pass, bool anew) {
    if (anew || visits.empty()) {
        visits.push_back({region, pass, pass});
    }
    visits.back().last = pass;
    return visits.size() - 1;
}

bool same_outputs(const Layer& root, const Box& a, const Box& b) {
    const Projection& outputs = root.space.outputs().projection;
    return image(outputs, a) == image(outputs, b);
}

}  // namespace

PassSequence pass_sequence(const Layer& root, const LayerTiling& plan) {
    PassSequence sequence;
    const auto& operands = root.space.operands;
    sequence.operand_visits.resize(operands.size());
    sequence.tile_visits.resize(operands.size());
    std::size_t tile_number = 0;
    for (const Box& tile : cut(root.space.box(), plan.tile, plan.positions_outer)) {
        for (const Box& box : cut(tile, plan.passes.pass, plan.passes.positions_outer)) {
            Pass pass;
            pass.box = box;
            pass.tile = tile_number;
            const std::size_t number = sequence.passes.size();
            for (std::size_t o = 0; o < operands.size(); ++o) {
                const Projection& projection = operands[o].projection;
                const Region of_tile = visited_region(projection, tile);
                auto& tile_visits = sequence.tile_visits[o];
                const bool other_tile =
                    !tile_visits.empty() && !(tile_visits.back().region == of_tile);
                pass.tile_visit.push_back(extend(tile_visits, of_tile, number, other_tile));
                const bool new_tile =
                    sequence.tile_visits[o][pass.tile_visit.back()].first == number;
                const bool anew =
                    new_tile ||
                    (number > 0 && !same_parts(projection, sequence.passes[number - 1].box, box));
                pass.visit.push_back(extend(sequence.operand_visits[o],
                                            visited_region(projection, box), number, anew));
            }
            sequence.passes.push_back(std::move(pass));
        }
        ++tile_number;
    }
    auto& passes = sequence.passes;
    for (std::size_t p = 0; p < passes.size(); ++p) {
        passes[p].starts = p == 0 || !same_outputs(root, passes[p - 1].box, passes[p].box);
        passes[p].finishes =
            p + 1 == passes.size() || !same_outputs(root, passes[p].box, passes[p + 1].box);
        sequence.finished += passes[p].finishes ? 1 : 0;
    }
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
