// SPDX-License-Identifier: Apache-2.0
// What one layer of a tiled program reads: tiles from the DRAM into the global buffer, passes from
// there to the cores.
#include <algorithm>

#include "arch/tiling/emitter.hpp"
#include "arch/tiling/pass_images.hpp"

namespace memwall {

/// The layer before has ended.
void TilingEmitter::wait_layer_before(std::size_t f, RoundStep& step) const {
    if (f > 0) {
        step.waits.push_back({done_[f - 1], builder_.posted(done_[f - 1])});
    }
}

/// The part of an operand that its tile `v` needs and the tile before has not brought: all of it
/// where rows are gathered.
Cargo TilingEmitter::tile_cargo(const LayerPasses& layer, std::size_t o, std::size_t v) {
    const Operand& operand = layer.root.space.operands[o];
    const auto& visits = layer.sequence.tile_visits[o];
    const bool gather = operand.projection.gather.has_value();
    const Region fresh =
        v > 0 && !gather ? fresh_part(visits[v].region, visits[v - 1].region) : visits[v].region;
    return {operand.tensor,
            fresh,
            stored_bytes(words(fresh), operand.precision),
            layer.fused.root,
            operand.role,
            operand.precision,
            gather ? fresh[0].size() : 0};
}

/// Tile `v` takes its bytes of the buffer; rows that the next tile needs too stay with it.
void TilingEmitter::hold_tile(LayerState& state, std::size_t o, std::size_t v, const Cargo& cargo,
                              RoundStep& step) const {
    const Operand& operand = state.layer.root.space.operands[o];
    const auto& visits = state.layer.sequence.tile_visits[o];
    const Bytes held = state.carried[o] + cargo.bytes;
    state.carried[o] = Bytes(0);
    if (v + 1 < visits.size() && !operand.projection.gather) {
        const Region next = fresh_part(visits[v + 1].region, visits[v].region);
        const std::int64_t common = words(visits[v + 1].region) - words(next);
        state.carried[o] = std::min(held, stored_bytes(common, operand.precision));
    }
    state.tile_releases[o].push_back(held - state.carried[o]);
    step.body.occupancy.push_back({hierarchy_.buffer, cargo.bytes.count(), 0});
}

/// Where tiles of an operand lie in the buffer in turn.
Ring& TilingEmitter::tile_ring(LayerState& state, std::size_t o) {
    if (state.layer.root.space.operands[o].role != TensorRole::weights) {
        return tile_inputs_[o];
    }
    return state.layer.plan.restarts ? state.stack_weights : tile_weights_;
}

/// Brings a tile of one operand from the DRAM, unless all of it lies in the buffer.
void TilingEmitter::fetch_tile(LayerState& state, std::size_t o, std::size_t v) {
    const LayerPasses& layer = state.layer;
    const Operand& operand = layer.root.space.operands[o];
    const TensorId stored = network_.storage(operand.tensor);
    const bool weights = operand.role == TensorRole::weights;
    if (weights ? layer.plan.weights_resident : plan_.kept[stored.position()]) {
        return;
    }
    const Worker& worker = weights ? fetch_weights_ : fetch_inputs_;
    const Cargo cargo = tile_cargo(layer, o, v);
    RoundStep step = step_of(layer.fused.root);
    // MODEL: weights and state come through one channel of the DMA, one after another, so that what
    // is read of a cache takes its time from the weights also where nothing else contends.
    transfers_.fetch(step, cargo,
                     operand.role == TensorRole::state ? fetch_weights_.unit : worker.unit);
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
        wait_layer_before(state.f, step);
    }
    if (v == 0) {
        wait_for_room(state.f, step);
    }
    if (!hierarchy_.host.valid() && network_.tensor(stored).kind == TensorKind::input) {
        step.body.edge = NetworkEdge::input;
    }
    state.tile_fills[o].push_back(tile_ring(state, o).fill(step));
    hold_tile(state, o, v, cargo, step);
    if (options_.images) {
        const Box tile = layer.tile_box(layer.sequence.tile_visits[o][v].first);
        step.body.image = image_of_move(
            operand.tensor,
            operand.projection.gather ? image(operand.projection, tile) : cargo.region,
            Transfers::place(hierarchy_.dram), {Transfers::place(hierarchy_.buffer)});
    }
    builder_.step(worker.agent, std::move(step));
}

