// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/plan_measure.hpp"

#include <algorithm>

#include "arch/estimate.hpp"
#include "arch/tiling/emit.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kSteadyRounds = 2;

}  // namespace

OutcomeFigures PlanMeasure::operator()(const Network& network, const NetworkPlan& plan) const {
    return run(network, plan, {});
}

OutcomeFigures PlanMeasure::replayed(const Network& network, const NetworkPlan& plan) const {
    return run(network, plan, options_.replay);
}

OutcomeFigures PlanMeasure::run(const Network& network, const NetworkPlan& plan,
                                const Replayer& replay) const {
    const bool once = options_.rounds == 1;
    const std::int64_t rounds = once ? batch_ / network.batch() : kSteadyRounds;
    const std::int64_t warmup = once ? 0 : 1;
    MapperOptions options;
    options.rounds = warmup + rounds;
    options.repetition = !replay;
    options.cancelled = options_.cancelled;
    const Program program = emit_tiling(network, machine_, hierarchy_, cores_, plan, options);
    const Window window{warmup};
    const Outcome outcome = replay ? replay(program, machine_, window)
                                   : estimate(program, machine_, window, {}, options_.cancelled);
    const auto items = static_cast<double>(rounds * network.batch());
    const Picoseconds least = host_time(network) * rounds;
    return figures_of(program, machine_, outcome, hierarchy_.dram,
                      once ? least : counted_time(network, outcome, least)) *
           (1 / items);
}

/// What as many rounds take on average where those that are asked for begin at a standing start;
/// where they do not, what they take, or `least`.
Picoseconds PlanMeasure::counted_time(const Network& network, const Outcome& outcome,
                                      Picoseconds least) const {
    const Picoseconds steady = std::max(outcome.window_end - outcome.window_start, least);
    if (options_.warmup > 0) {
        return steady;
    }
    const std::int64_t rounds = options_.rounds * batch_ / network.batch();  // a whole number
    const auto all = static_cast<double>(rounds);
    const double first = static_cast<double>(outcome.window_start.count()) * kSteadyRounds;
    const double later = static_cast<double>(steady.count()) * (all - 1);
    return Picoseconds(static_cast<std::int64_t>((first + later) / all));
}

/// What a round takes at least: all inputs come over the link to the host, and all outputs go.
/// The few rounds of an estimate can seem shorter, where the first ones wait for more than the
/// last.
Picoseconds PlanMeasure::host_time(const Network& network) const {
    if (!hierarchy_.host.valid()) {
        return Picoseconds(0);
    }
    Bytes in;
    Bytes out;
    const std::vector<bool> leaves = network.output_storage();
    for (std::size_t t = 0; t < network.tensors().size(); ++t) {
        const TensorId id(t);
        in += network.tensor(id).kind == TensorKind::input ? network.tensor_bytes(id) : Bytes(0);
        out += leaves[t] ? network.tensor_bytes(id) : Bytes(0);
    }
    const auto& link = std::get<LinkConfig>(machine_.component(hierarchy_.host).config);
    const double seconds = static_cast<double>(std::max(in, out).count()) / link.bandwidth.count();
    return Picoseconds(static_cast<std::int64_t>(seconds * 1e12));
}

}  // namespace memwall
