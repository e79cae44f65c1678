// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/layer_emitter.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

struct TilingEmitter::LayerState {
    std::size_t f = 0;
    const FusedLayer& fused;
    const Layer& root;
    const LayerPlan& plan;
    PassSequence sequence;
    std::int64_t outputs_done = 0;  ///< output passes drained so far
    std::vector<std::vector<std::int64_t>>
        tile_fills{};                                 ///< by operand and tile visit: in its ring
    std::vector<std::vector<Bytes>> tile_releases{};  ///< what the end of a tile visit frees
    std::vector<Bytes> carried{};                     ///< by operand: kept for the next tile
};

/// The whole tile that a pass belongs to.
Box TilingEmitter::tile_box(const LayerState& state, std::size_t pass) {
    Box tile = state.sequence.passes[pass].box;
    for (const Dim dim : all_dims()) {
        const std::int64_t size = state.plan.tile[index(dim)];
        const std::int64_t begin = tile[dim].begin / size * size;
        tile[dim] = {begin, std::min(begin + size, state.root.space.extent(dim))};
    }
    return tile;
}

TensorRole TilingEmitter::role_of_output(TensorId stored) const {
    return network_.tensor(stored).kind == TensorKind::state ? TensorRole::state
                                                             : TensorRole::outputs;
}

ComponentId TilingEmitter::sums() const {
    return hierarchy_.accumulators.valid() ? hierarchy_.accumulators : hierarchy_.array;
}

Place TilingEmitter::core(ComponentId memory, std::size_t lane) const {
    return {memory, static_cast<std::int64_t>(lane)};
}

CoreSplit TilingEmitter::split_of(const LayerState& state, const Box& box) const {
    CoreSplit split;
    for (const Dim dim : all_dims()) {
        split.extents[index(dim)] = box[dim].size();
        split.tile[index(dim)] = std::min(state.plan.passes.core[index(dim)], box[dim].size());
    }
    return split;
}

/// A short pass at an edge uses the cores that it would use in a full one, so that what stays in
/// their buffers from pass to pass is where it is needed.
std::vector<TilingEmitter::CoreBox> TilingEmitter::core_boxes(const LayerState& state,
                                                              const Box& box) const {
    const CoreSplit full{state.plan.passes.pass, state.plan.passes.core};
    std::vector<CoreBox> found;
    for (const Box& part : split_of(state, box).boxes(box)) {
        std::int64_t lane = 0;
        for (const Dim dim : all_dims()) {
            const std::int64_t number = (part[dim].begin - box[dim].begin) / full.tile[index(dim)];
            lane = lane * full.parts(dim) + number;
        }
        found.push_back({static_cast<std::size_t>(lane), part});
    }
    return found;
}

/// The first pass over the same outputs: where the reduction is cut, the last one may be shorter
/// and leave out cores that hold partial sums of the ones before.
const Box& TilingEmitter::first_box(const LayerState& state, std::size_t pass) const {
    while (!state.sequence.passes[pass].starts) {
        --pass;
    }
    return state.sequence.passes[pass].box;
}

Region TilingEmitter::result_region(const LayerState& state, std::size_t pass) const {
    return image(state.root.space.outputs().projection, state.sequence.passes[pass].box);
}

/// What an epilogue needs of its operand `i` for the results of a box.
Region TilingEmitter::operand_region(const LayerState& state, std::size_t i, const Box& box) const {
    const Layer& epilogue = network_.layer(state.fused.operand_of[i]);
    const Region results = image(state.root.space.outputs().projection, box);
    return image(state.fused.operand(network_, i).projection, box_of_results(epilogue, results));
}

