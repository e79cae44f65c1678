// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_plan.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "arch/core_work.hpp"
#include "arch/split_search.hpp"
#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

using test::Draw;

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
          shape_(costs_.shape()) {}

    [[nodiscard]] std::optional<PassPlan> search(const Extents& tile, const PassAim& aim) {
        std::optional<PassPlan> best;
        const std::int64_t k_unit = shape_ != nullptr ? shape_->outputs : 1;
        std::int64_t words = 1;  // of the reduction
        for (const Dim dim : kReductionDims) {
            words *= tile[index(dim)];
        }
        bool goes_on = true;
        for (std::int64_t reduction = 1; goes_on; reduction *= 2) {
            const double before = best ? best->value : std::numeric_limits<double>::infinity();
            for (std::int64_t channels = 1; channels <= 16; channels *= 2) {
                for (std::int64_t positions = 1; channels * positions <= 16; positions *= 2) {
                    Extents pass = tile;
                    cut_dims(pass, kChannelDims, channels, k_unit);
                    cut_dims(pass, kPositionDims, positions, 1);
                    cut_dims(pass, kReductionDims, reduction, 1);
                    try_pass(tile, pass, aim, best);
                }
            }
            goes_on = reduction <= words && (!best || best->value < before);
        }
        return best;
    }

private:
    void try_pass(const Extents& tile, const Extents& pass, const PassAim& aim,
                  std::optional<PassPlan>& best) {
        SplitRules rules;
        rules.cores = hierarchy_.cores;
        rules.output_unit = shape_ != nullptr ? shape_->outputs : 1;
        rules.reduction_unit = shape_ != nullptr ? shape_->inputs : 1;
        rules.cuts_output_unit = true;
        std::int64_t outputs = ceil_divide(pass[index(Dim::K)], rules.output_unit);
        for (const Dim dim : {Dim::N, Dim::D, Dim::P, Dim::Q, Dim::G, Dim::H}) {
            outputs *= pass[index(dim)];
        }
        rules.split_reduction = shape_ != nullptr && outputs < 16 * rules.cores;
        const PassTraffic traffic = costs_.traffic(tile, pass);
        for (const CoreSplit& split : useful_splits(layer_.space, pass, rules)) {
            const TileCosts costs = traffic.costs(costs_.split(pass, split.tile), aim);
            if (costs_.fits(split.tile) && (!best || costs.value < best->value)) {
                best =
                    PassPlan{pass, split.tile, traffic.positions_outer, costs.cycles, costs.value};
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
        const Cores cores = tiled_cores(hierarchy);
        PassPlanner planner(hierarchy, cores, Effort::normal);
        const Extents tile = layer.space.extents;
        const PassAim aim{seed % 3 == 0 ? 1.0 : 0.01, 0.05, seed % 5 == 0, true};
        const std::optional<PassPlan> plan = planner.plan(layer, tile, 0, aim);
        const std::optional<PassPlan> all = EverySplit(hierarchy, cores, layer).search(tile, aim);
        if (!all || pieces(tile, all->pass) > 128) {
            continue;  // more passes must gain more
        }
        ++found;
        REQUIRE(plan);
        CHECK(plan->pass == all->pass);
        CHECK(plan->core == all->core);
        CHECK(plan->positions_outer == all->positions_outer);
        CHECK(plan->cycles == all->cycles);
        CHECK(plan->value == all->value);
    }
    CHECK(found > 60);
}

TEST_CASE("No split costs less of anything than the least that is said of its pass") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const Hierarchy hierarchy(machine);
    const Cores cores = tiled_cores(hierarchy);
    for (std::uint32_t seed = 201; seed <= 240; ++seed) {
        Draw draw(seed);
        const test::Generated generated = test::generated_layer(draw);
        INFO(generated.yaml);
        const Layer& layer = generated.network.layers().front();
        const PassCosts costs(hierarchy, cores, layer, 0);
        SplitRules rules;
        rules.cores = draw(1, 12);
        rules.split_reduction = draw.chance(50);
        const Extents& whole = layer.space.extents;
        const SplitCosts least =
            costs.least(whole, whole, rules.cores, dim_set(dims_to_cut(layer.space, rules)));
        for (const CoreSplit& split : useful_splits(layer.space, whole, rules)) {
            const SplitCosts found = costs.split(whole, split.tile);
            CHECK(found.cycles >= least.cycles);
            CHECK(found.sharing >= least.sharing);
            CHECK(found.cores >= least.cores);
            CHECK(found.brought[0] >= least.brought[0]);
            CHECK(found.brought[1] >= least.brought[1]);
        }
    }
}

