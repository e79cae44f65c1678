// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/layer_emitter.hpp"

#include <algorithm>
#include <cmath>

#include "arch/core_work.hpp"
#include "arch/dram_access.hpp"
#include "arch/loop_nest/zero_words.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {

LayerEmitter::LayerEmitter(NestEmitter& program, std::size_t position)
    : out_(program),
      mapped_(program.nests_[position]),
      root_(program.network_.layer(mapped_.root)),
      space_(root_.space),
      position_(position),
      steps_(space_, mapped_.nest, mapped_.machine),
      out_operand_(space_.operands.size() - 1),
      instances_at_work_(find_instances_at_work()),
      density_(multiplied_density()) {
    list_channels();
}

std::string LayerEmitter::at(std::size_t level) const {
    return mapped_.machine.memories[std::min(level, mapped_.machine.memories.size() - 1)].name;
}

/// What lies below the moved levels is counted in the steps that compute.
void LayerEmitter::list_inner(const BoundaryTraffic& traffic) {
    const Operand& operand = space_.operands[traffic.operand];
    const bool lanes = traffic.child == mapped_.nest.levels.size();
    // MODEL: a lane that gates an input of zero reads it, but neither the weight nor the sum: with
    // 57.5 % of AlexNet's inputs zero that saves the 45 % of an element's power that Chen et al.
    // measured (JSSC 52(1) 2017, section V-C).
    const auto used = [&](std::int64_t words) {
        const bool gated = lanes && operand.role != TensorRole::inputs && density_ < 1;
        return gated ? std::llround(static_cast<double>(words) * density_) : words;
    };
    if (operand.role != TensorRole::outputs) {
        inner_.push_back({traffic.parent, traffic.child, operand.role, operand.precision,
                          used(traffic.reads), used(traffic.deliveries), used(traffic.drains),
                          used(traffic.updates), 0});
        return;
    }
    const std::int64_t finals = traffic.drained_finals();
    inner_.push_back({traffic.parent, traffic.child, operand.role, operand.precision, 0, 0,
                      used(finals), used(traffic.finals), 0});
    inner_.push_back({traffic.parent, traffic.child, TensorRole::partial_sums, space_.accumulator,
                      used(traffic.reads), used(traffic.deliveries), used(traffic.drains - finals),
                      used(traffic.partials()), traffic.additions()});
}

/// Of inputs whose zeros the lanes gate, the share that is multiplied.
double LayerEmitter::multiplied_density() const {
    const Operand* inputs = space_.find(TensorRole::inputs);
    return space_.macs() > 0 && inputs != nullptr && out_.hierarchy_.array_config().gates_zeros
               ? stated_density(out_.network_, inputs->tensor)
               : 1;
}

void LayerEmitter::list_channels() {
    std::vector<Sums> outwards;
    for (const BoundaryTraffic& traffic : mapped_.counts.boundaries) {
        const Operand& operand = space_.operands[traffic.operand];
        const bool outputs = operand.role == TensorRole::outputs;
        const bool moved = traffic.child <= steps_.moved();
        if (!moved && traffic.parent > 0) {
            list_inner(traffic);
            continue;
        }
        const std::string what =
            root_.name + "' " + std::string(name(operand.role)) + " in " + at(traffic.child);
        const std::int64_t slots =
            moved && !mapped_.nest.levels[traffic.child].double_buffered ? 1 : 2;
        if (!outputs) {
            Channel channel;
            channel.operand = traffic.operand;
            channel.parent = traffic.parent;
            channel.child = traffic.child;
            channel.streams = !moved;
            channel.halo = moved && mapped_.nest.levels[traffic.child].keeps_halo;
            for (std::size_t s = 0; s < steps_.size(); ++s) {
                channel.moves +=
                    channel.streams || steps_.changes(s, traffic.child, operand.projection) ? 1 : 0;
            }
            channel.ring = Ring(out_.builder_, "'" + what, slots);
            if (operand.updated) {
                channel.back = out_.builder_.token("'" + what + " back");
                brought_up_ = brought_up_.valid()
                                  ? brought_up_
                                  : out_.builder_.token("'" + root_.name + "' brought up to date");
            }
            channels_.push_back(channel);
        } else if (moved) {
            Sums sums;
            sums.parent = traffic.parent;
            sums.child = traffic.child;
            sums.slots = slots;
            sums.free = out_.builder_.token("'" + what + " free");
            sums.loaded = out_.builder_.token("'" + what + " loaded");
            sums.full = out_.builder_.token("'" + what + " full");
            sums.drained = out_.builder_.token("'" + what + " drained");
            outwards.push_back(std::move(sums));
        }
    }
    sums_.assign(outwards.rbegin(), outwards.rend());
    if (sums_.empty()) {
        computed_ = out_.builder_.token("'" + root_.name + "' computed");
        if (mapped_.counts.boundary(out_operand_, 0).reads > 0) {
            streamed_back_ = out_.builder_.token("'" + root_.name + "' sums back");
        }
    }
    inner_loads_ = port_loads(space_, mapped_.machine, mapped_.counts, steps_.moved());
}

