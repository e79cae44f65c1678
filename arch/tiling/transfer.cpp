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
                     bool addresses, ScheduledCache* cache)
    : network_(network),
      machine_(builder.machine()),
      hierarchy_(hierarchy),
      builder_(builder),
      addresses_(addresses),
      cache_(cache),
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
    access.draw = addresses_ ? access.draw : 0;
    access.write = write;
    return access;
}

/// Of what goes between the cache and the DRAM: all of a region as it lies there; a part of it in
/// one run.
DramAccess Transfers::dram_access(const CacheSpill& spill, bool write) const {
    const Precision precision = network_.tensor(spill.tensor).precision;
    DramAccess access =
        tensor_access(network_, {spill.tensor, spill.region, spill.bytes, precision},
                      address_[spill.tensor.position()]);
    if (!spill.whole) {
        access = {hierarchy_.dram_id, access.address + spill.offset, spill.bytes};
    }
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

/// The memory that a transfer meets outside of the buffer.
ComponentId Transfers::outer(bool cached) const {
    return cached ? hierarchy_.cache : hierarchy_.dram;
}

// MODEL: rows that the data choose are other ones each time: they come past a tiled machine's cache
// and take no room in it.
ScheduledCache::Access Transfers::look_up(const Cargo& cargo, bool write) {
    if (cache_ == nullptr || cargo.drawn > 0) {
        return {};
    }
    return write ? cache_->write(cargo.tensor, cargo.region, cargo.role)
                 : cache_->read(cargo.tensor, cargo.region);
}

/// Gives a step its body, and another one in the first round where the cache is in another state.
template <class Make>
void Transfers::set_bodies(RoundStep& step, const Cargo& cargo, bool write, const Make& make) {
    const ScheduledCache::Access access = look_up(cargo, write);
    step.body = make(access.later);
    if (access.first != nullptr && !(*access.first == *access.later)) {
        StepBody first = make(access.first);
        step.first = FirstRound{std::move(first.what), std::move(first.actions)};
    }
}

/// What a DRAM reads of a part of a tensor.
// MODEL: of rows that data draw a DRAM reads whole bursts of each.
Bytes Transfers::bytes_read(const Cargo& cargo) const {
    return cargo.drawn > 0 ? least_served(access(cargo), hierarchy_.dram_config->burst)
                           : cargo.bytes;
}

/// What is read leaves the cache; what that has not comes through it from the DRAM.
void Transfers::read_outer(Move& move, StepBody& body, const Cargo& cargo,
                           const DramSide* side) const {
    if (side == nullptr) {
        if (cargo.bytes.count() > 0) {  // else all of it is padding
            move.dram.push_back(dram_access(cargo, false));
        }
        count(body, cargo, hierarchy_.dram, Action::read, bytes_read(cargo));
        return;
    }
    Bytes missed = cargo.bytes;
    if (!side->missed_from.empty() || side->missed.count() == 0) {
        missed = std::min(missed, side->missed);
        for (const CacheSpill& spill : side->missed_from) {
            move.dram.push_back(dram_access(spill, false));
        }
    } else if (cargo.bytes.count() > 0) {
        move.dram.push_back(dram_access(cargo, false));
    }
    count(body, cargo, hierarchy_.dram, Action::read, missed);
    count(body, cargo, hierarchy_.cache, Action::write, missed);
    count(body, cargo, hierarchy_.cache, Action::read, cargo.bytes);
    add_link(move, machine_.write_port(hierarchy_.cache), missed);
    write_back(move, body, cargo, *side);
}

void Transfers::write_outer(Move& move, StepBody& body, const Cargo& cargo,
                            const DramSide* side) const {
    if (side == nullptr) {
        if (cargo.bytes.count() > 0) {  // else all of it is padding
            move.dram.push_back(dram_access(cargo, true));
        }
        count(body, cargo, hierarchy_.dram, Action::write, cargo.bytes);
        return;
    }
    count(body, cargo, hierarchy_.cache, Action::write, cargo.bytes);
    add_link(move, machine_.write_port(hierarchy_.cache), cargo.bytes);
    write_back(move, body, cargo, *side);
}

// MODEL: what a tiled machine's cache writes back to make room goes with the transfer that needs
// the room, which ends when that is written too.
void Transfers::write_back(Move& move, StepBody& body, const Cargo& cargo,
                           const DramSide& side) const {
    Bytes written;
    for (const CacheSpill& spill : side.written) {
        const Precision precision = network_.tensor(spill.tensor).precision;
        move.dram.push_back(dram_access(spill, true));
        builder_.count(body, cargo.layer, hierarchy_.cache, Action::read, spill.role, precision,
                       spill.bytes.count());
        builder_.count(body, cargo.layer, hierarchy_.dram, Action::write, spill.role, precision,
                       spill.bytes.count());
        written += spill.bytes;
    }
    const bool reads = move.sources.front() == hierarchy_.cache;
    add_link(move, machine_.read_port(hierarchy_.cache),
             written + (reads ? cargo.bytes : Bytes(0)));
}

StepBody Transfers::fetch_body(const Cargo& cargo, UnitId unit, const DramSide* side) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, outer(side != nullptr), hierarchy_.buffer, cargo.bytes);
    read_outer(move, body, cargo, side);
    if (!move.dram.empty()) {
        move.pattern = cargo.drawn > 0           ? MovePattern::gather
                       : move.dram[0].pieces > 1 ? MovePattern::strided
                                                 : MovePattern::dense;
    }
    add_link(move, machine_.write_port(hierarchy_.buffer), cargo.bytes);
    count(body, cargo, hierarchy_.buffer, Action::write, cargo.bytes);
    body.what = std::move(move);
    return body;
}