void TilingEmitter::emit_layer(std::size_t f) {
    const FusedLayer& fused = plan_.fused[f];
    const Layer& root = network_.layer(fused.root);
    LayerState state{f, fused, root, plan_.layers[f], pass_sequence(root, plan_.layers[f])};
    const auto& operands = root.space.operands;
    state.tile_fills.resize(operands.size());
    state.tile_releases.resize(operands.size());
    state.carried.resize(operands.size());
    for (std::size_t p = 0; p < state.sequence.passes.size(); ++p) {
        for (std::size_t o = 0; o + 1 < operands.size(); ++o) {
            if (state.sequence.tile_visits[o][state.sequence.passes[p].tile_visit[o]].first == p) {
                fetch_tile(state, o, state.sequence.passes[p].tile_visit[o]);
            }
            if (state.sequence.operand_visits[o][state.sequence.passes[p].visit[o]].first == p) {
                feed(state, p, o);
            }
        }
        compute(state, p);
        if (state.sequence.passes[p].finishes) {
            feed_epilogue(state, p);
            reduce(state, p);
            epilogues(state, p);
            write_back(state, p);
            drain(state, p);
        }
    }
}

/// Brings a tile of one operand from the DRAM, unless all of it lies in the buffer.
void TilingEmitter::fetch_tile(LayerState& state, std::size_t o, std::size_t v) {
    const Operand& operand = state.root.space.operands[o];
    const TensorId stored = network_.storage(operand.tensor);
    const bool weights = operand.role == TensorRole::weights;
    if (weights ? state.plan.weights_resident : plan_.kept[stored.position()]) {
        return;
    }
    const Worker& worker = weights ? fetch_weights_ : fetch_inputs_;
    const auto& visits = state.sequence.tile_visits[o];
    const Region& region = visits[v].region;
    const bool gather = operand.projection.gather.has_value();
    const Region fresh = v > 0 && !gather ? fresh_part(region, visits[v - 1].region) : region;
    const Cargo cargo{operand.tensor,
                      fresh,
                      stored_bytes(words(fresh), operand.precision),
                      state.fused.root,
                      operand.role,
                      operand.precision,
                      gather ? fresh[0].size() : 0};
    RoundStep step;
    step.layer = state.fused.root;
    // MODEL: weights and state come through one channel of the DMA, one after another, so that what
    // is read of a cache takes its time from the weights also where nothing else contends.
    step.body = transfers_.fetch(
        cargo, operand.role == TensorRole::state ? fetch_weights_.unit : worker.unit);
    if (weights && hierarchy_.host.valid()) {
        step.waits.push_back({weights_loaded_[state.f], 1});
    }
    const TensorKind kind = network_.tensor(stored).kind;
    if (v == 0 && network_.trains() &&
        (kind == TensorKind::weights || kind == TensorKind::optimizer)) {
        step.waits.push_back({done_.back(), 0});  // the step before has brought it up to date
    }
    if (!weights && v == 0) {
        wait_done(step, stored);
        if (state.f > 0) {
            step.waits.push_back({done_[state.f - 1], builder_.posted(done_[state.f - 1])});
        }
    }
    if (!hierarchy_.host.valid() && network_.tensor(stored).kind == TensorKind::input) {
        step.body.edge = NetworkEdge::input;
    }
    state.tile_fills[o].push_back((weights ? tile_weights_ : tile_inputs_[o]).fill(step));
    const Bytes held = state.carried[o] + cargo.bytes;
    state.carried[o] = Bytes(0);  // rows of this tile that the next one needs too
    if (v + 1 < visits.size() && !gather) {
        const Region next = fresh_part(visits[v + 1].region, region);
        const std::int64_t common = words(visits[v + 1].region) - words(next);
        state.carried[o] = std::min(held, stored_bytes(common, operand.precision));
    }
    state.tile_releases[o].push_back(held - state.carried[o]);
    step.body.occupancy.push_back({hierarchy_.buffer, cargo.bytes.count(), 0});
    if (options_.images) {
        const Box tile = tile_box(state, visits[v].first);
        step.body.image =
            image_of(operand.tensor, gather ? image(operand.projection, tile) : fresh,
                     Transfers::place(hierarchy_.dram), {Transfers::place(hierarchy_.buffer)});
    }
    builder_.step(worker.agent, std::move(step));
}

