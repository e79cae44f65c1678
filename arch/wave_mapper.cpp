// SPDX-License-Identifier: Apache-2.0
#include "arch/wave_mapper.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/estimate.hpp"
#include "arch/machine_needs.hpp"
#include "arch/network_bound.hpp"
#include "arch/outcome_figures.hpp"
#include "arch/wave/emitter.hpp"
#include "arch/wave/given_blocks.hpp"
#include "arch/wave/kernel_text.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

Hierarchy gpu_of(const Machine& machine) {
    Hierarchy gpu(machine, ComponentKind::cache, kWaveMapper);
    if (const auto& cards = machine.parts().cards) {
        MachineNeeds needs(machine, kWaveMapper);
        needs.connection(machine.find(cards->link), gpu.buffer);
        needs.throw_if_any();
    }
    return gpu;
}

/// From a core to the DRAM and back: through the bus and the cache, then the DRAM itself.
DramView dram_view(const Hierarchy& gpu, const ClockDomain& clock) {
    const Cycles dram = clock.edge_at_or_after(gpu.dram_config->read_latency());
    return {static_cast<double>((gpu.feed_latency() + dram).count()),
            gpu.dram_config->peak().count() / static_cast<double>(clock.frequency().count())};
}

BlockAim aim_at(MappingObjective objective, const Machine& machine, const Hierarchy& gpu,
                const ClockDomain& clock) {
    const auto joules = [&](ComponentId id, Action action) {
        return id.valid() ? machine.energy_of(id, action, Precision::int8).value : 0;
    };
    BlockAim aim;
    aim.objective = objective;
    aim.share = joules(gpu.buffer, Action::read) + joules(gpu.bus, Action::transfer);
    aim.feed = aim.share + joules(gpu.operands, Action::write);
    aim.fetch = joules(gpu.dram, Action::read) + joules(gpu.buffer, Action::write);
    aim.per_cycle =
        machine.standing_power().count() / static_cast<double>(clock.frequency().count());
    return aim;
}

/// Of a plan's round after the first, where there is one.
OutcomeFigures measured(const Network& network, const Machine& machine, const Hierarchy& gpu,
                        const WavePlan& plan, const MapperOptions& asked) {
    MapperOptions options;
    options.rounds = std::min<std::int64_t>(asked.rounds, 2);
    options.repetition = true;
    options.cancelled = asked.cancelled;
    const Program program = WaveEmitter(network, machine, gpu, plan, options).run();
    return figures_of(program, machine,
                      estimate(program, machine, Window{options.rounds - 1}, {}, asked.cancelled),
                      gpu.dram);
}

/// Blocks by the objective. What the blocks of one product are best by says nothing of what lies in
/// the cache for others: the plans of all objectives are compared by the analytic engine. For
/// latency that is left to `thorough`.
class WaveChooser {
public:
    WaveChooser(const Network& network, const Machine& machine, const Hierarchy& gpu,
                const ClockDomain& clock, const std::map<LayerId, GivenBlock>& given,
                const MapperOptions& options)
        : network_(network),
          machine_(machine),
          gpu_(gpu),
          clock_(clock),
          given_(given),
          options_(options) {}

    WavePlan run() {
        const MappingObjective asked = options_.objective;
        if (options_.one_plan || !compares_wave_plans(asked, options_.effort)) {
            add_plans(asked);
        } else {
            for (const MappingObjective objective : kWavePlans) {
                add_plans(objective);
            }
        }
        return plans_.size() == 1 ? std::move(plans_.front()) : best();
    }

private:
    // MODEL: where energy counts, plans are made without the elementwise lanes too: they are the
    // faster ones where they are used, but a multiply-accumulate takes more there.
    void add_plans(MappingObjective objective) {
        BlockAim aim = aim_at(objective, machine_, gpu_, clock_);
        aim.blocks = &given_;
        add(aim);
        aim.lanes =
            objective == MappingObjective::latency || objective == MappingObjective::traffic;
        const std::vector<Kernel>& kernels = plans_.back().kernels;
        if (!aim.lanes && std::any_of(kernels.begin(), kernels.end(), multiplies_on_lanes)) {
            add(aim);
        }
    }

