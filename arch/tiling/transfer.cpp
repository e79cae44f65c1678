// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/transfer.hpp"

#include <algorithm>
#include <array>

#include "arch/dram_access.hpp"
#include "arch/mapper.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Of a move: out of a memory, over the bus, into a memory.
constexpr std::size_t kMostLinks = 3;

}  // namespace

Transfers::Transfers(const Network& network, const Hierarchy& hierarchy, ProgramBuilder& builder,
                     bool addresses)
    : network_(network),
      machine_(builder.machine()),
      hierarchy_(hierarchy),
      builder_(builder),
      addresses_(addresses),
      address_(network.tensors().size()),
      dram_(hierarchy.dram_config->capacity, hierarchy.dram_config->row) {}

void Transfers::place_in_dram(const std::vector<TensorId>& tensors) {
    const auto target = [&](TensorId tensor) { return network_.tensor(tensor).in_place_of; };
    for (const TensorId tensor : tensors) {
        if (!target(tensor).valid()) {
            address_[tensor.position()] =
                dram_.allocate(network_.tensor(tensor).name, network_.tensor_bytes(tensor));
        }
    }
    for (const TensorId tensor : tensors) {
        if (target(tensor).valid()) {
            address_[tensor.position()] = address_[target(tensor).position()];
        }
    }
}

Bytes Transfers::place_in_dram(const std::vector<TensorId>& tensors,
                               const std::vector<Lifetime>& lifetimes) {
    const SharedSpace space = share_space(lifetimes, hierarchy_.dram_config->row);
    const std::int64_t begin = dram_.allocate("activations", space.size);
    for (std::size_t t = 0; t < tensors.size(); ++t) {
        address_[tensors[t].position()] = begin + space.offsets[t];
    }
    return space.size;
}

void Transfers::check_fits() const {
    if (dram_.missing().count() > 0) {
        throw DoesNotFit({Diagnostic{machine_.component(hierarchy_.dram).capacity_where,
                                     "network '" + network_.name() +
                                         "' does not fit the dram of machine '" + machine_.name() +
                                         "': " + format_bytes(dram_.missing()) + " are missing"}});
    }
}

DramAccess Transfers::access(const Cargo& cargo) const {
    return tensor_access(network_,
                         {cargo.tensor, cargo.region, cargo.bytes, cargo.precision, cargo.drawn},
                         address_[network_.storage(cargo.tensor).position()]);
}

DramAccess Transfers::dram_access(const Cargo& cargo, bool write) const {
    DramAccess access = this->access(cargo);
    access.dram = hierarchy_.dram_id;
    access.address = addresses_ ? access.address : 0;
    access.write = write;
    return access;
}

void Transfers::add_link(Move& move, LinkId link, Bytes bytes) const {
    if (link.valid() && bytes.count() > 0) {
        if (move.links.empty()) {
            move.links.reserve(kMostLinks);
        }
        move.links.push_back({link, bytes});
    }
}

void Transfers::count(StepBody& body, const Cargo& cargo, ComponentId component, Action action,
                      Bytes bytes) const {
    builder_.count(body, cargo.layer, component, action, cargo.role, cargo.precision,
                   bytes.count());
}

/// Between the buffer and the cores, where there is a bus.
void Transfers::cross_bus(Move& move, StepBody& body, const Cargo& cargo) const {
    if (hierarchy_.bus.valid()) {
        add_link(move, machine_.medium(hierarchy_.bus), cargo.bytes);
        count(body, cargo, hierarchy_.bus, Action::transfer, cargo.bytes);
    }
}

StepBody Transfers::fetch(const Cargo& cargo, UnitId unit) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, hierarchy_.dram, hierarchy_.buffer, cargo.bytes);
    if (cargo.bytes.count() > 0) {  // else all of it is padding
        move.dram.push_back(dram_access(cargo, false));
        move.pattern = cargo.drawn > 0           ? MovePattern::gather
                       : move.dram[0].pieces > 1 ? MovePattern::strided
                                                 : MovePattern::dense;
    }
    add_link(move, machine_.write_port(hierarchy_.buffer), cargo.bytes);
    count(body, cargo, hierarchy_.dram, Action::read, cargo.bytes);
    count(body, cargo, hierarchy_.buffer, Action::write, cargo.bytes);
    body.what = std::move(move);
    return body;
}