/// The cycles of a step that computes a layer of `tiny_von_neumann`, split evenly over its cores.
std::int64_t step_cycles(const Machine& machine, const Network& network, const CoreSplit& split) {
    ProgramBuilder builder(machine);
    const Cores cores = tiled_cores(Hierarchy(machine));
    const Layer& layer = network.layers().front();
    const StepBody body =
        compute_body(builder, cores, layer, LayerId(0), split, layer.space.box(), true);
    return std::get<Compute>(body.what).occupies.count();
}

TEST_CASE("A core's cycles are planned as its step takes them, the port of its memory included") {
    int by_port = 0;
    for (const char* width : {"1 B", "4 B", "64 B"}) {
        const Machine machine = test::shipped_machine(
            "tiny_von_neumann", {{"components.operand_buffer.read_width", width}});
        const Hierarchy hierarchy(machine);
        const Cores cores = tiled_cores(hierarchy);
        for (std::uint32_t seed = 401; seed <= 440; ++seed) {
            Draw draw(seed);
            const test::Generated generated = test::generated_linear(draw);
            INFO(generated.yaml);
            const Layer& layer = generated.network.layers().front();
            const PassCosts costs(hierarchy, cores, layer, 0);
            SplitRules rules;
            rules.cores = hierarchy.cores;
            for (const CoreSplit& split : useful_splits(layer.space, layer.space.extents, rules)) {
                const std::int64_t planned = costs.split(split.extents, split.tile).cycles;
                const std::int64_t taken = step_cycles(machine, generated.network, split);
                bool even = true;
                for (const Dim dim : all_dims()) {
                    even = even && split.extents[index(dim)] % split.tile[index(dim)] == 0;
                }
                CHECK(planned >= taken);  // of uneven parts a step has the mean
                CHECK((!even || planned == taken));
                by_port += planned > core_cycles(cores, layer, split.tile) ? 1 : 0;
            }
        }
    }
    CHECK(by_port > 100);
}

TEST_CASE("A pass is split so that cores are fed least, where that is no slower, as by hand") {
    // 32 channels of 32 words at 8 positions, on 4 cores of 4 x 4 lanes with a bus of 8 B.
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const Network network = test::network_of_text(
        "network: n\nsource: test\nprecision: int8\ninputs: {x: [8, 32]}\n"
        "layers:\n  - {name: l, op: linear, out_features: 32}\n");
    const Layer& layer = network.layers().front();
    const Extents& whole = layer.space.extents;
    const Hierarchy hierarchy(machine);
    const Cores cores = tiled_cores(hierarchy);
    const PassCosts costs(hierarchy, cores, layer, 0);
    Extents channels = whole;
    channels[index(Dim::K)] = 8;
    Extents positions = whole;
    positions[index(Dim::P)] = 2;
    // 2 turns of lanes x 8 of words x 8 positions, or 8 x 8 x 2: 128 cycles of either.
    const SplitCosts by_channels = costs.split(whole, channels);
    const SplitCosts by_positions = costs.split(whole, positions);
    CHECK(by_channels.cycles == 128);
    CHECK(by_positions.cycles == 128);
    CHECK(by_channels.brought == std::array<std::int64_t, 2>{256, 256});
    CHECK(by_positions.brought == std::array<std::int64_t, 2>{1'024, 64});
    PassPlanner planner(hierarchy, cores, Effort::normal);
    // The bus carries 1,024 B of weights, 256 of inputs and 256 of results in 192 cycles; 32 of
    // inputs come first and 32 of results last.
    const auto plan = planner.plan_given(layer, whole, 0, GivenPass{whole, {}, {}}, PassAim{});
    REQUIRE(plan);
    CHECK(plan->core == channels);
    CHECK(plan->cycles == 192 + 32 + 32);
    PassAim hides;
    hides.overlaps = true;
    const auto hidden = planner.plan_given(layer, whole, 0, GivenPass{whole, {}, {}}, hides);
    REQUIRE(hidden);
    CHECK(hidden->cycles == 192);
}

TEST_CASE("A tile of which a split fits is never said not to fit") {
    const Machine machine = test::shipped_machine(
        "tiny_von_neumann", {{"components.operand_buffer.bank", "64 B"},
                             {"components.operand_buffer.capacity", "128 B"}});
    const Hierarchy hierarchy(machine);
    const Cores cores = tiled_cores(hierarchy);
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