void LayerEmitter::run() {
    for (std::size_t step = 0; step < steps_.size(); ++step) {
        for (Channel& channel : channels_) {
            const Projection& of = space_.operands[channel.operand].projection;
            if (channel.streams || starts(step, channel.child, of)) {
                fetch(step, channel);
            }
        }
        const Projection& results = space_.outputs().projection;
        for (std::size_t k = sums_.size(); k-- > 0;) {
            if (starts(step, sums_[k].child, results)) {
                load_sums(step, k);
            }
        }
        if (sums_.empty()) {
            stream_sums_back(step);
        }
        compute(step);
        bring_back(step);
        for (std::size_t k = 0; k < sums_.size(); ++k) {
            if (ends(step, sums_[k].child, results)) {
                drain(step, k);
            }
        }
        if (sums_.empty()) {
            stream_results(step);
        }
    }
}

/// MODEL: layers run one after another: nothing of a layer is read before the layer before it is
/// done.
void LayerEmitter::wait_for_layer_before(AgentId agent, RoundStep& step) {
    if (std::find(started_.begin(), started_.end(), agent) != started_.end()) {
        return;
    }
    started_.push_back(agent);
    const std::size_t before = position_ == 0 ? out_.done_.size() - 1 : position_ - 1;
    step.waits.push_back({out_.done_[before], position_ == 0 ? 0 : 1});
}

std::int64_t LayerEmitter::arriving(std::size_t step, std::size_t level,
                                    const Projection& projection) const {
    const Box& tile = steps_.tile(step, level);
    return level == steps_.moved() ? delivered_words(projection, steps_.split(step), tile)
                                   : touched_words(projection, tile);
}

void LayerEmitter::add_dram(StepBody& body, const Flow& flow, TensorId tensor, const Region& region,
                            bool write) const {
    const std::int64_t words = write ? flow.up : flow.down;
    if (flow.parent > 0 || words == 0) {
        return;
    }
    const Bytes bytes(flow.outer_bytes(words));
    DramAccess access;
    if (flow.stored < 1 || (flow.role != TensorRole::partial_sums && memwall::words(region) == 0)) {
        // Of a code's bytes nobody knows where a part begins; and a share of a stream may fall into
        // a step whose own tile is all padding.
        access.address = out_.address_[out_.network_.storage(tensor).position()];
        access.piece = bytes;
    } else if (flow.role == TensorRole::partial_sums) {
        access.address = out_.sums_address_;
        access.piece = bytes;
    } else {
        const std::int64_t address = out_.address_[out_.network_.storage(tensor).position()];
        const Bytes whole = stored_bytes(memwall::words(region), flow.precision);
        access = tensor_access(out_.network_,
                               {tensor, region, std::min(bytes, whole), flow.precision}, address);
        if (bytes > whole && whole.count() > 0) {
            // The same words again and again, as the inner loops go through them.
            access.pieces = 1;
            access.piece = whole;
            access.stride = 0;
            access.pieces = ceil_divide(bytes.count(), whole.count());
        }
    }
    if (out_.options_.repetition) {
        access.address = 0;  // nobody asks where: accesses are alike more often
    }
    access.dram = DramId(std::size_t{0});
    access.write = write;
    std::get<Move>(body.what).pattern =
        access.pieces > 1 ? MovePattern::strided : MovePattern::dense;
    std::get<Move>(body.what).dram.push_back(access);
}