StepBody Transfers::store(const Cargo& cargo, UnitId unit) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, hierarchy_.buffer, hierarchy_.dram, cargo.bytes);
    if (cargo.bytes.count() > 0) {  // else all of it is padding
        move.dram.push_back(dram_access(cargo, true));
        move.pattern = move.dram[0].pieces > 1 ? MovePattern::strided : MovePattern::dense;
    }
    add_link(move, machine_.read_port(hierarchy_.buffer), cargo.bytes);
    count(body, cargo, hierarchy_.buffer, Action::read, cargo.bytes);
    count(body, cargo, hierarchy_.dram, Action::write, cargo.bytes);
    body.what = std::move(move);
    return body;
}

// MODEL: the bus carries a word once, however many cores take it; its wire to the nearest core is
// `length`, and `pitch` more for each further one.
StepBody Transfers::feed(const Cargo& cargo, Bytes delivered, UnitId unit) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, hierarchy_.buffer, hierarchy_.operands, delivered);
    move.latency += hierarchy_.feed_latency();
    add_link(move, machine_.read_port(hierarchy_.buffer), cargo.bytes);
    count(body, cargo, hierarchy_.buffer, Action::read, cargo.bytes);
    cross_bus(move, body, cargo);
    if (hierarchy_.bus.valid() && delivered > cargo.bytes) {
        count(body, cargo, hierarchy_.bus, Action::hop, delivered - cargo.bytes);
    }
    add_link(move, machine_.write_port(hierarchy_.operands), delivered);
    count(body, cargo, hierarchy_.operands, Action::write, delivered);
    body.what = std::move(move);
    return body;
}

StepBody Transfers::drain(const Cargo& cargo, Bytes sums_read, Precision accumulator,
                          UnitId unit) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, hierarchy_.operands, hierarchy_.buffer, cargo.bytes);
    move.latency += hierarchy_.feed_latency();
    builder_.count(body, cargo.layer, hierarchy_.accumulators, Action::read,
                   TensorRole::partial_sums, accumulator, sums_read.count());
    cross_bus(move, body, cargo);
    add_link(move, machine_.write_port(hierarchy_.buffer), cargo.bytes);
    count(body, cargo, hierarchy_.buffer, Action::write, cargo.bytes);
    body.what = std::move(move);
    return body;
}

StepBody Transfers::reduce(const Cargo& cargo, std::int64_t additions, UnitId unit) const {
    StepBody body;
    body.unit = unit;
    const ComponentId sums =
        hierarchy_.accumulators.valid() ? hierarchy_.accumulators : hierarchy_.operands;
    Move move = move_between(machine_, sums, sums, cargo.bytes);
    move.combine = Combine::sum;
    move.mode = MoveMode::accumulate;
    move.latency += hierarchy_.feed_latency();
    count(body, cargo, hierarchy_.accumulators, Action::read, cargo.bytes * 2);
    count(body, cargo, hierarchy_.accumulators, Action::write, cargo.bytes);
    cross_bus(move, body, cargo);
    builder_.count(body, cargo.layer, hierarchy_.array, Action::accumulate,
                   TensorRole::partial_sums, cargo.precision, additions);
    body.what = std::move(move);
    return body;
}

Cycles Transfers::host_latency() const {
    const auto& link = std::get<LinkConfig>(machine_.component(hierarchy_.host).config);
    const ClockId clock = machine_.component(hierarchy_.host).clock;
    return machine_.clock(clock).edge_at_or_after(link.latency);
}

StepBody Transfers::receive(const Cargo& cargo, ComponentId memory, UnitId unit) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, hierarchy_.host, memory, cargo.bytes);
    move.latency += host_latency();
    add_link(move, machine_.inbound(hierarchy_.host), cargo.bytes);
    count(body, cargo, hierarchy_.host, Action::transfer, cargo.bytes);
    if (memory == hierarchy_.dram) {
        move.dram.push_back(dram_access(cargo, true));
    } else {
        add_link(move, machine_.write_port(memory), cargo.bytes);
    }
    count(body, cargo, memory, Action::write, cargo.bytes);
    body.what = std::move(move);
    return body;
}

StepBody Transfers::send(const Cargo& cargo, ComponentId memory, UnitId unit) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, memory, hierarchy_.host, cargo.bytes);
    move.latency += host_latency();
    if (memory == hierarchy_.dram) {
        move.dram.push_back(dram_access(cargo, false));
    } else {
        add_link(move, machine_.read_port(memory), cargo.bytes);
    }
    count(body, cargo, memory, Action::read, cargo.bytes);
    add_link(move, machine_.outbound(hierarchy_.host), cargo.bytes);
    count(body, cargo, hierarchy_.host, Action::transfer, cargo.bytes);
    body.what = std::move(move);
    return body;
}

}  // namespace memwall
