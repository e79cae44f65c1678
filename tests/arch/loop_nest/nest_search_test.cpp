// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_search.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "arch/loop_nest/nest_mapspace.hpp"
#include "arch/mapper.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/nests.hpp"

namespace memwall {
namespace {

using test::Draw;

SearchRequest asking(MappingObjective objective) {
    SearchRequest request;
    request.objective = objective;
    return request;
}

struct Case {
    Network network;
    NestMachine machine;
    NestPrices prices;

    [[nodiscard]] const Layer& layer() const { return network.layers().front(); }
};

/// A small layer on two or three levels, with a buffer that does not hold everything.
Case drawn_case(Draw& draw) {
    const auto number = [&](std::int64_t least, std::int64_t most) {
        return std::to_string(draw(least, most));
    };
    Case made;
    if (draw.chance(50)) {
        made.network = test::network_of_text("network: small\ninputs: {x: [" + number(2, 3) + ", " +
                                             number(1, 3) +
                                             "]}\nlayers: [{name: fc, op: linear, "
                                             "out_features: " +
                                             number(2, 4) + "}]\n");
    } else {
        made.network = test::network_of_text(
            "network: small\ninputs: {x: [" + number(1, 2) + ", 1, " + number(3, 4) +
            "]}\nlayers: [{name: c, op: conv, out_channels: " + number(1, 2) + ", kernel: [1, " +
            number(1, 2) + "], padding: [0, " + number(0, 1) + ", 0, 0]}]\n");
    }
    const std::size_t levels = 2;
    made.machine = test::plain_machine(levels);
    NestMemory& dram = made.machine.memories[0];
    dram.read_width = static_cast<double>(draw(1, 4));
    dram.write_width = dram.read_width;
    dram.one_port = true;
    made.machine.memories[1].capacity = draw(12, 60);
    if (draw.chance(50)) {
        SpatialAxis lanes{"lanes", draw(2, 4), {}};
        lanes.dims.fill(true);
        lanes.packs = draw.chance(30);
        made.machine.memories[1].axes.push_back(lanes);
    }
    if (draw.chance(30)) {
        made.machine.lanes_keep = static_cast<std::size_t>(draw(0, 2));
        made.machine.array = {draw(0, 3), draw(0, 4), draw.chance(30)};
    }
    made.prices.levels = {{100, 120}, {2, 3}};
    made.prices.transfer.assign(levels, std::vector<double>(levels + 1, 0));
    made.prices.copy = made.prices.transfer;
    made.prices.point = 1;
    made.prices.addition = 0.1;
    made.prices.static_per_cycle = 0.5;
    return made;
}

/// Every tile, every order, everything side by side that fits, in both halves of the buffer or in
/// one, counted exactly.
class Exhaustive {
public:
    Exhaustive(const Case& of, MappingObjective objective) : case_(of), objective_(objective) {
        for (const Dim dim : all_dims()) {
            if (case_.layer().space.extent(dim) > 1) {
                dims_.push_back(dim);
            }
        }
    }

    double run() {
        choose_tiles(0);
        return best_;
    }

private:
    void choose_tiles(std::size_t d) {
        if (d == dims_.size()) {
            choose_parts(0, 1);
            return;
        }
        for (std::int64_t tile = 1; tile <= case_.layer().space.extent(dims_[d]); ++tile) {
            tile_[index(dims_[d])] = tile;
            choose_tiles(d + 1);
        }
    }

    void choose_parts(std::size_t d, std::int64_t used) {
        const auto& axes = case_.machine.memories[1].axes;
        if (d == dims_.size()) {
            try_orders();
            return;
        }
        const std::int64_t room = axes.empty()         ? 1
                                  : axes.front().packs ? tile_[index(dims_[d])]
                                                       : axes.front().size / used;
        for (std::int64_t parts = 1; parts <= std::min(room, tile_[index(dims_[d])]); ++parts) {
            parts_[index(dims_[d])] = parts;
            choose_parts(d + 1, used * parts);
        }
    }

    void try_orders() {
        const auto those = [&](const auto& has_loop) {
            std::vector<Dim> dims;
            std::copy_if(dims_.begin(), dims_.end(), std::back_inserter(dims), has_loop);
            std::sort(dims.begin(), dims.end());
            return dims;
        };
        std::vector<Dim> outer =
            those([&](Dim dim) { return tile_[index(dim)] < case_.layer().space.extent(dim); });
        do {
            // Inside, only the innermost loop decides whether weights stay in their lanes.
            std::vector<Dim> inner =
                those([&](Dim dim) { return parts_[index(dim)] < tile_[index(dim)]; });
            do {
                try_nest(outer, inner);
            } while (case_.machine.lanes_keep && std::next_permutation(inner.begin(), inner.end()));
        } while (std::next_permutation(outer.begin(), outer.end()));
    }

