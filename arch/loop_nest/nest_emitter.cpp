// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_emitter.hpp"

#include <algorithm>
#include <cmath>

#include "arch/loop_nest/layer_emitter.hpp"
#include "arch/loop_nest/zero_words.hpp"
#include "base/error.hpp"

namespace memwall {

std::size_t epilogue_level(const IterationSpace& space, const LoopNest& nest,
                           const NestMachine& machine) {
    const std::size_t outputs = space.operands.size() - 1;
    const std::size_t last = std::max<std::size_t>(innermost_moved(space, nest, machine), 1);
    for (std::size_t l = 1; l <= last; ++l) {
        if (nest.levels[l].keeps[outputs]) {
            return machine.memories[l].instances == 1 ? l : 0;
        }
    }
    return 0;
}

std::int64_t Flow::outer_bytes(std::int64_t words) const {
    const std::int64_t plain = stored_bytes(words, precision).count();
    return stored < 1 ? std::llround(std::ceil(static_cast<double>(plain) * stored)) : plain;
}

NestEmitter::NestEmitter(const Network& network, const NestHierarchy& hierarchy,
                         const Machine& machine, const std::vector<MappedNest>& nests,
                         const MapperOptions& options, Tells tells)
    : network_(network),
      hierarchy_(hierarchy),
      machine_(machine),
      nests_(nests),
      options_(options),
      tells_(tells),
      builder_(machine),
      address_(network.tensors().size()) {
    array_unit_ = builder_.unit("array", hierarchy.array());
    if (hierarchy.vector().valid()) {
        vector_unit_ = builder_.unit("vector", hierarchy.vector());
    }
}

Program NestEmitter::run() {
    place();
    for (const MappedNest& nest : nests_) {
        done_.push_back(builder_.token("layer '" + network_.layer(nest.root).name + "' done"));
    }
    for (std::size_t n = 0; n < nests_.size(); ++n) {
        throw_if_cancelled(options_);
        LayerEmitter(*this, n).run();
    }
    std::vector<LayerPromise> promises;
    for (const Layer& layer : network_.layers()) {
        promises.push_back({layer.macs() / network_.batch(), false});
    }
    for (const MappedNest& nest : nests_) {
        const auto precision_of = [&](LayerId id) {
            return network_.layer(id).space.outputs().precision;
        };
        const Layer& root = network_.layer(nest.root);
        const bool coded =
            stored(network_.layer(nest.last()).outputs.front()) < 1 ||
            std::any_of(root.space.operands.begin(), root.space.operands.end(),
                        [&](const Operand& operand) {
                            return operand.role == TensorRole::inputs && stored(operand.tensor) < 1;
                        });
        // A bound counts words as they are, not as a code has them.
        promises[nest.root.position()].bound_applies =
            bits(precision_of(nest.last())) >= bits(precision_of(nest.root)) && !coded &&
            !nest.machine.has_resident();
    }
    return builder_.finish(std::move(promises), options_.rounds, network_.batch());
}

/// MODEL: every tensor has a place of its own in the dram, and partial sums that go there one for
/// all layers.
void NestEmitter::place() {
    const auto& dram =
        std::get<DramConfig>(machine_.component(hierarchy_.levels().front().memory).config);
    Allocator allocator(dram.capacity, dram.row);
    std::vector<bool> placed(network_.tensors().size(), false);
    std::int64_t sums = 0;
    std::vector<std::int64_t> held(hierarchy_.levels().size(), 0);
    for (const MappedNest& nest : nests_) {
        const Layer& root = network_.layer(nest.root);
        std::vector<TensorId> tensors = {network_.layer(nest.last()).outputs.front()};
        for (const Operand& operand : root.space.operands) {
            if (operand.role != TensorRole::outputs) {
                tensors.push_back(operand.tensor);
            }
        }
        for (const TensorId tensor : tensors) {
            TensorId stored = network_.storage(tensor);
            if (network_.tensor(stored).in_place_of.valid()) {
                stored = network_.storage(network_.tensor(stored).in_place_of);
            }
            if (!placed[stored.position()]) {
                placed[stored.position()] = true;
                address_[stored.position()] =
                    allocator.allocate(network_.tensor(stored).name, network_.tensor_bytes(stored));
            }
            address_[network_.storage(tensor).position()] = address_[stored.position()];
        }
        const std::size_t outputs = root.space.operands.size() - 1;
        if (nest.counts.boundary(outputs, 0).partials() > 0) {
            const std::int64_t words =
                touched_words(root.space.outputs().projection, root.space.box());
            sums = std::max(sums, stored_bytes(words, root.precision.accumulator).count());
        }
        for (std::size_t l = 1; l < held.size(); ++l) {
            held[l] = std::max(held[l], nest.counts.bytes[l]);
        }
    }
    if (sums > 0) {
        sums_address_ = allocator.allocate("partial sums", Bytes(sums));
    }
    if (allocator.missing().count() > 0) {
        throw InputError({Diagnostic{
            machine_.component(memory(0)).capacity_where,
            "network '" + network_.name() + "' does not fit the dram of machine '" +
                machine_.name() + "': " + format_bytes(allocator.missing()) + " are missing"}});
    }
    builder_.hold(memory(0), allocator.used());
    for (std::size_t l = 1; l < held.size(); ++l) {
        builder_.hold(memory(l), Bytes(held[l]) * machine_.component(memory(l)).instances);
    }
}

NestEmitter::Worker& NestEmitter::worker(const std::string& name, ComponentId component) {
    const auto found = workers_.find(name);
    if (found != workers_.end()) {
        return found->second;
    }
    // Later stages of the pipeline go first: they free what earlier ones wait for.
    const int priority = -static_cast<int>(workers_.size());
    Worker made{builder_.agent(name, priority), UnitId()};
    if (component == hierarchy_.array()) {
        made.unit = array_unit_;
    } else if (component == hierarchy_.vector()) {
        made.unit = vector_unit_;
    } else {
        made.unit = builder_.unit(name, component);
    }
    return workers_.emplace(name, made).first->second;
}

double NestEmitter::stored(TensorId tensor) const {
    return stored_share(network_, machine_, hierarchy_.dma(), tensor);
}

ComponentId NestEmitter::mover(std::size_t parent, std::size_t child) const {
    if (parent == 0) {
        return hierarchy_.dma().valid() ? hierarchy_.dma() : memory(0);
    }
    const std::vector<ComponentId>& buses = hierarchy_.buses_between(parent, child);
    return buses.empty() ? memory(parent) : buses.front();
}

void NestEmitter::count(StepBody& body, LayerId layer, const Flow& flow) {
    if (tells_ == Tells::times) {
        return;
    }
    const auto bytes = [&](std::int64_t words) {
        return stored_bytes(words, flow.precision).count();
    };
    const auto add = [&](ComponentId component, Action action, std::int64_t words) {
        builder_.count(body, layer, component, action, flow.role, flow.precision, bytes(words));
    };
    const std::size_t levels = hierarchy_.levels().size();
    const auto at_parent = [&](Action action, std::int64_t words) {
        builder_.count(body, layer, memory(flow.parent), action, flow.role, flow.precision,
                       flow.parent == 0 ? flow.outer_bytes(words) : bytes(words));
    };
    at_parent(Action::read, flow.down);
    at_parent(Action::write, flow.up);
    if (flow.child < levels) {
        add(memory(flow.child), Action::write, flow.arrive);
        add(memory(flow.child), Action::read, flow.leave);
    }
    for (const ComponentId bus : hierarchy_.buses_between(flow.parent, flow.child)) {
        add(bus, Action::transfer, flow.down + flow.up);
        add(bus, Action::hop, std::max<std::int64_t>(0, flow.arrive - flow.down));
    }
    builder_.count(body, layer, hierarchy_.array(), Action::accumulate, TensorRole::partial_sums,
                   flow.precision, flow.added);
}

StepBody NestEmitter::move(LayerId layer, const std::vector<Flow>& flows, UnitId unit) {
    const Flow& first = flows.front();
    const ComponentId parent = memory(first.parent);
    const ComponentId child = memory(std::min(first.child, hierarchy_.levels().size() - 1));
    const auto bytes = [&](std::int64_t Flow::*words) {
        Bytes sum(0);
        for (const Flow& flow : flows) {
            sum += stored_bytes(flow.*words, flow.precision);
        }
        return sum;
    };
    Bytes arrives_above(0);
    for (const Flow& flow : flows) {
        arrives_above += flow.parent == 0 ? Bytes(flow.outer_bytes(flow.up))
                                          : stored_bytes(flow.up, flow.precision);
    }
    const bool downwards = bytes(&Flow::up) == Bytes(0);
    Move move = downwards ? move_between(machine_, parent, child, bytes(&Flow::arrive))
                          : move_between(machine_, child, parent, arrives_above);
    const auto use = [&](LinkId link, Bytes of) {
        if (link.valid() && of.count() > 0) {
            move.links.push_back({link, of});
        }
    };
    for (const ComponentId bus : hierarchy_.buses_between(first.parent, first.child)) {
        use(machine_.medium(bus), bytes(downwards ? &Flow::down : &Flow::up));
        move.latency += std::get<BusConfig>(machine_.component(bus).config).latency;
    }
    if (first.parent > 0) {
        use(downwards ? machine_.read_port(parent) : machine_.write_port(parent),
            bytes(downwards ? &Flow::down : &Flow::up));
    }
    use(downwards ? machine_.write_port(child) : machine_.read_port(child),
        bytes(downwards ? &Flow::arrive : &Flow::leave));
    StepBody body;
    body.unit = unit;
    body.what = std::move(move);
    for (const Flow& flow : flows) {
        count(body, layer, flow);
    }
    return body;
}

}  // namespace memwall