void LayerEmitter::fetch(std::size_t step, Channel& channel) {
    const Operand& operand = space_.operands[channel.operand];
    const BoundaryTraffic& all = mapped_.counts.boundary(channel.operand, channel.parent);
    const std::size_t level = std::min(channel.child, steps_.moved());
    const Box& tile = steps_.tile(step, level);
    Flow flow{channel.parent, channel.child, operand.role, operand.precision};
    flow.stored = channel.parent == 0 ? out_.stored(operand.tensor) : 1;
    if (channel.streams || channel.halo) {
        flow.down = share(all.reads, channel.done, channel.moves);
        flow.arrive = share(all.deliveries, channel.done, channel.moves);
    } else {
        flow.arrive = arriving(step, channel.child, operand.projection);
        const bool shares = mapped_.machine.memories[channel.child - 1].multicasts;
        flow.down = shares ? touched_words(operand.projection, tile) : flow.arrive;
    }
    if (mapped_.machine.stays(channel.parent, channel.child, operand.role)) {
        flow.down = 0;
        flow.arrive = 0;
    }
    ++channel.done;
    if (channel.worker == nullptr) {
        channel.worker = &out_.worker((channel.streams ? "stream " : "fill ") + at(channel.child) +
                                          " with operand " + std::to_string(channel.operand + 1),
                                      out_.mover(channel.parent, channel.child));
    }
    NestEmitter::Worker& worker = *channel.worker;
    RoundStep fill;
    fill.layer = mapped_.root;
    fill.body = out_.move(mapped_.root, {flow}, worker.unit);
    add_dram(fill.body, flow, operand.tensor, image(operand.projection, tile), false);
    channel.ring.fill(fill);
    wait_for_layer_before(worker.agent, fill);
    for (const Channel& above : channels_) {
        if (above.operand != channel.operand || above.child != channel.parent) {
            continue;
        }
        above.ring.use(fill, above.ring.last());
        // The parent's tile is free when the last part of it was taken.
        std::size_t next = step + 1;
        while (next < steps_.size() && !steps_.changes(next, channel.child, operand.projection) &&
               !channel.streams) {
            ++next;
        }
        bool changes = next == steps_.size();
        for (std::size_t s = step + 1; s <= next && s < steps_.size(); ++s) {
            changes = changes || steps_.changes(s, above.child, operand.projection);
        }
        if (changes) {
            above.ring.release(fill);
        }
    }
    if (out_.options_.images) {
        fill.body.image = std::make_shared<StepImage>(moved_image(step, channel));
    }
    out_.builder_.step(worker.agent, std::move(fill));
}

void LayerEmitter::add_inner_counts(StepBody& body, std::size_t step) {
    const auto i = static_cast<std::int64_t>(step);
    const auto n = static_cast<std::int64_t>(steps_.size());
    if (out_.tells_ == Tells::times) {
        return;
    }
    for (const Flow& all : inner_) {
        Flow flow = all;
        flow.down = share(all.down, i, n);
        flow.arrive = share(all.arrive, i, n);
        flow.leave = share(all.leave, i, n);
        flow.up = share(all.up, i, n);
        flow.added = share(all.added, i, n);
        out_.count(body, mapped_.root, flow);
    }
}

std::int64_t LayerEmitter::find_instances_at_work() const {
    std::int64_t instances = 1;
    const std::size_t levels = mapped_.nest.levels.size();
    Extents left = space_.extents;
    for (std::size_t l = 0; l < levels; ++l) {
        for (const Loop& loop : mapped_.nest.levels[l].loops) {
            const std::string& axis =
                loop.spatial ? mapped_.machine.memories[l].axes[loop.axis].name : "";
            const bool lanes = l + 1 == levels && axis != "arrays" && axis != "units";
            instances *= loop.spatial && !lanes ? steps_of(loop, left[index(loop.dim)]) : 1;
            left[index(loop.dim)] = std::min(left[index(loop.dim)], loop.tile);
        }
    }
    return instances;
}

