// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/spatial_choices.hpp"

#include <algorithm>
#include <limits>

#include "base/quantity.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

/// Numbers of parts of `extent` that leave tiles of different sizes, most parts first.
std::vector<std::int64_t> useful_parts(std::int64_t extent, std::int64_t most) {
    std::vector<std::int64_t> found;
    for (std::int64_t parts = std::min(extent, most); parts >= 1; --parts) {
        if (ceil_divide(extent, ceil_divide(extent, parts)) == parts) {
            found.push_back(parts);
        }
    }
    return found;
}

class SpatialSearch {
public:
    SpatialSearch(const NestCost& cost, const NestMemory& memory, const Sizes& extents, bool all)
        : cost_(cost), memory_(memory), extents_(extents), all_(all) {}

    std::vector<SpatialChoice> run() {
        SpatialChoice none;
        none.parts.fill(1);
        along(0, none);
        return std::move(found_);
    }

private:
    void along(std::size_t a, const SpatialChoice& so_far) {
        if (a == memory_.axes.size()) {
            add(so_far);
            return;
        }
        const SpatialAxis& axis = memory_.axes[a];
        std::vector<std::size_t> dims;
        for (std::size_t d = 0; d < cost_.dims().size(); ++d) {
            if (axis.dims[index(cost_.dims()[d])] && so_far.parts[d] == 1 && extents_[d] > 1) {
                dims.push_back(d);
            }
        }
        if (all_) {
            every(a, so_far, dims, 0, axis.packs ? kNoLimit : axis.size);
            return;
        }
        if (axis.packs) {
            whole_but_one(a, so_far, dims);
        }
        // One dimension as far as it goes, or in powers of two, then the others in every order.
        if (dims.empty()) {
            along(a + 1, so_far);
        }
        for (const std::size_t first : dims) {
            std::int64_t previous = 0;
            for (std::int64_t room = axis.size; room >= 1; room /= 2) {
                const std::int64_t parts = useful_parts(extents_[first], room).front();
                if (parts == previous) {
                    continue;
                }
                previous = parts;
                for (const std::size_t second : dims) {
                    SpatialChoice choice = so_far;
                    take(choice, a, first, parts);
                    std::int64_t left = axis.size / parts;
                    if (second != first) {
                        left = fill(choice, a, second, left);
                    }
                    for (const std::size_t d : dims) {
                        if (choice.parts[d] == 1) {
                            left = fill(choice, a, d, left);
                        }
                    }
                    along(a + 1, choice);
                }
            }
        }
    }

    /// All of an axis's dimensions laid out, and one of them in ever smaller parts.
    void whole_but_one(std::size_t a, const SpatialChoice& so_far,
                       const std::vector<std::size_t>& dims) {
        for (const std::size_t cut : dims) {
            std::int64_t previous = 0;
            for (std::int64_t pieces = 1; pieces <= extents_[cut]; pieces *= 2) {
                SpatialChoice choice = so_far;
                for (const std::size_t d : dims) {
                    take(choice, a, d, extents_[d]);
                }
                const std::int64_t parts = ceil_divide(extents_[cut], pieces);
                take(choice, a, cut, parts);
                if (parts != previous) {
                    along(a + 1, choice);
                }
                previous = parts;
            }
        }
    }

    void every(std::size_t a, const SpatialChoice& so_far, const std::vector<std::size_t>& dims,
               std::size_t i, std::int64_t room) {
        if (i == dims.size()) {
            along(a + 1, so_far);
            return;
        }
        for (const std::int64_t parts : useful_parts(extents_[dims[i]], room)) {
            SpatialChoice choice = so_far;
            take(choice, a, dims[i], parts);
            every(a, choice, dims, i + 1, room == kNoLimit ? room : room / parts);
        }
    }

    static void take(SpatialChoice& choice, std::size_t a, std::size_t d, std::int64_t parts) {
        choice.parts[d] = parts;
        choice.axis[d] = static_cast<std::uint8_t>(a);
    }

    std::int64_t fill(SpatialChoice& choice, std::size_t a, std::size_t d, std::int64_t room) {
        const std::int64_t parts = useful_parts(extents_[d], room).front();
        take(choice, a, d, parts);
        return room / parts;
    }

    void add(SpatialChoice choice) {
        choice.turns = static_cast<double>(
            lane_turns(memory_.axes, cost_.layout(choice.parts, choice.axis)).in_time);
        choice.steps = choice.turns;
        for (std::size_t d = 0; d < cost_.dims().size(); ++d) {
            choice.steps *= static_cast<double>(ceil_divide(extents_[d], choice.parts[d]));
            choice.laid_out *= static_cast<double>(choice.parts[d]);
        }
        const bool known =
            std::any_of(found_.begin(), found_.end(),
                        [&](const SpatialChoice& other) { return other.parts == choice.parts; });
        if (!known) {
            found_.push_back(choice);
        }
    }

    const NestCost& cost_;
    const NestMemory& memory_;
    const Sizes& extents_;
    bool all_;
    std::vector<SpatialChoice> found_;
};

}  // namespace

std::vector<SpatialChoice> spatial_choices(const NestCost& cost, const NestMemory& memory,
                                           const Sizes& extents, std::size_t most, bool all) {
    std::vector<SpatialChoice> found = SpatialSearch(cost, memory, extents, all).run();
    // Of what takes as many steps in turns, the smaller block fits more often.
    const bool packs = std::any_of(memory.axes.begin(), memory.axes.end(),
                                   [](const SpatialAxis& axis) { return axis.packs; });
    std::stable_sort(found.begin(), found.end(),
                     [&](const SpatialChoice& a, const SpatialChoice& b) {
                         return std::pair(a.steps, packs ? a.laid_out : 0) <
                                std::pair(b.steps, packs ? b.laid_out : 0);
                     });
    if (!packs && found.size() > most) {
        found.resize(most);
    }
    return found;
}

}  // namespace memwall