    void add(const BlockAim& aim) {
        throw_if_cancelled(options_);
        plans_.push_back(plan_waves(network_, gpu_, dram_view(gpu_, clock_), aim));
    }

    WavePlan best() {
        std::size_t best = 0;
        std::pair<double, double> least;
        for (std::size_t p = 0; p < plans_.size(); ++p) {
            throw_if_cancelled(options_);
            const OutcomeFigures figures = measured(network_, machine_, gpu_, plans_[p], options_);
            const MappingObjective asked = options_.objective;
            const std::pair<double, double> costs = {figures.of(asked), figures.second(asked)};
            if (p == 0 || costs < least) {
                least = costs;
                best = p;
            }
        }
        return std::move(plans_[best]);
    }

    const Network& network_;
    const Machine& machine_;
    const Hierarchy& gpu_;
    const ClockDomain& clock_;
    const std::map<LayerId, GivenBlock>& given_;
    const MapperOptions& options_;
    std::vector<WavePlan> plans_;
};

/// Throws DoesNotFit with the memories of a core that have no room for the smallest block of a
/// product.
void check_room(const Network& network, const Machine& machine, const Hierarchy& gpu) {
    struct Need {
        Bytes bytes;
        std::string layer;
    };
    std::map<ComponentId, Need> needs;
    const auto need = [&](ComponentId memory, Bytes bytes, const Layer& layer) {
        if (memory.valid() && bytes > needs[memory].bytes) {
            needs[memory] = {bytes, layer.name};
        }
    };
    for (const Layer& layer : network.layers()) {
        if (layer.macs() > 0) {
            const BlockRoom block = smallest_block(bits(layer.precision.accumulator));
            need(gpu.operands, block.shared_memory, layer);
            need(gpu.accumulators, block.registers, layer);
        }
    }
    std::vector<Diagnostic> faults;
    for (const auto& [id, needed] : needs) {
        const Component& memory = machine.component(id);
        const Bytes capacity = std::get<MemoryConfig>(memory.config).capacity;
        if (needed.bytes > capacity) {
            faults.push_back({memory.capacity_where,
                              "network '" + network.name() + "' does not fit machine '" +
                                  machine.name() + "': the smallest thread block of layer '" +
                                  needed.layer + "' needs " + format_bytes(needed.bytes) +
                                  " of component '" + memory.name + "', which has " +
                                  format_bytes(capacity)});
        }
    }
    if (!faults.empty()) {
        throw DoesNotFit(std::move(faults));
    }
}

double utilization(const Network& network, const Hierarchy& gpu, const WavePlan& plan,
                   const Kernel& kernel) {
    double cycles = 0;
    for (const std::size_t part : kernel.parts) {
        const Layer& layer = network.layer(plan.fused[part].root);
        if (layer.macs() > 0) {
            const ArrayShape* shape = array_shape(*gpu.array_config, layer.precision);
            cycles += static_cast<double>(layer.macs()) /
                      static_cast<double>(shape->macs_per_cycle() * gpu.cores);
        }
    }
    return kernel.core_cycles > 0 ? cycles / kernel.core_cycles : 0;
}

/// The bound of an attention's layer that shares a kernel is without the scores, which no memory
/// sees.
IoBound bound_without_scores(const Network& network, const WavePlan& plan, const Kernel& kernel,
                             const Layer& layer, IoBound bound) {
    for (const Operand& operand : layer.space.operands) {
        const TensorId stored = network.storage(operand.tensor);
        const bool is_private =
            std::any_of(kernel.parts.begin(), kernel.parts.end() - 1,
                        [&](std::size_t part) { return plan.fused[part].output == stored; });
        if (is_private) {
            bound.compulsory = bound.compulsory -
                               stored_bytes(touched_words(operand.projection, layer.space.box()),
                                            operand.precision);
        }
    }
    bound.segment = Bytes(0);
    return bound;
}