/// From the global buffer to the cores that need it.
void TilingEmitter::feed(LayerState& state, std::size_t p, std::size_t o) {
    const Operand& operand = state.root.space.operands[o];
    const Pass& pass = state.sequence.passes[p];
    const bool weights = operand.role == TensorRole::weights;
    const CoreSplit split = split_of(state, pass.box);
    const Cargo cargo{operand.tensor,
                      image(operand.projection, pass.box),
                      stored_bytes(touched_words(operand.projection, pass.box), operand.precision),
                      state.fused.root,
                      operand.role,
                      operand.precision};
    const Bytes delivered =
        stored_bytes(delivered_words(operand.projection, split, pass.box), operand.precision);
    const Worker& worker = weights ? feed_weights_ : feed_inputs_;
    RoundStep step;
    step.layer = state.fused.root;
    step.body = transfers_.feed(cargo, delivered, worker.unit);
    (weights ? core_weights_ : core_inputs_[o]).fill(step);
    if (!state.tile_fills[o].empty()) {
        const Ring& ring = weights ? tile_weights_ : tile_inputs_[o];
        const std::size_t visit = pass.tile_visit[o];
        ring.use(step, state.tile_fills[o][visit]);
        const auto& visits = state.sequence.operand_visits[o];
        const std::size_t next = pass.visit[o] + 1;
        const bool last = next == visits.size() ||
                          state.sequence.passes[visits[next].first].tile_visit[o] != visit;
        if (last) {
            ring.release(step);
            step.body.occupancy.push_back(
                {hierarchy_.buffer, 0, state.tile_releases[o][visit].count()});
        }
    } else if (weights) {
        step.waits.push_back({weights_loaded_[state.f], 1});
    } else if (pass.visit[o] == 0) {
        wait_done(step, network_.storage(operand.tensor));
    }
    if (options_.images) {
        auto image_step = std::make_shared<StepImage>();
        const std::vector<CoreBox> boxes = core_boxes(state, pass.box);
        for (const auto& [lane, box] : boxes) {
            image_step->moves.push_back({operand.tensor,
                                         image(operand.projection, box),
                                         Transfers::place(hierarchy_.buffer),
                                         {core(hierarchy_.operands, lane)},
                                         false,
                                         o});
        }
        step.body.image = std::move(image_step);
    }
    builder_.step(worker.agent, std::move(step));
}

/// The other operands of the epilogues, for one pass's results.
void TilingEmitter::feed_epilogue(LayerState& state, std::size_t p) {
    for (std::size_t i = 0; i < state.fused.operands.size(); ++i) {
        const TensorId tensor = state.fused.operands[i];
        const Precision precision = network_.tensor(tensor).precision;
        const Region region = operand_region(state, i, state.sequence.passes[p].box);
        const TensorId view = state.fused.operand(network_, i).tensor;
        const Cargo cargo{view,
                          region,
                          stored_bytes(words(region), precision),
                          state.fused.operand_of[i],
                          TensorRole::inputs,
                          precision};
        RoundStep step;
        step.layer = state.fused.root;
        step.body = transfers_.feed(cargo, cargo.bytes, feed_inputs_.unit);
        core_operands_[i].fill(step);
        if (!plan_.kept[tensor.position()]) {
            RoundStep fetch;
            fetch.layer = state.fused.root;
            fetch.body = transfers_.fetch(cargo, fetch_operands_.unit);
            fetch.body.occupancy.push_back({hierarchy_.buffer, cargo.bytes.count(), 0});
            if (state.outputs_done == 0) {
                wait_done(fetch, tensor);
                if (state.f > 0) {
                    fetch.waits.push_back(
                        {done_[state.f - 1], builder_.posted(done_[state.f - 1])});
                }
            }
            tile_operands_[i].use(step, tile_operands_[i].fill(fetch));
            tile_operands_[i].release(step);
            step.body.occupancy.push_back({hierarchy_.buffer, 0, cargo.bytes.count()});
            if (options_.images) {
                fetch.body.image = image_of(view, region, Transfers::place(hierarchy_.dram),
                                            {Transfers::place(hierarchy_.buffer)});
            }
            builder_.step(fetch_operands_.agent, std::move(fetch));
        } else if (state.outputs_done == 0) {
            wait_done(step, tensor);
        }
        if (options_.images) {
            auto image_step = std::make_shared<StepImage>();
            const std::vector<CoreBox> boxes = core_boxes(state, first_box(state, p));
            for (const auto& [lane, box] : boxes) {
                image_step->moves.push_back({view,
                                             operand_region(state, i, box),
                                             Transfers::place(hierarchy_.buffer),
                                             {core(hierarchy_.operands, lane)},
                                             false,
                                             state.root.space.operands.size() + i});
            }
            step.body.image = std::move(image_step);
        }
        builder_.step(feed_inputs_.agent, std::move(step));
    }
}