StepBody Transfers::store_body(const Cargo& cargo, UnitId unit, const DramSide* side) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, hierarchy_.buffer, outer(side != nullptr), cargo.bytes);
    add_link(move, machine_.read_port(hierarchy_.buffer), cargo.bytes);
    count(body, cargo, hierarchy_.buffer, Action::read, cargo.bytes);
    write_outer(move, body, cargo, side);
    if (!move.dram.empty()) {
        move.pattern = move.dram[0].pieces > 1 ? MovePattern::strided : MovePattern::dense;
    }
    body.what = std::move(move);
    return body;
}

StepBody Transfers::load(const Cargo& cargo, UnitId unit) const {
    return fetch_body(cargo, unit, nullptr);
}

void Transfers::fetch(RoundStep& step, const Cargo& cargo, UnitId unit) {
    set_bodies(step, cargo, false,
               [&](const DramSide* side) { return fetch_body(cargo, unit, side); });
}

void Transfers::store(RoundStep& step, const Cargo& cargo, UnitId unit) {
    set_bodies(step, cargo, true,
               [&](const DramSide* side) { return store_body(cargo, unit, side); });
}

// MODEL: the bus carries a word once, however many cores take it; its wire to the nearest core is
// `length`, and `pitch` more for each further one. It ends when the core that gets most has it.
StepBody Transfers::feed(const Cargo& cargo, const Delivery& delivered, UnitId unit) const {
    StepBody body;
    body.unit = unit;
    Move move = move_between(machine_, hierarchy_.buffer, hierarchy_.operands, delivered.all);
    move.latency += hierarchy_.feed_latency();
    add_link(move, machine_.read_port(hierarchy_.buffer), cargo.bytes);
    count(body, cargo, hierarchy_.buffer, Action::read, cargo.bytes);
    cross_bus(move, body, cargo);
    if (hierarchy_.bus.valid() && delivered.all > cargo.bytes) {
        count(body, cargo, hierarchy_.bus, Action::hop, delivered.all - cargo.bytes);
    }
    add_link(move, machine_.write_port(hierarchy_.operands), delivered.most * hierarchy_.cores);
    count(body, cargo, hierarchy_.operands, Action::write, delivered.all);
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

StepBody Transfers::receive_body(const Cargo& cargo, ComponentId memory, UnitId unit,
                                 const DramSide* side) const {
    StepBody body;
    body.unit = unit;
    const bool inside = memory == hierarchy_.buffer;
    Move move = move_between(machine_, hierarchy_.host, inside ? memory : outer(side != nullptr),
                             cargo.bytes);
    move.latency += host_latency();
    add_link(move, machine_.inbound(hierarchy_.host), cargo.bytes);
    count(body, cargo, hierarchy_.host, Action::transfer, cargo.bytes);
    if (inside) {
        add_link(move, machine_.write_port(memory), cargo.bytes);
        count(body, cargo, memory, Action::write, cargo.bytes);
    } else {
        write_outer(move, body, cargo, side);
    }
    body.what = std::move(move);
    return body;
}

StepBody Transfers::send_body(const Cargo& cargo, ComponentId memory, UnitId unit,
                              const DramSide* side) const {
    StepBody body;
    body.unit = unit;
    const bool inside = memory == hierarchy_.buffer;
    Move move = move_between(machine_, inside ? memory : outer(side != nullptr), hierarchy_.host,
                             cargo.bytes);
    move.latency += host_latency();
    if (inside) {
        add_link(move, machine_.read_port(memory), cargo.bytes);
        count(body, cargo, memory, Action::read, cargo.bytes);
    } else {
        read_outer(move, body, cargo, side);
    }
    add_link(move, machine_.outbound(hierarchy_.host), cargo.bytes);
    count(body, cargo, hierarchy_.host, Action::transfer, cargo.bytes);
    body.what = std::move(move);
    return body;
}

StepBody Transfers::receive_weights(const Cargo& cargo, UnitId unit) const {
    return receive_body(cargo, hierarchy_.dram, unit, nullptr);
}

void Transfers::receive(RoundStep& step, const Cargo& cargo, ComponentId memory, UnitId unit) {
    if (memory == hierarchy_.buffer) {
        step.body = receive_body(cargo, memory, unit, nullptr);
        return;
    }
    set_bodies(step, cargo, true,
               [&](const DramSide* side) { return receive_body(cargo, memory, unit, side); });
}

void Transfers::send(RoundStep& step, const Cargo& cargo, ComponentId memory, UnitId unit) {
    if (memory == hierarchy_.buffer) {
        step.body = send_body(cargo, memory, unit, nullptr);
        return;
    }
    set_bodies(step, cargo, false,
               [&](const DramSide* side) { return send_body(cargo, memory, unit, side); });
}

}  // namespace memwall
