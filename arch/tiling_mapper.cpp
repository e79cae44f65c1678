// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling_mapper.hpp"

#include <algorithm>
#include <optional>

#include "arch/core_work.hpp"
#include "arch/estimate.hpp"
#include "arch/network_bound.hpp"
#include "arch/tiling/candidate_plans.hpp"
#include "arch/tiling/emit.hpp"
#include "base/error.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

Cores cores_of(const Hierarchy& hierarchy) {
    Cores cores;
    cores.array = hierarchy.array;
    cores.vector = hierarchy.vector;
    cores.operands = hierarchy.operands;
    cores.weights = hierarchy.operands;
    cores.accumulators = hierarchy.accumulators;
    cores.array_config = hierarchy.array_config;
    cores.vector_config = hierarchy.vector_config;
    cores.read_width = hierarchy.operands_config->read_width;
    return cores;
}

/// What runs through the machine together: the whole batch or an equal part of it.
struct Choice {
    Network network;
    NetworkPlan plan;
};

/// The time of a plan's two steady rounds as a program.
Picoseconds steady_time(const NetworkPlan& plan, const Network& network, const Machine& machine,
                        const Hierarchy& hierarchy, const Cores& cores) {
    MapperOptions options;
    options.rounds = 3;
    options.repetition = true;
    const Program program = emit_tiling(network, machine, hierarchy, cores, plan, options);
    const Outcome outcome = estimate(program, machine, Window{1});
    return outcome.window_end - outcome.window_start;
}

/// What a round takes at least: all inputs come over the link to the host, and all outputs go. The
/// few rounds of an estimate can seem shorter, where the first ones wait for more than the last.
Picoseconds host_time(const Network& network, const Machine& machine, const Hierarchy& hierarchy) {
    if (!hierarchy.host.valid()) {
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
    const auto& link = std::get<LinkConfig>(machine.component(hierarchy.host).config);
    const double seconds = static_cast<double>(std::max(in, out).count()) / link.bandwidth.count();
    return Picoseconds(static_cast<std::int64_t>(seconds * 1e12));
}

/// The plan that is fastest as a program; of those that are as fast, the one that moves least.
NetworkPlan fastest(std::vector<NetworkPlan> plans, const Network& network, const Machine& machine,
                    const Hierarchy& hierarchy, const Cores& cores) {
    if (plans.size() == 1) {
        return std::move(plans.front());
    }
    const Picoseconds floor = host_time(network, machine, hierarchy) * 2;
    std::optional<Picoseconds> least;
    std::size_t best = 0;
    for (std::size_t p = 0; p < plans.size(); ++p) {
        try {
            const Picoseconds time =
                std::max(floor, steady_time(plans[p], network, machine, hierarchy, cores));
            if (!least || time < *least) {
                least = time;
                best = p;
            }
        } catch (const InputError&) {  // more goes through the DRAM than it holds
            if (p == 0) {
                throw;
            }
        }
    }
    return std::move(plans[best]);
}

/// A refusal for want of room, told where the file says how much there is.
DoesNotFit at_capacity(const InputError& refusal, const Component& memory) {
    std::vector<Diagnostic> faults = refusal.faults();
    for (Diagnostic& fault : faults) {
        fault.where = fault.where.line > 0 ? fault.where : memory.capacity_where;
    }
    DoesNotFit placed(std::move(faults));
    return placed;
}

Choice choose(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
              const ClockDomain& clock, const Cores& cores, Effort effort,
              const MapperOptions& asked) {
    struct Candidates {
        Network network;
        std::vector<NetworkPlan> plans;
    };
    std::optional<Candidates> best;
    std::optional<InputError> refusal;
    for (std::int64_t items = network.batch(); items >= 1; --items) {
        throw_if_cancelled(asked);
        // All users have their state; gradients are those of the whole batch.
        const bool together = network.state_bytes().count() > 0 || network.trains();
        if (network.batch() % items != 0 || (together && items < network.batch())) {
            continue;
        }
        Network part = with_batch(network, items);
        try {
            std::vector<NetworkPlan> plans = candidate_plans(part, hierarchy, clock, cores, effort);
            if (!best ||
                plans.front().cycles_per_item < best->plans.front().cycles_per_item * (1 - 1e-9)) {
                best = Candidates{std::move(part), std::move(plans)};
            }
        } catch (const InputError& error) {
            refusal = error;
        }
    }
    if (!best) {
        throw at_capacity(*refusal, machine.component(hierarchy.buffer));
    }
    NetworkPlan plan = fastest(std::move(best->plans), best->network, machine, hierarchy, cores);
    return {std::move(best->network), std::move(plan)};
}

/// More effort tries all that less does, so it is never slower.
Choice choose_with_effort(const Network& network, const Machine& machine,
                          const Hierarchy& hierarchy, const ClockDomain& clock, const Cores& cores,
                          const MapperOptions& options) {
    Choice best = choose(network, machine, hierarchy, clock, cores, options.effort, options);
    if (options.effort == Effort::thorough) {
        Choice less = choose(network, machine, hierarchy, clock, cores, Effort::normal, options);
        const auto seconds_per_item = [&](const Choice& choice) {
            const Picoseconds time =
                steady_time(choice.plan, choice.network, machine, hierarchy, cores);
            return to_seconds(time).count() / static_cast<double>(choice.network.batch());
        };
        if (seconds_per_item(less) < seconds_per_item(best) * (1 - 1e-9)) {
            best = std::move(less);
        }
    }
    return best;
}

/// "64 k x 4 c x 2 p on 128 cores" of a split.
std::string text(const Extents& whole, const Extents& tile) {
    std::string parts;
    for (const Dim dim : all_dims()) {
        const std::int64_t pieces = ceil_divide(whole[index(dim)], tile[index(dim)]);
        if (pieces > 1) {
            parts += (parts.empty() ? "" : " x ") + std::to_string(pieces) + " " + name(dim);
        }
    }
    return parts.empty() ? "whole" : parts;
}

std::string summary(const Network& network, const NetworkPlan& whole, std::size_t f) {
    const FusedLayer& fused = whole.fused[f];
    const LayerTiling& plan = whole.layers[f];
    const Layer& root = network.layer(fused.root);
    std::string line = "tiles " + text(root.space.extents, plan.tile) + ", passes " +
                       text(plan.tile, plan.passes.pass) + ", cores " +
                       text(plan.passes.pass, plan.passes.core);
    if (fused.weights.valid()) {
        line += plan.weights_resident ? ", weights resident" : ", weights from dram";
    }
    const Stack* stack = whole.stack_of(f);
    const bool handed_on = stack != nullptr && f + 1 < stack->end;
    line += handed_on                             ? ", outputs handed on"
            : whole.kept[fused.output.position()] ? ", outputs kept"
                                                  : ", outputs to dram";
    if (stack != nullptr) {
        line += ", depth first with " + std::to_string(stack->layers() - 1) + " more";
    }
    return line;
}

double utilization(const Network& network, const Cores& cores, std::int64_t count,
                   const FusedLayer& fused, const LayerTiling& plan) {
    const Layer& root = network.layer(fused.root);
    if (root.macs() == 0) {
        return 0;
    }
    const ArrayShape* shape = array_shape(*cores.array_config, root.precision);
    return static_cast<double>(root.macs()) /
           (plan.core_cycles * static_cast<double>(shape->macs_per_cycle() * count));
}

}  // namespace

