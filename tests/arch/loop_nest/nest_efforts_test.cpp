// SPDX-License-Identifier: Apache-2.0
// How near to each other the efforts of a search come on small layers, over generated machines.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "arch/loop_nest/exact_choice.hpp"
#include "arch/mapper.hpp"
#include "arch/outcome_figures.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/machines.hpp"
#include "tests/support/mapped_figures.hpp"

namespace memwall {
namespace {

using test::Draw;

/// A buffer, mostly with scratchpads below it, and an array of any dataflow.
std::string drawn_machine(Draw& draw) {
    const bool pads = draw.chance(60);
    const std::int64_t instances = pads ? std::int64_t{1} << draw(0, 2) : 1;
    const auto width = [&] { return std::int64_t{1} << draw(2, 5); };
    const std::string flow = draw.one_of<std::string>(
        {"dot_product", "weight_stationary", "output_stationary", "input_stationary"});
    const std::int64_t first = std::int64_t{1} << draw(1, 3);
    const std::int64_t second = std::int64_t{1} << draw(1, 3);
    const std::string lanes = flow == "dot_product"
                                  ? fmt::format("{{inputs: {}, outputs: {}}}", first, second)
                                  : fmt::format("{{rows: {}, columns: {}}}", first, second);
    std::string text = fmt::format(
        "memwall: 1\nmachine: m\nsource: made up\ntechnology: round\nclock: 1 GHz\n"
        "mapper: loop_nest\npower_scope: chip\ncomponents:\n"
        "  dram: {{kind: dram, type: round, capacity: 1 MiB}}\n"
        "  dma: {{kind: dma, channels: 4}}\n"
        "  buffer: {{kind: sram, capacity: {} KiB, bank: 1 KiB, read_width: {} B, write_width: {} "
        "B}}\n",
        std::int64_t{1} << draw(0, 4), width(), width());
    if (pads) {
        text += fmt::format(
            "  pad: {{kind: sram, instances: {}, capacity: {} B, bank: 128 B, read_width: {} B, "
            "write_width: {} B, spatial_sums: {}}}\n",
            instances, std::int64_t{128} << draw(0, 3), width(), width(), draw.chance(50));
    }
    text += fmt::format(
        "  array: {{kind: mac_array, instances: {}, dataflow: {}, lanes: {{int8: {}}}, "
        "packs_window: {}}}\nconnections: [[dram, buffer], [dma, buffer], {}]\n",
        instances, flow, lanes, draw.chance(50),
        pads ? "[buffer, pad], [pad, array], [buffer, array]" : "[buffer, array]");
    return text;
}

/// Some thousands to some hundred thousand multiplications.
std::string drawn_network(Draw& draw) {
    const std::int64_t channels = draw(3, 24);
    const std::int64_t side = draw(5, 14);
    const std::int64_t made = draw(4, 24);
    std::string input = fmt::format("[{}, {}, {}]", channels, side, side);
    std::string layer;
    switch (draw(0, 3)) {
        case 0:
            layer = fmt::format("op: conv, out_channels: {}, kernel: {}, padding: 1", made,
                                1 + 2 * draw(0, 1));
            break;
        case 1:
            layer = fmt::format("op: conv, out_channels: {}, kernel: 3, stride: 2", made);
            break;
        case 2:
            layer = fmt::format("op: conv, out_channels: {0}, groups: {0}, kernel: 3, padding: 1",
                                channels);
            break;
        default:
            input = fmt::format("[{}, {}]", side * side, 2 * channels);
            layer = fmt::format("op: linear, out_features: {}", 2 * made);
    }
    return "network: n\ninputs: {x: " + input + "}\nlayers: [{name: l, " + layer +
           ", bias: false}]\n";
}

/// How much more one found than another, over many cases.
struct Excess {
    std::vector<double> factors;

    [[nodiscard]] std::int64_t above(double factor) const {
        return std::count_if(factors.begin(), factors.end(),
                             [&](double one) { return one > factor; });
    }
    [[nodiscard]] double worst() const { return *std::max_element(factors.begin(), factors.end()); }
};

}  // namespace

TEST_CASE("On small layers the usual effort finds nearly what a thorough search does") {
    Excess normal;
    for (std::uint32_t seed = 1; seed <= 30; ++seed) {
        Draw draw(seed);
        const Machine machine = test::machine_of_text(drawn_machine(draw));
        const Network network = test::network_of_text(drawn_network(draw));
        const auto objective = static_cast<MappingObjective>(draw(0, 3));
        const auto found = [&](Effort effort) {
            return test::mapped_figures(network, machine, effort, objective).of(objective);
        };
        const double thorough = found(Effort::thorough);
        const double normally = found(Effort::normal);
        const double quickly = found(Effort::quick);
        INFO("seed " << seed << ", " << name(objective));
        CHECK(thorough <= kEquallyGood * normally);
        CHECK(normally <= kEquallyGood * quickly);
        normal.factors.push_back(normally / thorough);
    }
    CAPTURE(normal.factors);
    CHECK(normal.above(1.02) <= 3);
    CHECK(normal.worst() < 1.3);
}

TEST_CASE("On small layers what is asked for is hardly ever found better by asking otherwise") {
    Excess asked;
    for (std::uint32_t seed = 101; seed <= 130; ++seed) {
        Draw draw(seed);
        const Machine machine = test::machine_of_text(drawn_machine(draw));
        const Network network = test::network_of_text(drawn_network(draw));
        std::array<OutcomeFigures, kMappingObjectives.size()> found;
        std::transform(kMappingObjectives.begin(), kMappingObjectives.end(), found.begin(),
                       [&](MappingObjective objective) {
                           return test::mapped_figures(network, machine, Effort::normal, objective);
                       });
        for (std::size_t o = 0; o < found.size(); ++o) {
            for (const OutcomeFigures& other : found) {
                const MappingObjective by = kMappingObjectives[o];
                asked.factors.push_back(found[o].of(by) / other.of(by));
            }
        }
    }
    CHECK(asked.above(1.01) <= 4);
    CHECK(asked.worst() < 1.05);
}

}  // namespace memwall
