// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_plan.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "arch/core_cycles.hpp"
#include "arch/split_search.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

using test::Draw;

Cores cores_of(const Hierarchy& hierarchy) {
    Cores cores;
    cores.array_config = hierarchy.array_config;
    cores.vector_config = hierarchy.vector_config;
    return cores;
}

void cut_dims(Extents& extents, const std::array<Dim, 4>& dims, std::int64_t parts,
              std::int64_t k_unit) {
    for (const Dim dim : dims) {
        std::int64_t& extent = extents[index(dim)];
        const std::int64_t unit = dim == Dim::K ? k_unit : 1;
        const std::int64_t units = ceil_divide(extent, unit);
        const std::int64_t here = std::min(units, parts);
        extent = std::min(extent, ceil_divide(units, here) * unit);
        parts = ceil_divide(parts, here);
    }
}

/// The search of passes as it is meant: every cut of the tile, every split of it, one after
/// another, for layers of at most 128 passes that keep no dimension whole.
class EverySplit {
public:
    EverySplit(const Hierarchy& hierarchy, const Cores& cores, const Layer& layer)
        : hierarchy_(hierarchy),
          layer_(layer),
          costs_(hierarchy, cores, layer, 0),
          shape_(costs_.core_cycles().shape()) {}

    [[nodiscard]] std::optional<PassPlan> search(const Extents& tile) {
        std::optional<PassPlan> best;
        const std::int64_t k_unit = shape_ != nullptr ? shape_->outputs : 1;
        for (std::int64_t reduction = 1; !best && reduction <= 1024; reduction *= 2) {
            for (std::int64_t channels = 1; channels <= 16; channels *= 2) {
                for (std::int64_t positions = 1; channels * positions <= 16; positions *= 2) {
                    Extents pass = tile;
                    cut_dims(pass, kChannelDims, channels, k_unit);
                    cut_dims(pass, kPositionDims, positions, 1);
                    cut_dims(pass, kReductionDims, reduction, 1);
                    try_pass(tile, pass, best);
                }
            }
        }
        return best;
    }

private:
    void try_pass(const Extents& tile, const Extents& pass, std::optional<PassPlan>& best) {
        SplitRules rules;
        rules.cores = hierarchy_.cores;
        rules.output_unit = shape_ != nullptr ? shape_->outputs : 1;
        rules.reduction_unit = shape_ != nullptr ? shape_->inputs : 1;
        std::int64_t outputs = ceil_divide(pass[index(Dim::K)], rules.output_unit);
        for (const Dim dim : {Dim::N, Dim::D, Dim::P, Dim::Q, Dim::G, Dim::H}) {
            outputs *= pass[index(dim)];
        }
        rules.split_reduction = shape_ != nullptr && outputs < 16 * rules.cores;
        const PassTraffic traffic = costs_.traffic(tile, pass);
        std::int64_t least = std::numeric_limits<std::int64_t>::max() / 2;
        for (const CoreSplit& split : useful_splits(layer_.space, pass, rules)) {
            const std::int64_t core = costs_.core_cycles()(split.tile);
            if (core > least + least / 8 || !costs_.fits(split.tile)) {
                continue;
            }
            least = std::min(least, core);
            const double cycles = traffic.cycles(core, split.reduction_parts(layer_.space));
            if (!best || cycles < best->cycles) {
                best = PassPlan{pass, split.tile, traffic.positions_outer, cycles};
            }
        }
    }

    const Hierarchy& hierarchy_;
    const Layer& layer_;
    PassCosts costs_;
    const ArrayShape* shape_;
};

}  // namespace

TEST_CASE(
    "The search of passes leaves out only what is no better: it finds what trying all finds") {
    const Machine small = test::shipped_machine("tiny_von_neumann");
    const Machine large =
        test::shipped_machine("von_neumann", {{"components.operand_buffer.bank", "1 KiB"},
                                              {"components.operand_buffer.capacity", "1 KiB"}});
    int found = 0;
    for (std::uint32_t seed = 1; seed <= 120; ++seed) {
        Draw draw(seed);
        const test::Generated generated = test::generated_layer(draw);
        INFO(generated.yaml);
        const Layer& layer = generated.network.layers().front();
        if (!layer.space.whole_dims.empty()) {
            continue;
        }
        const Hierarchy hierarchy(seed % 2 == 0 ? small : large);
        const Cores cores = cores_of(hierarchy);
        PassPlanner planner(hierarchy, cores, false);
        const Extents tile = layer.space.extents;
        const std::optional<PassPlan> plan = planner.plan(layer, tile, 0);
        const std::optional<PassPlan> all = EverySplit(hierarchy, cores, layer).search(tile);
        if (!all || pieces(tile, all->pass) > 128) {
            continue;  // more passes must gain more
        }
        ++found;
        REQUIRE(plan);
        CHECK(plan->pass == all->pass);
        CHECK(plan->core == all->core);
        CHECK(plan->positions_outer == all->positions_outer);
        CHECK(plan->cycles == all->cycles);
    }
    CHECK(found > 60);
}

TEST_CASE("No split takes fewer cycles than the least that is said of its cores") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const Hierarchy hierarchy(machine);
    for (std::uint32_t seed = 201; seed <= 240; ++seed) {
        Draw draw(seed);
        const test::Generated generated = test::generated_layer(draw);
        INFO(generated.yaml);
        const Layer& layer = generated.network.layers().front();
        const CoreCycles cycles(cores_of(hierarchy), layer);
        SplitRules rules;
        rules.cores = draw(1, 12);
        rules.split_reduction = draw.chance(50);
        const std::int64_t least = cycles.least(layer.space.extents, rules.cores,
                                                dim_set(dims_to_cut(layer.space, rules)));
        for (const CoreSplit& split : useful_splits(layer.space, layer.space.extents, rules)) {
            CHECK(cycles(split.tile) >= least);
        }
    }
}

TEST_CASE("A tile of which a split fits is never said not to fit") {
    const Machine machine = test::shipped_machine(
        "tiny_von_neumann", {{"components.operand_buffer.bank", "64 B"},
                             {"components.operand_buffer.capacity", "128 B"}});
    const Hierarchy hierarchy(machine);
    const Cores cores = cores_of(hierarchy);
    int fitting = 0;
    int refused = 0;
    for (std::uint32_t seed = 301; seed <= 400; ++seed) {
        Draw draw(seed);
        const test::Generated generated = test::generated_layer(draw);
        INFO(generated.yaml);
        const Layer& layer = generated.network.layers().front();
        const PassCosts costs(hierarchy, cores, layer, 0);
        SplitRules rules;
        rules.cores = draw(1, 12);
        rules.split_reduction = draw.chance(50);
        const Extents& whole = layer.space.extents;
        const bool may =
            costs.may_fit(whole, rules.cores, dim_set(dims_to_cut(layer.space, rules)));
        bool any = false;
        for (const CoreSplit& split : useful_splits(layer.space, whole, rules)) {
            any = any || costs.fits(split.tile);
        }
        CHECK((may || !any));
        fitting += any ? 1 : 0;
        refused += may ? 0 : 1;
    }
    CHECK(fitting > 20);
    CHECK(refused > 5);
}

}  // namespace memwall
