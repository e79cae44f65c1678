// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/spatial_choices.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

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
                const std::int64_t parts = ceil_divide(extents_[cut], pieces);
                if (parts != previous) {
                    along(a + 1, laid_out(a, so_far, dims, cut, parts));
                }
                previous = parts;
            }
        }
        for (const SpatialChoice& choice : smallest_of_few_turns(a, so_far, dims)) {
            along(a + 1, choice);
        }
    }

    SpatialChoice laid_out(std::size_t a, const SpatialChoice& so_far,
                           const std::vector<std::size_t>& dims, std::size_t cut,
                           std::int64_t parts) const {
        SpatialChoice choice = so_far;
        for (const std::size_t d : dims) {
            take(choice, a, d, d == cut ? parts : extents_[d]);
        }
        return choice;
    }

    /// Blocks of an axis's dimensions, all whole but for one: of those that lanes take in the
    /// fewest turns or in hardly more, each that is smaller than all that take fewer. Not all parts
    /// need be alike: folds that are full but for the last are few.
    std::vector<SpatialChoice> smallest_of_few_turns(std::size_t a, const SpatialChoice& so_far,
                                                     const std::vector<std::size_t>& dims) const {
        constexpr double kHardlyMore = 1.1;
        struct Block {
            std::size_t cut = 0;
            std::int64_t parts = 1;
            double size = 1;
            double turns = 1;
        };
        std::vector<Block> blocks;
        double fewest = std::numeric_limits<double>::infinity();
        for (const std::size_t cut : dims) {
            SpatialChoice choice = laid_out(a, so_far, dims, cut, extents_[cut]);
            for (const std::int64_t parts : parts_to_try(a, dims, cut)) {
                choice.parts[cut] = parts;
                Block block{cut, parts};
                block.turns = cost_.turns_over(extents_, choice.parts, choice.axis);
                for (const std::size_t d : dims) {
                    block.size *= static_cast<double>(choice.parts[d]);
                    // What is not laid out is gone through.
                    block.turns *= choice.parts[d] > 1 ? 1 : static_cast<double>(extents_[d]);
                }
                if (block.turns <= kHardlyMore * fewest) {
                    fewest = std::min(fewest, block.turns);
                    blocks.push_back(block);
                }
            }
        }
        std::stable_sort(blocks.begin(), blocks.end(), [](const Block& x, const Block& y) {
            return std::pair(x.turns, x.size) < std::pair(y.turns, y.size);
        });
        std::vector<SpatialChoice> found;
        double smallest = std::numeric_limits<double>::infinity();
        for (const Block& block : blocks) {
            if (block.turns <= kHardlyMore * blocks.front().turns && block.size < smallest) {
                smallest = block.size;
                found.push_back(laid_out(a, so_far, dims, block.cut, block.parts));
            }
        }
        return found;
    }

    /// All numbers of parts of a short dimension; of a long one those that fill lanes.
    [[nodiscard]] std::vector<std::int64_t> parts_to_try(std::size_t a,
                                                         const std::vector<std::size_t>& dims,
                                                         std::size_t cut) const {
        constexpr std::int64_t kShort = 256;
        const std::int64_t lanes = memory_.axes[a].size;
        std::int64_t beside = 1;
        for (const std::size_t d : dims) {
            beside = d == cut ? beside : std::gcd(lanes, checked_multiply(beside, extents_[d]));
        }
        const std::int64_t step = extents_[cut] <= kShort
                                      ? 1
                                      : std::max<std::int64_t>(1, lanes / std::gcd(lanes, beside));
        std::vector<std::int64_t> found = {extents_[cut]};
        for (std::int64_t parts = step; parts < extents_[cut]; parts += step) {
            found.push_back(parts);
        }
        return found;
    }

    void every(std::size_t a, const SpatialChoice& so_far, const std::vector<std::size_t>& dims,
               std::size_t i, std::int64_t room) {
        if (i == dims.size()) {
            along(a + 1, so_far);
            return;
        }
        const bool in_turns = room == kNoLimit;
        // A block that does not divide may leave fewer turns.
        std::vector<std::int64_t> numbers(static_cast<std::size_t>(extents_[dims[i]]));
        std::iota(numbers.rbegin(), numbers.rend(), 1);
        for (const std::int64_t parts :
             in_turns ? numbers : useful_parts(extents_[dims[i]], room)) {
            SpatialChoice choice = so_far;
            take(choice, a, dims[i], parts);
            every(a, choice, dims, i + 1, in_turns ? room : room / parts);
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
        choice.steps = 1;
        double blocks = 1;
        for (std::size_t d = 0; d < cost_.dims().size(); ++d) {
            const auto cut = static_cast<double>(ceil_divide(extents_[d], choice.parts[d]));
            choice.steps *= cut;
            blocks *= choice.parts[d] > 1 ? cut : 1;
            choice.laid_out *= static_cast<double>(choice.parts[d]);
        }
        if (packs(memory_)) {
            choice.turns = cost_.turns_over(extents_, choice.parts, choice.axis) / blocks;
            choice.steps *= choice.turns;
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

bool packs(const NestMemory& memory) {
    return std::any_of(memory.axes.begin(), memory.axes.end(),
                       [](const SpatialAxis& axis) { return axis.packs; });
}

std::vector<SpatialChoice> spatial_choices(const NestCost& cost, const NestMemory& memory,
                                           const Sizes& extents, bool all) {
    std::vector<SpatialChoice> found = SpatialSearch(cost, memory, extents, all).run();
    // Of what takes as many steps in turns, the smaller block fits more often.
    const bool in_turns = packs(memory);
    std::stable_sort(found.begin(), found.end(),
                     [&](const SpatialChoice& a, const SpatialChoice& b) {
                         return std::pair(a.steps, in_turns ? a.laid_out : 0) <
                                std::pair(b.steps, in_turns ? b.laid_out : 0);
                     });
    return found;
}

}  // namespace memwall