void TilingEmitter::compute(LayerState& state, std::size_t p) {
    const Pass& pass = state.sequence.passes[p];
    const CoreSplit split = split_of(state, pass.box);
    RoundStep step;
    step.layer = state.fused.root;
    step.body =
        compute_body(builder_, cores_, state.root, state.fused.root, split, pass.box, pass.starts);
    const auto& operands = state.root.space.operands;
    for (std::size_t o = 0; o + 1 < operands.size(); ++o) {
        Ring& ring = operands[o].role == TensorRole::weights ? core_weights_ : core_inputs_[o];
        const Visit& visit = state.sequence.operand_visits[o][pass.visit[o]];
        if (visit.first == p) {
            ring.use(step, ring.last());
        }
        if (visit.last == p && !operands[o].updated) {
            ring.release(step);
        }
    }
    if (pass.starts) {
        results_.reserve(step);
    }
    if (pass.finishes) {
        results_.filled(step);
    }
    if (options_.images) {
        auto image_step = std::make_shared<StepImage>();
        const std::vector<CoreBox> boxes = core_boxes(state, pass.box);
        for (const auto& [lane, box] : boxes) {
            const Place operands_of = core(hierarchy_.operands, lane);
            image_step->computes.push_back(
                {state.fused.root, box, operands_of, operands_of, core(sums(), lane), pass.starts});
        }
        step.body.image = std::move(image_step);
    }
    builder_.step(compute_.agent, std::move(step));
}

/// Adds up the partial sums of cores that share an output.
void TilingEmitter::reduce(LayerState& state, std::size_t p) {
    const Box& sums_box = first_box(state, p);
    const CoreSplit split = split_of(state, sums_box);
    const std::int64_t shares = split.reduction_parts(state.root.space);
    if (shares == 1) {
        return;
    }
    const Region region = result_region(state, p);
    const Precision precision = state.root.precision.accumulator;
    const std::int64_t additions = words(region) * (shares - 1);
    const Cargo cargo{state.root.outputs.front(),         region,
                      stored_bytes(additions, precision), state.fused.root,
                      TensorRole::partial_sums,           precision};
    RoundStep step;
    step.layer = state.fused.root;
    step.body = transfers_.reduce(cargo, additions, reduce_.unit);
    results_.use(step, results_.last());
    step.posts.push_back({reduced_});
    if (options_.images) {
        auto image_step = std::make_shared<StepImage>();
        const Projection& outputs = state.root.space.outputs().projection;
        const std::vector<CoreBox> boxes = core_boxes(state, sums_box);
        for (std::size_t from = 0; from < boxes.size(); ++from) {
            const Region part = image(outputs, boxes[from].box);
            for (std::size_t first = 0; first < from; ++first) {
                if (image(outputs, boxes[first].box) == part) {
                    image_step->moves.push_back({state.root.outputs.front(),
                                                 part,
                                                 core(sums(), boxes[from].lane),
                                                 {core(sums(), boxes[first].lane)},
                                                 true});
                    break;
                }
            }
        }
        step.body.image = std::move(image_step);
    }
    builder_.step(reduce_.agent, std::move(step));
}