/// The cycles of a step: of its lanes, and of the memories below the moved levels.
Cycles LayerEmitter::computing_time(std::size_t step) const {
    const NestCounts& counts = mapped_.counts;
    const Box& box = steps_.tile(step, steps_.moved());
    const std::int64_t lanes =
        (steps_.lane_steps(step) + share(counts.array_cycles - counts.ramp - counts.steps,
                                         static_cast<std::int64_t>(step),
                                         static_cast<std::int64_t>(steps_.size()))) *
        mapped_.machine.cycles_a_step;
    const double part =
        static_cast<double>(box.points()) / static_cast<double>(space_.box().points());
    const double cycles = cycles_with_ports(static_cast<double>(lanes), mapped_.nest,
                                            mapped_.machine, inner_loads_, 1, part);
    return Cycles(std::llround(std::ceil(cycles - 1e-6)));
}

void LayerEmitter::count_points(StepBody& body, std::int64_t points) {
    if (out_.tells_ == Tells::times) {
        return;
    }
    if (space_.macs() > 0) {
        const ComponentId array = out_.hierarchy_.array();
        const Precision lanes =
            array_shape(out_.hierarchy_.array_config(), root_.precision)->precision;
        const std::int64_t multiplied = std::llround(static_cast<double>(points) * density_);
        out_.builder_.count(body, mapped_.root, array, Action::mac, TensorRole::outputs, lanes,
                            multiplied);
        out_.builder_.count(body, mapped_.root, array, Action::gated_mac, TensorRole::outputs,
                            lanes, points - multiplied);
    } else {
        out_.builder_.count(body, mapped_.root, out_.hierarchy_.vector(), Action::vector,
                            TensorRole::outputs, space_.outputs().precision,
                            points * space_.vector_operations_per_point);
    }
}

void LayerEmitter::compute(std::size_t step) {
    const bool macs = space_.macs() > 0;
    const ComponentId part = macs ? out_.hierarchy_.array() : out_.hierarchy_.vector();
    if (computes_ == nullptr) {
        computes_ = &out_.worker(macs ? "compute" : "compute elementwise", part);
    }
    NestEmitter::Worker& worker = *computes_;
    RoundStep work;
    work.layer = mapped_.root;
    work.body.unit = worker.unit;
    Compute compute;
    compute.occupies = computing_time(step);
    compute.lanes_occupied = compute.occupies * instances_at_work_;
    compute.latency =
        macs ? out_.hierarchy_.array_config().pipeline : out_.hierarchy_.vector_config()->pipeline;
    count_points(work.body, space_.counted_points(steps_.tile(step, steps_.moved())));
    work.body.what = compute;
    add_inner_counts(work.body, step);
    RoundStep ramp = ramp_up(step, worker);
    const bool ramps = mapped_.counts.ramp > 0;
    for (const Channel& channel : channels_) {
        const bool lowest =
            std::none_of(channels_.begin(), channels_.end(), [&](const Channel& other) {
                return other.operand == channel.operand && other.parent == channel.child;
            });
        if (!lowest) {
            continue;
        }
        const Projection& of = space_.operands[channel.operand].projection;
        if (channel.streams || starts(step, channel.child, of)) {
            channel.ring.use(ramps ? ramp : work, channel.ring.last());
        }
        if (channel.streams || ends(step, channel.child, of)) {
            // Weights are in the elements then: the next ones may come.
            const bool stays = ramps && mapped_.machine.networks->weights == channel.operand;
            channel.ring.release(stays ? ramp : work);
        }
    }
    wait_for_layer_before(worker.agent, ramps ? ramp : work);
    wait_and_post_sums(step, work);
    if (brought_up_.valid()) {
        work.posts.push_back({brought_up_});
    }
    if (ramps) {
        out_.builder_.step(worker.agent, std::move(ramp));
    }
    out_.builder_.step(worker.agent, std::move(work));
}

/// The elements of a row-stationary array take their weights and first inputs.
RoundStep LayerEmitter::ramp_up(std::size_t step, const NestEmitter::Worker& worker) const {
    Compute compute;
    compute.occupies = Cycles(share(mapped_.counts.ramp, static_cast<std::int64_t>(step),
                                    static_cast<std::int64_t>(steps_.size())));
    compute.lanes_occupied = compute.occupies * instances_at_work_;
    RoundStep ramp;
    ramp.layer = mapped_.root;
    ramp.body.unit = worker.unit;
    ramp.body.what = compute;
    return ramp;
}

}  // namespace memwall
