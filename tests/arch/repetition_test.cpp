// SPDX-License-Identifier: Apache-2.0
// Equal blocks of layers: leaving them out of a program changes nothing that the analytic engine
// tells.
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "tests/support/machines.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// A transformer of 16 blocks; `eighth` is the width of the eighth feed-forward.
Network transformer(std::int64_t positions, std::int64_t context,
                    const std::string& eighth = "64") {
    const std::string block =
        "      - {name: \"b{i}_norm\", op: rms_norm}\n"
        "      - {name: \"b{i}_q\", op: linear, out_features: 32, heads: 4}\n"
        "      - {name: \"b{i}_k\", op: linear, inputs: \"b{i}_norm\", out_features: 32, heads: "
        "4}\n"
        "      - {name: \"b{i}_v\", op: linear, inputs: \"b{i}_norm\", out_features: 32, heads: "
        "4}\n"
        "      - {name: \"b{i}_a\", op: attention, inputs: [\"b{i}_q\", \"b{i}_k\", \"b{i}_v\"], "
        "causal: true, cache: true, context: " +
        std::to_string(context) +
        "}\n"
        "      - {name: \"b{i}_o\", op: linear, out_features: 32, merge_heads: true}\n"
        "      - {name: \"b{i}_sum\", op: add, inputs: [\"b{i}_o\", \"{previous}\"]}\n"
        "      - {name: \"b{i}_up\", op: linear, out_features: WIDTH}\n"
        "      - {name: \"b{i}_act\", op: gelu}\n"
        "      - {name: \"b{i}_down\", op: linear, out_features: 32}\n";
    const auto blocks = [&](int from, int to, const std::string& width) {
        std::string text = "  - repeat: " + std::to_string(to - from) +
                           "\n    from: " + std::to_string(from) + "\n    layers:\n" + block;
        return text.replace(text.find("WIDTH"), 5, width);
    };
    return test::network_of_text("network: blocks\nprecision: int8\ninputs: {x: [" +
                                 std::to_string(positions) + ", 32]}\nlayers:\n" +
                                 blocks(0, 7, "64") + blocks(7, 8, eighth) + blocks(8, 16, "64"));
}

struct Estimated {
    Mapping mapping;
    Outcome outcome;
};

Estimated estimated(const Network& network, const Machine& machine, bool repetition,
                    std::int64_t rounds) {
    MapperOptions options;
    options.rounds = rounds;
    options.repetition = repetition;
    Estimated run{map_network(network, machine, options), {}};
    run.outcome = estimate(run.mapping.program, machine, Window{rounds - 1});
    return run;
}

std::map<ActionKey, std::int64_t> counts(const Estimated& run) {
    std::map<ActionKey, std::int64_t> all;
    for (std::size_t r = 0; r < run.outcome.counts.size(); ++r) {
        all[run.mapping.program.actions.key(RowId(r))] = run.outcome.counts[r];
    }
    return all;
}

void check_near(Picoseconds a, Picoseconds b) {
    const auto larger = static_cast<double>(std::max(std::abs(a.count()), std::abs(b.count())));
    CHECK(std::abs(static_cast<double>((a - b).count())) <= 1e-4 * larger);
}

void check_alike(const Estimated& part, const Estimated& whole, const Network& network,
                 const Machine& machine) {
    CHECK(counts(part) == counts(whole));
    CHECK(part.outcome.steps == whole.outcome.steps);
    check_near(part.outcome.end, whole.outcome.end);
    check_near(part.outcome.window_end - part.outcome.window_start,
               whole.outcome.window_end - whole.outcome.window_start);
    for (std::size_t l = 0; l < network.layers().size(); ++l) {
        INFO(network.layers()[l].name);
        check_near(part.outcome.layers[l].start, whole.outcome.layers[l].start);
        check_near(part.outcome.layers[l].end, whole.outcome.layers[l].end);
        CHECK(part.outcome.layers[l].bound_by == whole.outcome.layers[l].bound_by);
    }
    for (std::size_t c = 0; c < machine.components().size(); ++c) {
        INFO(machine.components()[c].name);
        const ComponentOutcome& of_part = part.outcome.components[c];
        const ComponentOutcome& of_whole = whole.outcome.components[c];
        check_near(of_part.busy_max, of_whole.busy_max);
        check_near(of_part.busy_mean, of_whole.busy_mean);
        CHECK(of_part.peak == of_whole.peak);
    }
}

}  // namespace

TEST_CASE("Equal blocks that are left out are told as if they had run") {
    struct Case {
        std::int64_t positions, context, rounds;
        std::string buffer;  // all weights stay in the one, none in the other
    };
    for (const Case& each : {Case{1, 40, 3, "32 MiB"}, Case{1, 40, 3, "8 KiB"},
                             Case{24, 0, 1, "32 MiB"}, Case{24, 0, 1, "16 KiB"}}) {
        INFO("context " << each.context << ", buffer " << each.buffer);
        const Machine machine = test::shipped_machine(
            "von_neumann", {{"components.global_buffer.capacity", each.buffer},
                            {"components.global_buffer.bank", "1 KiB"}});
        const Network network = transformer(each.positions, each.context);
        const Estimated whole = estimated(network, machine, false, each.rounds);
        const Estimated part = estimated(network, machine, true, each.rounds);
        CHECK_FALSE(whole.mapping.program.repetition.has_value());
        REQUIRE(part.mapping.program.repetition.has_value());
        CHECK(part.mapping.program.repetition->left_out >= 6);
        REQUIRE(part.outcome.repetition_error.has_value());
        CHECK(*part.outcome.repetition_error <= 1e-4);
        check_alike(part, whole, network, machine);
    }
}

TEST_CASE("A block that differs is not left out, nor one of rounds that overlap") {
    const Machine machine = test::shipped_machine("von_neumann");
    const Network odd = transformer(1, 40, "96");
    CHECK_FALSE(estimated(odd, machine, true, 3).mapping.program.repetition.has_value());
    // Without a cache a round may begin before the one before it has ended.
    const Network stream = test::shipped_network("vit_b16");
    CHECK_FALSE(estimated(stream, machine, true, 3).mapping.program.repetition.has_value());
}

}  // namespace memwall