void TilingEmitter::epilogues(LayerState& state, std::size_t p) {
    const CoreSplit split = split_of(state, first_box(state, p));
    const bool reduced = split.reduction_parts(state.root.space) > 1;
    const Region region = result_region(state, p);
    bool first = true;
    std::size_t operand = 0;
    for (const LayerId id : state.fused.epilogues) {
        const Layer& layer = network_.layer(id);
        RoundStep step;
        step.layer = id;
        step.body = epilogue_body(builder_, cores_, layer, id, words(region),
                                  result_words(state.root, split.tile));
        if (!first) {
            step.waits.push_back({finished_, builder_.posted(finished_)});
        } else if (reduced) {
            step.waits.push_back({reduced_, builder_.posted(reduced_)});
        } else {
            results_.use(step, results_.last());
        }
        while (operand < state.fused.operands.size() && state.fused.operand_of[operand] == id) {
            core_operands_[operand].use(step, core_operands_[operand].last());
            core_operands_[operand].release(step);
            ++operand;
        }
        step.posts.push_back({finished_});
        if (options_.images) {
            auto image_step = std::make_shared<StepImage>();
            const Projection& outputs = state.root.space.outputs().projection;
            const std::vector<CoreBox> boxes = core_boxes(state, first_box(state, p));
            std::vector<Region> seen;
            for (const auto& [lane, box] : boxes) {
                const Region part = image(outputs, box);
                if (std::find(seen.begin(), seen.end(), part) == seen.end()) {
                    seen.push_back(part);
                    const Place others = core(hierarchy_.operands, lane);
                    image_step->computes.push_back({id, box_of_results(layer, part), others, others,
                                                    core(sums(), lane), true});
                }
            }
            step.body.image = std::move(image_step);
        }
        builder_.step(epilogue_.agent, std::move(step));
        first = false;
    }
}

/// State that the pass brought up to date beside the arrays, back to where it lies.
void TilingEmitter::write_back(LayerState& state, std::size_t p) {
    for (std::size_t o = 0; o + 1 < state.root.space.operands.size(); ++o) {
        const Operand& operand = state.root.space.operands[o];
        if (!operand.updated) {
            continue;
        }
        const Box& box = state.sequence.passes[p].box;
        const bool gather = operand.projection.gather.has_value();
        Cargo cargo{operand.tensor,
                    visited_region(operand.projection, box),
                    stored_bytes(touched_words(operand.projection, box), operand.precision),
                    state.fused.root,
                    operand.role,
                    operand.precision};
        cargo.drawn = gather ? cargo.region[0].size() : 0;
        RoundStep step;
        step.layer = state.fused.root;
        step.body = transfers_.drain(cargo, Bytes(0), operand.precision, drain_.unit);
        for (const Action action : {Action::write, Action::read}) {
            builder_.count(step.body, state.fused.root, hierarchy_.operands, action, operand.role,
                           operand.precision, cargo.bytes.count());
        }
        step.body.occupancy.push_back({hierarchy_.buffer, cargo.bytes.count(), 0});
        results_.use(step, results_.last());
        core_inputs_[o].release(step);
        updates_.fill(step);
        RoundStep store;
        store.layer = state.fused.root;
        store.body = transfers_.store(cargo, store_.unit);
        store.body.occupancy.push_back({hierarchy_.buffer, 0, cargo.bytes.count()});
        updates_.use(store, updates_.last());
        updates_.release(store);
        if (options_.images) {
            auto back = std::make_shared<StepImage>();
            for (const auto& [lane, part] : core_boxes(state, box)) {
                back->moves.push_back({operand.tensor,
                                       image(operand.projection, part),
                                       core(hierarchy_.operands, lane),
                                       {Transfers::place(hierarchy_.buffer)},
                                       false});
            }
            step.body.image = std::move(back);
            store.body.image =
                image_of(operand.tensor, image(operand.projection, box),
                         Transfers::place(hierarchy_.buffer), {Transfers::place(hierarchy_.dram)});
        }
        builder_.step(drain_.agent, std::move(step));
        builder_.step(store_.agent, std::move(store));
    }
}

