// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/layer_emitter.hpp"

#include <algorithm>
#include <cmath>

#include "arch/core_work.hpp"
#include "arch/dram_access.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// The i-th of n nearly equal parts of `total`.
std::int64_t share(std::int64_t total, std::int64_t i, std::int64_t n) {
    return total / n + (i < total % n ? 1 : 0);
}

}  // namespace

LayerEmitter::LayerEmitter(NestEmitter& program, std::size_t position)
    : out_(program),
      mapped_(program.nests_[position]),
      root_(program.network_.layer(mapped_.root)),
      space_(root_.space),
      position_(position),
      steps_(space_, mapped_.nest, mapped_.machine),
      out_operand_(space_.operands.size() - 1) {
    list_channels();
}

std::string LayerEmitter::at(std::size_t level) const {
    return mapped_.machine.memories[std::min(level, mapped_.machine.memories.size() - 1)].name;
}

void LayerEmitter::list_channels() {
    std::vector<Sums> outwards;
    for (const BoundaryTraffic& traffic : mapped_.counts.boundaries) {
        const Operand& operand = space_.operands[traffic.operand];
        const bool outputs = operand.role == TensorRole::outputs;
        const bool moved = traffic.child <= steps_.moved();
        if (!moved && traffic.parent > 0) {
            const Precision sums = space_.accumulator;
            if (!outputs) {
                inner_.push_back({traffic.parent, traffic.child, operand.role, operand.precision,
                                  traffic.reads, traffic.deliveries, 0, 0, 0});
                continue;
            }
            const std::int64_t finals = traffic.drained_finals();
            inner_.push_back({traffic.parent, traffic.child, operand.role, operand.precision, 0, 0,
                              finals, traffic.finals, 0});
            inner_.push_back({traffic.parent, traffic.child, TensorRole::partial_sums, sums,
                              traffic.reads, traffic.deliveries, traffic.drains - finals,
                              traffic.partials(), traffic.additions()});
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
    const PortLoads loads = port_loads(space_, mapped_.machine, mapped_.counts, steps_.moved());
    for (std::size_t l = 1; l < mapped_.machine.memories.size(); ++l) {
        inner_port_cycles_ =
            std::max(inner_port_cycles_, busiest_port(mapped_.machine.memories[l], loads, l));
    }
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
    const Bytes bytes = stored_bytes(words, flow.precision);
    DramAccess access;
    if (flow.role == TensorRole::partial_sums) {
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
    if (channel.streams || channel.halo) {
        flow.down = share(all.reads, channel.done, channel.moves);
        flow.arrive = share(all.deliveries, channel.done, channel.moves);
    } else {
        flow.arrive = arriving(step, channel.child, operand.projection);
        const bool shares = mapped_.machine.memories[channel.child - 1].multicasts;
        flow.down = shares ? touched_words(operand.projection, tile) : flow.arrive;
    }
    ++channel.done;
    const std::string who = std::string(channel.streams ? "stream " : "fill ") + at(channel.child) +
                            " with operand " + std::to_string(channel.operand + 1);
    NestEmitter::Worker& worker = out_.worker(who, out_.mover(channel.parent, channel.child));
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

bool LayerEmitter::sums_begin(std::size_t step, std::size_t level) const {
    const std::vector<Dim> dims = space_.reduction_dims();
    return std::all_of(dims.begin(), dims.end(),
                       [&](Dim dim) { return steps_.tile(step, level)[dim].begin == 0; });
}

bool LayerEmitter::sums_end(std::size_t step, std::size_t level) const {
    const std::vector<Dim> dims = space_.reduction_dims();
    return std::all_of(dims.begin(), dims.end(), [&](Dim dim) {
        return steps_.tile(step, level)[dim].end == space_.extent(dim);
    });
}

std::vector<std::int64_t> LayerEmitter::key(std::size_t step, std::size_t level) const {
    std::vector<std::int64_t> begins;
    for (const Range& range : image(space_.outputs().projection, steps_.tile(step, level))) {
        begins.push_back(range.begin);
    }
    return begins;
}

/// A visit of a tile of results begins; sums that were there before come back.
void LayerEmitter::load_sums(std::size_t step, std::size_t k) {
    Sums& sums = sums_[k];
    ++sums.visits;
    sums.begun = step;
    sums.reserved = false;
    const bool after_load = sums.waits_for_load;
    sums.waits_for_load = !sums_begin(step, sums.child);
    if (!sums.waits_for_load) {
        return;
    }
    const Projection& results = space_.outputs().projection;
    const Box& tile = steps_.tile(step, sums.child);
    Flow flow{sums.parent, sums.child, TensorRole::partial_sums, space_.accumulator};
    flow.down = touched_words(results, tile);
    flow.arrive = flow.down;
    NestEmitter::Worker& worker =
        out_.worker("sums back to " + at(sums.child), out_.mover(sums.parent, sums.child));
    RoundStep load;
    load.layer = mapped_.root;
    load.body = out_.move(mapped_.root, {flow}, worker.unit);
    add_dram(load.body, flow, space_.outputs().tensor, image(results, tile), false);
    load.waits.push_back({sums.free, sums.visits - sums.slots});
    load.waits.push_back({sums.drained, sums.drain_of.at(key(step, sums.child))});
    if (!after_load) {
        // Slots are taken in order: the visit before has its own.
        load.waits.push_back(
            k == 0 ? RoundWait{sums.full, sums.visits - 1}
                   : RoundWait{sums_[k - 1].drained, out_.builder_.posted(sums_[k - 1].drained)});
    }
    if (k + 1 < sums_.size() && sums_[k + 1].waits_for_load) {
        load.waits.push_back({sums_[k + 1].loaded, sums_[k + 1].loads});
    }
    wait_for_layer_before(worker.agent, load);
    load.posts.push_back({sums.loaded});
    sums.reserved = true;
    ++sums.loads;
    if (out_.options_.images) {
        load.body.image = std::make_shared<StepImage>(sums_image(step, k, true, false));
    }
    out_.builder_.step(worker.agent, std::move(load));
}

void LayerEmitter::add_inner_counts(StepBody& body, std::size_t step) {
    const auto i = static_cast<std::int64_t>(step);
    const auto n = static_cast<std::int64_t>(steps_.size());
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

void LayerEmitter::compute(std::size_t step) {
    const bool macs = space_.macs() > 0;
    const Box& box = steps_.tile(step, steps_.moved());
    const ComponentId part = macs ? out_.hierarchy_.array() : out_.hierarchy_.vector();
    NestEmitter::Worker& worker = out_.worker(macs ? "compute" : "compute elementwise", part);
    RoundStep work;
    work.layer = mapped_.root;
    work.body.unit = worker.unit;
    Compute compute;
    const std::int64_t points = space_.counted_points(box);
    const double shared = inner_port_cycles_ * static_cast<double>(box.points()) /
                          static_cast<double>(space_.box().points());
    compute.occupies =
        Cycles(std::max<std::int64_t>(steps_.lane_steps(step) * mapped_.machine.cycles_a_step,
                                      std::llround(std::ceil(shared - 1e-6))));
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
    compute.lanes_occupied = compute.occupies * instances;
    if (macs) {
        compute.latency = out_.hierarchy_.array_config().pipeline;
        const ArrayShape* shape = array_shape(out_.hierarchy_.array_config(), root_.precision);
        out_.builder_.count(work.body, mapped_.root, part, Action::mac, TensorRole::outputs,
                            shape->precision, points);
    } else {
        compute.latency = out_.hierarchy_.vector_config()->pipeline;
        out_.builder_.count(work.body, mapped_.root, part, Action::vector, TensorRole::outputs,
                            space_.outputs().precision,
                            points * space_.vector_operations_per_point);
    }
    work.body.what = compute;
    add_inner_counts(work.body, step);
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
            channel.ring.use(work, channel.ring.last());
        }
        if (channel.streams || ends(step, channel.child, of)) {
            channel.ring.release(work);
        }
    }
    wait_for_layer_before(worker.agent, work);
    wait_and_post_sums(step, work);
    out_.builder_.step(worker.agent, std::move(work));
}

/// What goes up when a visit ends: results where it was the last one, else sums.
std::vector<Flow> LayerEmitter::flows_up(std::size_t step, const Sums& sums) const {
    const Projection& results = space_.outputs().projection;
    const std::int64_t words = touched_words(results, steps_.tile(step, sums.child));
    const std::int64_t leave = arriving(sums.begun, sums.child, results);
    const bool adds = mapped_.machine.memories[sums.child - 1].reduces;
    const std::int64_t up = adds ? words : leave;
    const LayerId maker = sums.parent == 0 ? mapped_.last() : mapped_.root;
    const Precision made = out_.network_.layer(maker).space.outputs().precision;
    const std::int64_t finals = sums_end(step, sums.child) ? words : 0;
    Flow whole{sums.parent, sums.child, TensorRole::outputs, made};
    whole.up = finals;
    whole.leave = leave == up && leave == words ? finals : 0;
    Flow partial{sums.parent, sums.child, TensorRole::partial_sums, space_.accumulator};
    partial.up = up - finals;
    partial.leave = leave - whole.leave;
    // Where the way up adds nothing, each further instance changes what the parent has.
    partial.down = up - words;
    partial.arrive = up - words;
    partial.added = leave - up;
    std::vector<Flow> flows;
    if (finals > 0) {
        flows.push_back(whole);
    }
    if (partial.up + partial.leave > 0) {
        flows.push_back(partial);
    }
    return flows;
}

/// A visit of a tile of results ends: it goes up, and where it is finished its epilogues run.
void LayerEmitter::drain(std::size_t step, std::size_t k) {
    Sums& sums = sums_[k];
    const Projection& results = space_.outputs().projection;
    const Box& tile = steps_.tile(step, sums.child);
    const bool finished = sums_end(step, sums.child);
    const bool outermost = sums.parent == 0;
    const auto ready = RoundWait{k == 0 ? sums.full : sums_[k - 1].drained,
                                 k == 0 ? sums.visits : out_.builder_.posted(sums_[k - 1].drained)};
    RoundWait finished_by = ready;
    const Region region = image(results, tile);
    if (outermost && finished && !mapped_.epilogues.empty()) {
        const TokenId done = run_epilogues(region, touched_words(results, tile), ready);
        finished_by = {done, out_.builder_.posted(done)};
    }
    const std::vector<Flow> flows = flows_up(step, sums);
    NestEmitter::Worker& worker =
        out_.worker("results of " + at(sums.child), out_.mover(sums.parent, sums.child));
    RoundStep store;
    store.layer = mapped_.root;
    store.body = out_.move(mapped_.root, flows, worker.unit);
    const TensorId made = out_.network_.layer(mapped_.last()).outputs.front();
    for (const Flow& flow : flows) {
        add_dram(store.body, flow, made, region, true);
    }
    store.waits.push_back(finished_by);
    if (!outermost) {
        Sums& above = sums_[k + 1];
        if (!above.reserved) {
            store.waits.push_back({above.free, above.visits - above.slots});
            above.reserved = true;
        }
        if (above.waits_for_load) {
            store.waits.push_back({above.loaded, above.loads});
        }
    }
    store.posts.push_back({sums.free});
    store.posts.push_back({sums.drained});
    if (out_.options_.images) {
        store.body.image = std::make_shared<StepImage>(sums_image(step, k, false, finished));
    }
    if (outermost && step + 1 == steps_.size()) {
        store.posts.push_back({out_.done_[position_]});
    }
    out_.builder_.step(worker.agent, std::move(store));
    sums.drain_of[key(step, sums.child)] = out_.builder_.posted(sums.drained);
}

TokenId LayerEmitter::run_epilogues(const Region& region, std::int64_t words,
                                    const RoundWait& ready) {
    const std::size_t level = sums_.back().child;
    Cores cores;
    cores.array = out_.hierarchy_.array();
    cores.vector = out_.hierarchy_.vector();
    cores.accumulators = out_.memory(level);
    cores.operands = cores.accumulators;
    cores.vector_config = out_.hierarchy_.vector_config();
    cores.vector_unit = out_.vector_unit_;
    const std::int64_t units = out_.machine_.component(cores.vector).instances;
    NestEmitter::Worker& worker = out_.worker("epilogue", cores.vector);
    RoundWait before = ready;
    TokenId done;
    for (const LayerId id : mapped_.epilogues) {
        const Layer& layer = out_.network_.layer(id);
        RoundStep step;
        step.layer = id;
        step.body =
            epilogue_body(out_.builder_, cores, layer, id, words, ceil_divide(words, units));
        step.waits.push_back(before);
        done = out_.builder_.token("'" + layer.name + "' on the way out");
        step.posts.push_back({done});
        before = {done, 1};
        if (out_.options_.images) {
            const Place at = place(level, 0);
            StepImage image;
            image.computes.push_back({id, box_of_results(layer, region), at, at, at, true, false});
            step.body.image = std::make_shared<StepImage>(std::move(image));
        }
        out_.builder_.step(worker.agent, std::move(step));
    }
    return done;
}

/// A step that computes waits for the place of its results, or for the sums that it goes on with.
void LayerEmitter::wait_and_post_sums(std::size_t step, RoundStep& work) {
    if (sums_.empty()) {
        if (streamed_back_.valid()) {
            work.waits.push_back({streamed_back_, out_.builder_.posted(streamed_back_)});
        }
        work.posts.push_back({computed_});
        return;
    }
    Sums& sums = sums_.front();
    const Projection& results = space_.outputs().projection;
    const bool begins = starts(step, sums.child, results);
    if (begins && sums.waits_for_load) {
        work.waits.push_back({sums.loaded, sums.loads});
    }
    if (!sums.reserved) {
        work.waits.push_back({sums.free, sums.visits - sums.slots});
        sums.reserved = true;
    }
    if (ends(step, sums.child, results)) {
        work.posts.push_back({sums.full});
    }
    if (out_.options_.images) {
        work.body.image =
            std::make_shared<StepImage>(computed_image(step, begins, sums.waits_for_load));
    }
}

/// Sums that no moved level keeps come back a share a step.
void LayerEmitter::stream_sums_back(std::size_t step) {
    const BoundaryTraffic& all = mapped_.counts.boundary(out_operand_, 0);
    const auto i = static_cast<std::int64_t>(step);
    const auto n = static_cast<std::int64_t>(steps_.size());
    Flow flow{all.parent, all.child, TensorRole::partial_sums, space_.accumulator};
    flow.down = share(all.reads, i, n);
    flow.arrive = share(all.deliveries, i, n);
    if (flow.down == 0) {
        return;
    }
    NestEmitter::Worker& worker =
        out_.worker("stream sums back to " + at(all.child), out_.mover(all.parent, all.child));
    RoundStep load;
    load.layer = mapped_.root;
    load.body = out_.move(mapped_.root, {flow}, worker.unit);
    add_dram(load.body, flow, space_.outputs().tensor, {}, false);
    wait_for_layer_before(worker.agent, load);
    // Two shares may be on their way.
    load.waits.push_back({computed_, out_.builder_.posted(computed_) - 1});
    load.posts.push_back({streamed_back_});
    out_.builder_.step(worker.agent, std::move(load));
}

/// Results that no moved level keeps go up a share a step.
void LayerEmitter::stream_results(std::size_t step) {
    const BoundaryTraffic& all = mapped_.counts.boundary(out_operand_, 0);
    const auto i = static_cast<std::int64_t>(step);
    const auto n = static_cast<std::int64_t>(steps_.size());
    const std::int64_t finals = all.drained_finals();
    Flow whole{all.parent, all.child, TensorRole::outputs, space_.outputs().precision};
    whole.up = share(all.finals, i, n);
    whole.leave = share(finals, i, n);
    Flow partial{all.parent, all.child, TensorRole::partial_sums, space_.accumulator};
    partial.up = share(all.partials(), i, n);
    partial.leave = share(all.drains - finals, i, n);
    partial.added = share(all.additions(), i, n);
    NestEmitter::Worker& worker =
        out_.worker("stream results of " + at(all.child), out_.mover(all.parent, all.child));
    RoundStep store;
    store.layer = mapped_.root;
    store.body = out_.move(mapped_.root, {whole, partial}, worker.unit);
    const Region region = image(space_.outputs().projection, steps_.tile(step, steps_.moved()));
    for (const Flow& flow : {whole, partial}) {
        add_dram(store.body, flow, space_.outputs().tensor, region, true);
    }
    store.waits.push_back({computed_, out_.builder_.posted(computed_)});
    if (step + 1 == steps_.size()) {
        store.posts.push_back({out_.done_[position_]});
    }
    out_.builder_.step(worker.agent, std::move(store));
}

}  // namespace memwall