/// The bound of a layer whose lanes pass over zeros is what it touches without those.
IoBound bound_of(const Network& network, const Layer& layer, const Hierarchy& gpu, Bytes capacity) {
    IoBound bound = io_lower_bound(layer.space, capacity);
    if (skipped_zeros(network, layer, *gpu.array_config)) {
        const Operand& weights = *layer.space.find(TensorRole::weights);
        bound.compulsory =
            bound.compulsory + stored_operand(network, layer, weights, *gpu.array_config) -
            stored_bytes(touched_words(weights.projection, layer.space.box()), weights.precision);
        bound.segment = Bytes(0);
    }
    return bound;
}

}  // namespace

bool compares_wave_plans(MappingObjective asked, Effort effort) {
    return asked != MappingObjective::latency || effort == Effort::thorough;
}

void WaveMapper::check(const Machine& machine) const {
    gpu_of(machine);
}

void WaveMapper::check_layers(const Network& network, const Machine& machine) const {
    memwall::check_layers(network, machine, bare_cores(gpu_of(machine)));
}

Mapping WaveMapper::map(const Network& network, const Machine& machine,
                        const MapperOptions& options) const {
    const Hierarchy gpu = gpu_of(machine);
    const ClockDomain& clock = machine.clock(machine.component(gpu.array).clock);
    check_room(network, machine, gpu);
    std::map<LayerId, GivenBlock> given;
    if (options.given) {
        given = read_given_blocks(*options.given, network, machine, gpu);
    }
    const WavePlan plan = WaveChooser(network, machine, gpu, clock, given, options).run();
    Mapping mapping;
    mapping.sub_batch = network.batch();
    mapping.outermost = gpu.dram;
    mapping.program = WaveEmitter(network, machine, gpu, plan, options).run();
    mapping.layers.resize(network.layers().size());
    const Bytes capacity = on_chip_capacity(gpu);
    for (std::size_t l = 0; l < mapping.layers.size(); ++l) {
        LayerMapping& layer = mapping.layers[l];
        layer.layer = LayerId(l);
        layer.bound = bound_of(network, network.layer(layer.layer), gpu, capacity);
    }
    for (const Kernel& kernel : plan.kernels) {
        const LayerId first_root = plan.fused[kernel.parts.front()].root;
        const Layer& first = network.layer(first_root);
        for (const std::size_t part : kernel.parts) {
            const FusedLayer& fused = plan.fused[part];
            LayerMapping& layer = mapping.layers[fused.root.position()];
            const bool leads = part == kernel.parts.front();
            layer.summary = leads ? kernel.summary : "in the kernel of " + first.name;
            layer.fused = !leads;
            layer.search = given.count(fused.root) > 0 ? "given by hand" : "";
            layer.within = leads ? LayerId() : first_root;
            layer.loops =
                leads && options.loops ? kernel_code(network, machine, gpu, plan, kernel) : "";
            if (kernel.parts.size() > 1) {
                layer.bound = bound_without_scores(network, plan, kernel, network.layer(fused.root),
                                                   layer.bound);
            }
            layer.skips_zeros =
                skipped_zeros(network, network.layer(fused.root), *gpu.array_config).has_value();
            layer.utilization = utilization(network, gpu, plan, kernel);
            for (const LayerId epilogue : fused.epilogues) {
                mapping.layers[epilogue.position()].fused = true;
                mapping.layers[epilogue.position()].within = first_root;
                mapping.layers[epilogue.position()].summary =
                    "on the way out of " + network.layer(fused.root).name;
            }
        }
    }
    mapping.network_bound =
        network_bound(network, capacity, [&](const Layer& layer, const Operand& operand) {
            return stored_operand(network, layer, operand, *gpu.array_config);
        });
    return mapping;
}

}  // namespace memwall