/// The finished results to the global buffer.
void TilingEmitter::drain(LayerState& state, std::size_t p) {
    const CoreSplit split = split_of(state, first_box(state, p));
    const Region region = result_region(state, p);
    const TensorId tensor = network_.layer(state.fused.last()).outputs.front();
    const Precision precision = network_.tensor(tensor).precision;
    const Precision accumulator = network_.layer(state.fused.last()).precision.accumulator;
    const Cargo cargo{tensor,
                      region,
                      stored_bytes(words(region), precision),
                      state.fused.last(),
                      role_of_output(state.fused.output),
                      precision};
    RoundStep step;
    step.layer = state.fused.root;
    step.body =
        transfers_.drain(cargo, stored_bytes(words(region), accumulator), accumulator, drain_.unit);
    if (!state.fused.epilogues.empty()) {
        step.waits.push_back({finished_, builder_.posted(finished_)});
    } else if (split.reduction_parts(state.root.space) > 1) {
        step.waits.push_back({reduced_, builder_.posted(reduced_)});
    } else {
        results_.use(step, results_.last());
    }
    results_.release(step);
    const bool kept = plan_.kept[state.fused.output.position()];
    if (state.outputs_done == 0) {
        // The layer before has ended, so what only it needed is free again.
        if (state.f > 0) {
            step.waits.push_back({done_[state.f - 1], builder_.posted(done_[state.f - 1])});
        } else {
            step.waits.push_back({done_.back(), 0});
        }
        const bool first_maker =
            first_maker_[state.fused.output.position()] == static_cast<std::int64_t>(state.f);
        if (is_edge(state.fused.output) && edge_free_[state.fused.output.position()].valid()) {
            step.waits.push_back({edge_free_[state.fused.output.position()], -1});
        } else if (kept && first_maker) {
            step.body.occupancy.push_back(
                {hierarchy_.buffer, network_.tensor_bytes(state.fused.output).count(), 0});
        }
    }
    if (options_.images) {
        auto image_step = std::make_shared<StepImage>();
        const Projection& outputs = state.root.space.outputs().projection;
        const std::vector<CoreBox> boxes = core_boxes(state, first_box(state, p));
        std::vector<Region> seen;
        for (const auto& [lane, box] : boxes) {
            const Region part = image(outputs, box);
            if (std::find(seen.begin(), seen.end(), part) == seen.end()) {
                seen.push_back(part);
                image_step->moves.push_back({tensor,
                                             part,
                                             core(sums(), lane),
                                             {Transfers::place(hierarchy_.buffer)},
                                             false});
            }
        }
        step.body.image = std::move(image_step);
    }
    if (kept) {
        finish_output(state, step);
        builder_.step(drain_.agent, std::move(step));
        return;
    }
    step.body.occupancy.push_back({hierarchy_.buffer, cargo.bytes.count(), 0});
    tile_outputs_.fill(step);
    builder_.step(drain_.agent, std::move(step));
    store(state, p, cargo);
}

void TilingEmitter::store(LayerState& state, std::size_t /*p*/, const Cargo& cargo) {
    RoundStep step;
    step.layer = state.fused.root;
    step.body = transfers_.store(cargo, store_.unit);
    step.body.occupancy.push_back({hierarchy_.buffer, 0, cargo.bytes.count()});
    tile_outputs_.use(step, tile_outputs_.last());
    tile_outputs_.release(step);
    const bool updates = network_.tensor(state.fused.output).kind == TensorKind::update;
    if (updates || (is_edge(state.fused.output) && !hierarchy_.host.valid())) {
        step.body.edge = NetworkEdge::output;
    }
    if (options_.images) {
        step.body.image = image_of(cargo.tensor, cargo.region, Transfers::place(hierarchy_.buffer),
                                   {Transfers::place(hierarchy_.dram)});
    }
    finish_output(state, step);
    builder_.step(store_.agent, std::move(step));
}

/// An output step ends: the layer is done with the last one, and with it what only it still needed.
void TilingEmitter::finish_output(LayerState& state, RoundStep& step) {
    step.posts.push_back({done_[state.f]});
    ++state.outputs_done;
    if (state.outputs_done < state.sequence.finished) {
        return;
    }
    std::vector<TensorId> ended;
    for (const auto* list : {&state.fused.inputs, &state.fused.operands}) {
        for (const TensorId tensor : *list) {
            const bool again = std::find(ended.begin(), ended.end(), tensor) != ended.end();
            if (!again && last_user_[tensor.position()] == static_cast<std::int64_t>(state.f)) {
                ended.push_back(tensor);
            }
        }
    }
    for (const TensorId tensor : ended) {
        if (is_edge(tensor)) {
            if (edge_free_[tensor.position()].valid()) {
                step.posts.push_back({edge_free_[tensor.position()]});
            }
        } else if (plan_.kept[tensor.position()]) {
            step.body.occupancy.push_back(
                {hierarchy_.buffer, 0, network_.tensor_bytes(tensor).count()});
        }
    }
}

}  // namespace memwall
