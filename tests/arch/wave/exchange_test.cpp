// SPDX-License-Identifier: Apache-2.0
// Results that cards exchange, worked out by hand.
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/ring_exchange.hpp"
#include "tests/support/machines.hpp"
#include "workloads/tensor_parallel.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// A round of the part of one card, by the analytic engine.
struct Round {
    double seconds = 0;
    std::map<std::pair<std::string, Action>, std::int64_t> counts;  ///< of the exchange alone
};

Round round_of(const Network& part, const Machine& machine) {
    MapperOptions options;
    options.rounds = 3;
    const Mapping mapping = map_network(part, machine, options);
    const Outcome outcome = estimate(mapping.program, machine, Window{1});
    Round round;
    round.seconds = to_seconds(outcome.window_end - outcome.window_start).count() / 2;
    for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
        const ActionKey& key = mapping.program.actions.key(RowId(r));
        if (key.tensor == TensorRole::partial_sums &&
            part.layer(key.layer).op == std::string("all_reduce")) {
            round.counts[{machine.component(key.component).name, key.action}] +=
                outcome.counts[r] / 2;
        }
    }
    return round;
}

Machine pair_with(const std::string& bandwidth, const std::string& latency) {
    return test::shipped_machine("h100_sxm_2", {{"components.nvlink.bandwidth", bandwidth},
                                                {"components.nvlink.latency", latency}});
}

/// 64 positions of 8,192 features, 1,024 of them inside: sums of bf16 take 1 MiB.
Network part_of_block() {
    const Network whole = test::network_of_text(
        "network: n\nsource: s\nprecision: fp8\ninputs: {x: [64, 8192]}\nlayers:\n"
        "  - {name: up, op: linear, out_features: 1024, bias: false}\n"
        "  - {name: down, op: linear, out_features: 8192, bias: false}\n");
    return tensor_parallel_part(whole, 2).network;
}

}  // namespace

TEST_CASE("Each card of a ring sends 2 (n - 1) / n of what is added up, and half of it to gather") {
    const auto sum = [](std::int64_t bytes, std::int64_t cards) {
        return ring_exchange(Collective::all_reduce, Bytes(bytes), cards);
    };
    CHECK(sum(1000, 2).sent == Bytes(1000));
    CHECK(sum(1000, 2).steps == 2);
    CHECK(sum(1000, 4).sent == Bytes(1500));
    CHECK(sum(1000, 4).steps == 6);
    CHECK(sum(1001, 4).sent == Bytes(6 * 251));  // the largest part
    CHECK(sum(1000, 1).sent == Bytes(0));
    const RingExchange gather = ring_exchange(Collective::all_gather, Bytes(1000), 4);
    CHECK(gather.sent == Bytes(750));
    CHECK(gather.steps == 3);
}

TEST_CASE("An all-reduce is exposed: it takes its bytes over the bandwidth and its steps") {
    const Network part = part_of_block();
    const double one_mib = 1 << 20;
    const Round fast = round_of(part, pair_with("450 GB/s", "0 us"));
    const Round slow = round_of(part, pair_with("45 GB/s", "0 us"));
    const Round late = round_of(part, pair_with("450 GB/s", "10 us"));
    // Two cards: each sends half of 1 MiB, twice, in two steps.
    CHECK(slow.seconds - fast.seconds == Approx(one_mib / 45e9 - one_mib / 450e9).epsilon(1e-3));
    CHECK(late.seconds - fast.seconds == Approx(2 * 10e-6).epsilon(1e-3));
    CHECK(fast.counts.at({"nvlink", Action::transfer}) == 1 << 20);
    CHECK(fast.counts.at({"l2", Action::read}) == 1 << 20);
    CHECK(fast.counts.at({"l2", Action::write}) == 1 << 20);
}

}  // namespace memwall
