// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/transfer.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace memwall {

Transfers::Transfers(const Network& network, const Hierarchy& hierarchy, ProgramBuilder& builder)
    : network_(network),
      machine_(builder.machine()),
      hierarchy_(hierarchy),
      builder_(builder),
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
        throw InputError("network '" + network_.name() + "' does not fit the dram of machine '" +
                         machine_.name() + "': " + format_bytes(dram_.missing()) + " are missing");
    }
}

// MODEL: the rows that a gather draws lie at equal distances over its table.
/// Activations lie row by row with their channels together, item after item; weights as they are.
// MODEL: a state lies channel by channel, a head of a cache with its positions together; where
// tiles take slices of its innermost axis for all positions, slice by slice. A new position is
// written as one run a head.
DramAccess Transfers::dram_access(const Cargo& cargo, bool write) const {
    DramAccess access;
    access.dram = hierarchy_.dram_id;
    access.write = write;
    access.address = address_[network_.storage(cargo.tensor).position()];
    access.piece = cargo.bytes;
    const Tensor& tensor = network_.tensor(cargo.tensor);
    const int width = bits(cargo.precision);
    const auto whole = [&](std::size_t axis, std::int64_t extent) {
        return cargo.region[axis].size() == extent;
    };
    const auto offset_of = [&](std::int64_t at) {
        return stored_bytes(at, cargo.precision).count();
    };
    if (cargo.drawn > 0) {
        const std::int64_t row = offset_of(tensor.item_words() / tensor.shape[0]);
        access.piece = Bytes(std::max<std::int64_t>(1, cargo.bytes.count() / cargo.drawn));
        access.pieces = cargo.bytes.count() / access.piece.count();
        access.stride = row * std::max<std::int64_t>(1, tensor.shape[0] / access.pieces);
        if (access.pieces * access.piece.count() != cargo.bytes.count()) {
            access.piece = cargo.bytes;
            access.pieces = 1;
            access.stride = 0;
        }
        return access;
    }
    if (!tensor.is_per_item() || tensor.shape.size() != 3 || cargo.region.size() != 4) {
        std::int64_t row = 1;
        for (std::size_t axis = cargo.region.size(); axis-- > 1;) {
            row *= tensor.is_per_item() ? tensor.shape[axis - 1] : tensor.shape[axis];
        }
        access.address += cargo.region.empty() ? 0 : offset_of(cargo.region[0].begin * row);
        return access;
    }
    // From the innermost axis on: how far the region is one run, and where it begins.
    const bool state = network_.tensor(network_.storage(cargo.tensor)).kind == TensorKind::state;
    const bool sliced = state && !whole(3, tensor.shape[2]) && whole(2, tensor.shape[1]);
    const std::array<std::size_t, 3> axes = sliced  ? std::array<std::size_t, 3>{2, 3, 1}
                                            : state ? std::array<std::size_t, 3>{3, 2, 1}
                                                    : std::array<std::size_t, 3>{1, 3, 2};
    std::int64_t first = cargo.region[0].begin * tensor.item_words();
    std::int64_t run = cargo.bytes.count() * 8 / width;  // words in one piece
    std::int64_t stride = 0;
    std::int64_t inside = 1;  // words of one step along the axis
    for (const std::size_t axis : axes) {
        const std::int64_t extent = tensor.shape[axis - 1];
        first += cargo.region[axis].begin * inside;
        if (stride == 0 && !whole(axis, extent)) {
            run = cargo.region[axis].size() * inside;
            stride = extent * inside;
        }
        inside *= extent;
    }
    access.address += offset_of(first);
    const std::int64_t all = words(cargo.region);
    if (stride > 0 && run * width % 8 == 0 && stride * width % 8 == 0 && all % run == 0) {
        access.piece = stored_bytes(run, cargo.precision);
        access.pieces = all / run;
        access.stride = stride * width / 8;
    }
    return access;
}

void Transfers::add_link(Move& move, LinkId link, Bytes bytes) const {
    if (link.valid() && bytes.count() > 0) {
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
    Move move = move_between(hierarchy_.dram, hierarchy_.buffer, cargo.bytes);
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
    Move move = move_between(hierarchy_.buffer, hierarchy_.dram, cargo.bytes);
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
    Move move = move_between(hierarchy_.buffer, hierarchy_.operands, delivered);
    move.latency = hierarchy_.feed_latency();
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
    Move move = move_between(hierarchy_.operands, hierarchy_.buffer, cargo.bytes);
    move.latency = hierarchy_.feed_latency();
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
    Move move = move_between(sums, sums, cargo.bytes);
    move.combine = Combine::sum;
    move.mode = MoveMode::accumulate;
    move.latency = hierarchy_.feed_latency();
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
    Move move = move_between(hierarchy_.host, memory, cargo.bytes);
    move.latency = host_latency();
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
    Move move = move_between(memory, hierarchy_.host, cargo.bytes);
    move.latency = host_latency();
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