void TilingMapper::check(const Machine& machine) const {
    const Hierarchy parts(machine);
}

void TilingMapper::check_layers(const Network& network, const Machine& machine) const {
    memwall::check_layers(network, machine, cores_of(Hierarchy(machine)));
}

Mapping TilingMapper::map(const Network& network, const Machine& machine,
                          const MapperOptions& options) const {
    const Hierarchy hierarchy(machine);
    const Cores cores = cores_of(hierarchy);
    const ClockDomain& clock = machine.clock(machine.component(hierarchy.array).clock);
    const Choice choice = choose_with_effort(network, machine, hierarchy, clock, cores, options);
    Mapping mapping;
    mapping.sub_batch = choice.network.batch();
    mapping.outermost = hierarchy.dram;
    MapperOptions of_part = options;
    of_part.rounds = checked_multiply(options.rounds, network.batch() / mapping.sub_batch);
    mapping.program = emit_tiling(choice.network, machine, hierarchy, cores, choice.plan, of_part);
    mapping.layers.resize(network.layers().size());
    const Bytes capacity = on_chip_capacity(hierarchy);
    for (std::size_t l = 0; l < mapping.layers.size(); ++l) {
        LayerMapping& layer = mapping.layers[l];
        layer.layer = LayerId(l);
        layer.bound = io_lower_bound(choice.network.layer(layer.layer).space, capacity);
        layer.bound_applies = mapping.program.layers[l].bound_applies;
    }
    for (std::size_t f = 0; f < choice.plan.fused.size(); ++f) {
        const FusedLayer& fused = choice.plan.fused[f];
        LayerMapping& layer = mapping.layers[fused.root.position()];
        layer.summary = summary(choice.network, choice.plan, f);
        layer.utilization =
            utilization(choice.network, cores, hierarchy.cores, fused, choice.plan.layers[f]);
        for (const LayerId epilogue : fused.epilogues) {
            mapping.layers[epilogue.position()].fused = true;
            mapping.layers[epilogue.position()].summary =
                "on the way out of " + choice.network.layer(fused.root).name;
        }
    }
    mapping.network_bound = network_bound(choice.network, capacity);
    return mapping;
}

}  // namespace memwall