/// From the global buffer to the cores that need it.
void TilingEmitter::feed(LayerState& state, std::size_t p, std::size_t o) {
    const LayerPasses& layer = state.layer;
    const Operand& operand = layer.root.space.operands[o];
    const Pass& pass = layer.pass(p);
    const bool weights = operand.role == TensorRole::weights;
    const Worker& worker = weights ? feed_weights_ : feed_inputs_;
    RoundStep step = step_of(layer.fused.root);
    const auto number = static_cast<std::int64_t>(o);
    set_body(state, {KnownBodies::What::feed, {state.kinds[p], number}}, step, [&] {
        const Cargo cargo{
            operand.tensor,
            image(operand.projection, pass.box),
            stored_bytes(touched_words(operand.projection, pass.box), operand.precision),
            layer.fused.root,
            operand.role,
            operand.precision};
        const CoreSplit split = layer.split(pass.box);
        const Delivery delivered{
            stored_bytes(delivered_words(operand.projection, split, pass.box), operand.precision),
            most_bytes(operand.projection, operand.precision, split.tile)};
        return transfers_.feed(cargo, delivered, worker.unit);
    });
    (weights ? core_weights_ : core_inputs_[o]).fill(step);
    if (!state.tile_fills[o].empty()) {
        use_tile(state, p, o, step);
    } else if (weights) {
        step.waits.push_back({weights_loaded_[state.f], 1});
    } else if (pass.visit[o] == 0 || layer.plan.restarts) {
        wait_done(step, network_.storage(operand.tensor));
    }
    if (options_.images) {
        step.own_body().image = std::make_shared<StepImage>(feed_image(hierarchy_, layer, p, o));
    }
    builder_.step(worker.agent, std::move(step));
}

/// A pass is fed from a tile that was fetched; the last one to be frees it.
void TilingEmitter::use_tile(LayerState& state, std::size_t p, std::size_t o, RoundStep& step) {
    const PassSequence& sequence = state.layer.sequence;
    const Ring& ring = tile_ring(state, o);
    const std::size_t visit = sequence.passes[p].tile_visit[o];
    ring.use(step, state.tile_fills[o][visit]);
    const auto& visits = sequence.operand_visits[o];
    const std::size_t next = sequence.passes[p].visit[o] + 1;
    if (next == visits.size() || sequence.passes[visits[next].first].tile_visit[o] != visit) {
        ring.release(step);
        step.own_body().occupancy.push_back(
            {hierarchy_.buffer, 0, state.tile_releases[o][visit].count()});
    }
}

/// The other operands of the epilogues, for one pass's results.
void TilingEmitter::feed_epilogue(LayerState& state, std::size_t p) {
    if (state.layer.fused.operands.empty()) {
        return;
    }
    const std::vector<Box> parts = state.layer.drained_parts(p);
    for (std::size_t i = 0; i < state.layer.fused.operands.size(); ++i) {
        for (std::size_t part = 0; part < parts.size(); ++part) {
            RoundStep step = step_of(state.layer.fused.root);
            if (part == 0) {
                core_operands_[i].reserve(step);
            }
            if (part + 1 == parts.size()) {
                core_operands_[i].filled(step);
            }
            feed_operand(state, p, i, parts[part], std::move(step));
        }
    }
}

/// Operand `i` of the epilogues for a part of the pass's results.
void TilingEmitter::feed_operand(LayerState& state, std::size_t p, std::size_t i, const Box& part,
                                 RoundStep step) {
    const LayerPasses& layer = state.layer;
    const TensorId tensor = layer.fused.operands[i];
    const Precision precision = network_.tensor(tensor).precision;
    const Region region = layer.operand_region(i, part);
    const Cargo cargo{layer.fused.operand(network_, i).tensor,
                      region,
                      stored_bytes(words(region), precision),
                      layer.fused.operand_of[i],
                      TensorRole::inputs,
                      precision};
    const auto number = static_cast<std::int64_t>(i);
    set_body(state, {KnownBodies::What::feed_operand, {cargo.bytes.count(), number}}, step, [&] {
        const std::int64_t cores = layer.split(part).cores();
        const Delivery delivered{cargo.bytes, Bytes(ceil_divide(cargo.bytes.count(), cores))};
        return transfers_.feed(cargo, delivered, feed_inputs_.unit);
    });
    if (!plan_.kept[tensor.position()]) {
        fetch_operand(state, i, cargo);
        tile_operands_[i].use(step, tile_operands_[i].last());
        tile_operands_[i].release(step);
        step.own_body().occupancy.push_back({hierarchy_.buffer, 0, cargo.bytes.count()});
    } else if (state.outputs_done == 0 || layer.plan.restarts) {
        wait_done(step, tensor);
    }
    if (options_.images) {
        step.own_body().image = std::make_shared<StepImage>(
            operand_image(hierarchy_, layer, p, i, part, core_operands_[i].last()));
    }
    builder_.step(feed_inputs_.agent, std::move(step));
}

/// Operand `i` of the epilogues from the DRAM.
void TilingEmitter::fetch_operand(const LayerState& state, std::size_t i, const Cargo& cargo) {
    RoundStep step = step_of(state.layer.fused.root);
    transfers_.fetch(step, cargo, fetch_operands_.unit);
    step.body.occupancy.push_back({hierarchy_.buffer, cargo.bytes.count(), 0});
    if (state.outputs_done == 0) {
        wait_done(step, state.layer.fused.operands[i]);
        wait_layer_before(state.f, step);
    }
    tile_operands_[i].fill(step);
    if (options_.images) {
        step.body.image =
            image_of_move(cargo.tensor, cargo.region, Transfers::place(hierarchy_.dram),
                          {Transfers::place(hierarchy_.buffer)});
    }
    builder_.step(fetch_operands_.agent, std::move(step));
}

}  // namespace memwall