    void try_nest(const std::vector<Dim>& outer, const std::vector<Dim>& inner) {
        LoopNest nest;
        const std::size_t operands = case_.layer().space.operands.size();
        nest.levels.push_back(test::level({}, operands));
        nest.levels.push_back(test::level({}, operands));
        for (const Dim dim : outer) {
            nest.levels[0].loops.push_back({dim, tile_[index(dim)], false, 0});
        }
        for (const Dim dim : inner) {
            nest.levels[1].loops.push_back({dim, parts_[index(dim)], false, 0});
        }
        for (const Dim dim : dims_) {
            if (parts_[index(dim)] > 1) {
                nest.levels[1].loops.push_back({dim, 1, true, 0});
            }
        }
        for (const bool double_buffered : {true, false}) {
            nest.levels[1].double_buffered = double_buffered;
            const NestCounts counts = count_nest(case_.layer().space, nest, case_.machine);
            if (counts.bytes[1] <= case_.machine.memories[1].capacity) {
                const NestFigures figures = nest_figures(case_.layer().space, case_.prices, counts);
                best_ = std::min(best_, figures.of(objective_));
            }
        }
    }

    const Case& case_;
    MappingObjective objective_;
    std::vector<Dim> dims_;
    Extents tile_ = unit_extents();
    Extents parts_ = unit_extents();
    double best_ = std::numeric_limits<double>::infinity();
};

}  // namespace

TEST_CASE("The search is never 1 % worse than trying every nest of a small layer") {
    std::int64_t compared = 0;
    double worst = 1;
    for (std::uint32_t seed = 1; seed <= 400; ++seed) {
        Draw draw(seed);
        const Case small = drawn_case(draw);
        const auto objective = static_cast<MappingObjective>(draw(0, 3));
        const double best = Exhaustive(small, objective).run();
        if (best == std::numeric_limits<double>::infinity()) {
            CHECK_THROWS_AS(
                search_nest(small.layer(), small.machine, small.prices, asking(objective),
                            search_stages(Effort::thorough, small.layer().space)),
                InputError);
            continue;
        }
        const SearchedNest found =
            search_nest(small.layer(), small.machine, small.prices, asking(objective),
                        search_stages(Effort::thorough, small.layer().space));
        INFO("seed " << seed << ", objective " << name(objective));
        CHECK(found.figures.of(objective) <= best * 1.01);
        CHECK(found.bound <= best * (1 + 1e-9));
        worst = std::max(worst, found.figures.of(objective) / best);
        ++compared;
    }
    CAPTURE(worst);
    CHECK(compared >= 300);
}

TEST_CASE(
    "A nest is left out for having more than so much of an objective only where it has more") {
    std::int64_t counted = 0;
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        Draw draw(seed);
        const Case small = drawn_case(draw);
        const auto objective = static_cast<MappingObjective>(draw(0, 3));
        const NestCost cost(small.layer().space, small.machine, small.prices);
        Mapspace space(small.layer(), small.machine, cost);
        if (space.size(5'000) > 5'000) {
            continue;
        }
        INFO("seed " << seed << ", objective " << name(objective));
        space.visit_all([&](const NestPoint& point) {
            constexpr double kAny = std::numeric_limits<double>::infinity();
            const auto below = [&](double limit) {
                NestLimits limits;
                limits.of(objective) = limit;
                return cost.figures_below(point, limits);
            };
            const auto figures = below(kAny);
            REQUIRE(figures.has_value() == cost.fits(point));
            if (!figures) {
                return;
            }
            const double most = figures->of(objective);
            const auto same = below(most * (1 + 1e-9));
            REQUIRE(same.has_value());
            CHECK(same->cycles == figures->cycles);
            CHECK(same->joules == figures->joules);
            CHECK_FALSE(below(most * (1 - 1e-9)).has_value());
            ++counted;
        });
    }
    CHECK(counted > 1'000);
}

TEST_CASE("More effort never finds a worse mapping, and the same effort finds the same") {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        Draw draw(seed);
        const Case small = drawn_case(draw);
        double before = std::numeric_limits<double>::infinity();
        try {
            for (const Effort effort : {Effort::quick, Effort::normal, Effort::thorough}) {
                const auto find = [&] {
                    return search_nest(small.layer(), small.machine, small.prices,
                                       asking(MappingObjective::energy),
                                       search_stages(effort, small.layer().space));
                };
                const SearchedNest found = find();
                CHECK(found.nest == find().nest);
                CHECK(found.figures.joules <= before * (1 + 1e-9));
                before = found.figures.joules;
            }
        } catch (const InputError&) {
            continue;  // its smallest tiles do not fit
        }
    }
}

TEST_CASE("Layers are mapped alike on one thread and on several") {
    const Network network = test::shipped_network("lenet");
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    MapperOptions options;
    options.loops = true;
    options.effort = Effort::quick;
    const Mapping one = map_network(network, machine, options);
    options.threads = 3;
    const Mapping three = map_network(network, machine, options);
    for (std::size_t l = 0; l < one.layers.size(); ++l) {
        INFO(network.layers()[l].name);
        CHECK(one.layers[l].loops == three.layers[l].loops);
        CHECK(one.layers[l].search == three.layers[l].search);
    }
}

namespace {

/// A machine with so many memories below its DRAM, one above the other.
std::string deep_machine(int memories) {
    std::string parts;
    std::string ways = "[dram, l0], [dma, l0]";
    for (int l = 0; l < memories; ++l) {
        const std::string name = "l" + std::to_string(l);
        parts += "  " + name + ": {kind: sram, capacity: " + std::to_string(64 - l) +
                 " KiB, bank: 1 KiB, read_width: 16 B, write_width: 16 B}\n";
        ways += l > 0 ? ", [l" + std::to_string(l - 1) + ", " + name + "]" : "";
    }
    const std::string last = "l" + std::to_string(memories - 1);
    return "memwall: 1\nmachine: deep\nsource: made up\ntechnology: round\nclock: 1 GHz\nmapper: "
           "loop_nest\npower_scope: chip\ncomponents:\n  dram: {kind: dram, type: round, "
           "capacity: 1 MiB}\n  dma: {kind: dma, channels: 4}\n" +
           parts +
           "  array: {kind: mac_array, lanes: {int8: {inputs: 4, outputs: 4}}, packs_window: "
           "false}\nconnections: [" +
           ways + ", [" + last + ", array]]\n";
}

}  // namespace

TEST_CASE("A hierarchy may be deep, and one that is too deep is refused at its place") {
    const Network network = test::network_of_text(
        "network: small\ninputs: {x: [4]}\nlayers: [{name: c, op: linear, out_features: "
        "8, bias: false}]\n");
    const Mapping mapping =
        map_network(network, test::machine_of_text(deep_machine(20)), MapperOptions());
    CHECK(mapping.layers.front().utilization > 0);
    const Machine deeper = test::machine_of_text(deep_machine(40));
    CHECK_THROWS_WITH(
        check_mappable(deeper),
        Catch::Matchers::Contains(": error: machine 'deep': the loop_nest mapper needs at most 32 "
                                  "memories, not 41"));
}

TEST_CASE("Of a layer that finds no room it is told what is too small for one word") {
    const Network network = test::network_of_text(
        "network: small\ninputs: {x: [4]}\nlayers: [{name: c, op: linear, out_features: "
        "8, bias: false}]\n");
    CHECK_THROWS_WITH(
        map_network(network, test::shipped_machine("zigzag_tpu_like"), MapperOptions()),
        Catch::Contains("layer 'c' does not fit the machine's memories: not even its smallest "
                        "tiles; 'sums_rf' (1 B) has no room for one sum of 32 bits"));
}

TEST_CASE("A search that is interrupted keeps the best mapping so far") {
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    MapperOptions options;
    options.loops = true;
    options.effort = Effort::thorough;
    options.cancelled = [] { return true; };
    const Mapping mapping = map_network(test::shipped_network("lenet"), machine, options);
    CHECK(mapping.layers.front().search.find("interrupted") != std::string::npos);
    CHECK(mapping.layers.front().utilization > 0);
    // What is not begun gets what little effort finds.
    options.effort = Effort::quick;
    options.cancelled = [] { return false; };
    const Mapping quick = map_network(test::shipped_network("lenet"), machine, options);
    CHECK_FALSE(quick.search_cut_after);
    REQUIRE(mapping.search_cut_after);
    CHECK(*mapping.search_cut_after > 0);
    CHECK(mapping.layers.back().loops == quick.layers.back().loops);
}

TEST_CASE("A search that is interrupted on its way has looked at fewer mappings") {
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    MapperOptions options;
    options.effort = Effort::normal;
    int asked = 0;
    options.cancelled = [&asked] { return ++asked > 12; };
    const Mapping mapping = map_network(test::shipped_network("lenet"), machine, options);
    REQUIRE(mapping.search_cut_after);
    CHECK(*mapping.search_cut_after > 10 * 256);
    CHECK(*mapping.search_cut_after < 12 * 256 + 12 * 200);
}

}  // namespace memwall
