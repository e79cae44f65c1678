// SPDX-License-Identifier: Apache-2.0
#include "tests/support/nest_enumerator.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/quantity.hpp"

namespace memwall::test {
namespace {

using Word = std::vector<std::int64_t>;
using Wordset = std::set<Word>;
using Indices = std::vector<std::int64_t>;

struct Placed {
    Loop loop;
    std::size_t level;
};

std::vector<Placed> loops_above(const LoopNest& nest, std::size_t child) {
    std::vector<Placed> loops;
    for (std::size_t l = 0; l < child && l < nest.levels.size(); ++l) {
        for (const Loop& loop : nest.levels[l].loops) {
            loops.push_back({loop, l});
        }
    }
    return loops;
}

/// The words that the points of a box touch, one by one.
Wordset words_of(const Projection& projection, const Box& box) {
    Wordset found;
    Word word;
    const auto along = [&](const auto& self, std::size_t a) -> void {
        if (a == projection.axes.size()) {
            found.insert(word);
            return;
        }
        const Axis& axis = projection.axes[a];
        std::set<std::int64_t> at = {axis.offset};
        for (const AxisTerm& term : axis.terms) {
            std::set<std::int64_t> more;
            for (const std::int64_t base : at) {
                for (std::int64_t i = box[term.dim].begin; i < box[term.dim].end; ++i) {
                    more.insert(base + term.coefficient * i);
                }
            }
            at = more;
        }
        for (const std::int64_t i : at) {
            if (i >= 0 && i < axis.extent) {
                word.push_back(i);
                self(self, a + 1);
                word.pop_back();
            }
        }
    };
    along(along, 0);
    return found;
}

/// The tile at the given steps of all loops; false where an instance has no such step.
bool tile_of(const Extents& extents, const std::vector<Placed>& loops, const Indices& at,
             Box& box) {
    box = whole_box(extents);
    for (std::size_t i = 0; i < loops.size(); ++i) {
        Range& range = box[loops[i].loop.dim];
        range.begin += at[i] * loops[i].loop.tile;
        range.end = std::min(range.end, range.begin + loops[i].loop.tile);
        if (range.begin >= range.end) {
            return false;
        }
    }
    return true;
}

/// Calls `visit` with all steps of the loops of one kind, outer ones slowest; others stay.
template <class Visit>
void for_each_step(const Extents& extents, const std::vector<Placed>& loops, bool spatial,
                   Indices& at, const Visit& visit, std::size_t i = 0) {
    if (i == loops.size()) {
        visit();
        return;
    }
    if (loops[i].loop.spatial != spatial) {
        for_each_step(extents, loops, spatial, at, visit, i + 1);
        return;
    }
    std::int64_t size = extents[index(loops[i].loop.dim)];
    for (std::size_t outer = 0; outer < i; ++outer) {
        if (loops[outer].loop.dim == loops[i].loop.dim) {
            size = std::min(size, loops[outer].loop.tile);
        }
    }
    for (std::int64_t n = 0; n < ceil_divide(size, loops[i].loop.tile); ++n) {
        at[i] = n;
        for_each_step(extents, loops, spatial, at, visit, i + 1);
    }
    at[i] = 0;
}

struct Instance {
    Indices at;      ///< of the spatial loops
    Indices parent;  ///< of those above the parent
    Indices group;   ///< instances of one group share a word
    bool holds = false;
    Box tile{};
    Wordset words;
};

}  // namespace

EnumeratedTraffic enumerate(const IterationSpace& space, const LoopNest& nest,
                            const NestMachine& machine, std::size_t o, std::size_t parent,
                            std::size_t child) {
    const Operand& operand = space.operands[o];
    const bool outputs = operand.role == TensorRole::outputs;
    const bool lanes = child == nest.levels.size();
    const bool stays = !lanes || machine.lanes_keep == o;
    const bool halo = !lanes && nest.levels[child].keeps_halo && !outputs;
    const std::vector<Placed> loops = loops_above(nest, child);
    std::vector<Instance> instances;
    Indices at(loops.size());
    for_each_step(space.extents, loops, true, at, [&] {
        Instance one;
        one.at = at;
        for (std::size_t i = 0; i < loops.size(); ++i) {
            if (!loops[i].loop.spatial) {
                continue;
            }
            const NestMemory& memory = machine.memories[loops[i].level];
            if (loops[i].level < parent) {
                one.parent.push_back(at[i]);
            }
            if (loops[i].level < parent || !(outputs ? memory.reduces : memory.multicasts)) {
                one.group.push_back(at[i]);
            }
        }
        instances.push_back(one);
    });
    EnumeratedTraffic traffic;
    std::map<Indices, Wordset> started;  // by parent
    const auto drain = [&](const std::map<Indices, Wordset>& groups,
                           const std::map<Indices, Indices>& parents) {
        for (const auto& [group, words] : groups) {
            traffic.updates += static_cast<std::int64_t>(words.size());
            for (const Word& word : words) {
                traffic.reads += started[parents.at(group)].insert(word).second ? 0 : 1;
            }
        }
    };
    Indices time(loops.size());
    for_each_step(space.extents, loops, false, time, [&] {
        std::map<Indices, Wordset> fetched;
        std::map<Indices, Indices> parents;
        for (Instance& one : instances) {
            Indices both = time;
            for (std::size_t i = 0; i < loops.size(); ++i) {
                both[i] += one.at[i];
            }
            Box box;
            if (!tile_of(space.extents, loops, both, box)) {
                continue;
            }
            Box seen = box;  // dimensions that the operand does not have tell no tiles apart
            for (const Dim dim : all_dims()) {
                if (!relevant(operand.projection, dim)) {
                    seen[dim] = {0, 1};
                }
            }
            if (stays && one.holds && one.tile == seen) {
                continue;
            }
            const Wordset words = words_of(operand.projection, seen);
            std::int64_t moved = 0;
            for (const Word& word : words) {
                if (halo && one.holds && one.words.count(word) > 0) {
                    continue;
                }
                fetched[one.group].insert(word);
                ++moved;
            }
            parents[one.group] = one.parent;
            (outputs ? traffic.drains : traffic.deliveries) += moved;
            one.holds = true;
            one.tile = seen;
            one.words = words;
        }
        if (outputs) {
            drain(fetched, parents);
        } else {
            for (const auto& [group, words] : fetched) {
                traffic.reads += static_cast<std::int64_t>(words.size());
            }
        }
    });
    return traffic;
}

std::int64_t enumerate_steps(const IterationSpace& space, const LoopNest& nest) {
    const std::vector<Placed> loops = loops_above(nest, nest.levels.size());
    std::int64_t steps = 0;
    Indices at(loops.size());
    for_each_step(space.extents, loops, false, at, [&] {
        Box box;
        steps += tile_of(space.extents, loops, at, box) ? 1 : 0;
    });
    return steps;
}

}  // namespace memwall::test
