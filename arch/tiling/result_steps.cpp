// SPDX-License-Identifier: Apache-2.0
// What one layer of a tiled program makes: its computing, sums, epilogues, and the way of the
// results to the global buffer and the DRAM.
#include <algorithm>

#include "arch/dram_access.hpp"
#include "arch/tiling/emitter.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "arch/tiling/pass_images.hpp"

namespace memwall {

void TilingEmitter::compute(LayerState& state, std::size_t p) {
    const LayerPasses& layer = state.layer;
    const Pass& pass = layer.pass(p);
    RoundStep step = step_of(layer.fused.root);
    const std::optional<std::int64_t> points = counted_points(state, p);
    set_body(
        state,
        {KnownBodies::What::compute, {state.kinds[p], pass.starts ? 1 : 0, points.value_or(-1)}},
        step, [&] {
            return compute_body(builder_, cores_, layer.root, layer.fused.root,
                                layer.split(pass.box), pass.box, pass.starts, points);
        });
    const auto& operands = layer.root.space.operands;
    for (std::size_t o = 0; o + 1 < operands.size(); ++o) {
        const Ring& ring =
            operands[o].role == TensorRole::weights ? core_weights_ : core_inputs_[o];
        const Visit& visit = layer.sequence.operand_visits[o][pass.visit[o]];
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
        step.own_body().image = std::make_shared<StepImage>(compute_image(hierarchy_, layer, p));
    }
    builder_.step(compute_.agent, std::move(step));
}

/// Adds up the partial sums of cores that share an output.
void TilingEmitter::reduce(LayerState& state, std::size_t p) {
    const LayerPasses& layer = state.layer;
    const std::int64_t shares = state.results_of(p).shares;
    if (shares == 1) {
        return;
    }
    const Region region = layer.results(layer.pass(p).box);
    const Precision precision = layer.root.precision.accumulator;
    const std::int64_t additions = words(region) * (shares - 1);
    const Cargo cargo{layer.root.outputs.front(),         region,
                      stored_bytes(additions, precision), layer.fused.root,
                      TensorRole::partial_sums,           precision};
    RoundStep step = step_of(layer.fused.root);
    set_body(state, {KnownBodies::What::reduce, {additions}}, step,
             [&] { return transfers_.reduce(cargo, additions, reduce_.unit); });
    results_.use(step, results_.last());
    step.posts.push_back({reduced_});
    if (options_.images) {
        step.own_body().image = std::make_shared<StepImage>(reduce_image(hierarchy_, layer, p));
    }
    builder_.step(reduce_.agent, std::move(step));
}

/// The sums of a pass are whole.
void TilingEmitter::wait_sums(const LayerState& state, std::size_t p, RoundStep& step) const {
    if (state.results_of(p).shares > 1) {
        step.waits.push_back({reduced_, builder_.posted(reduced_)});
    } else {
        results_.use(step, results_.last());
    }
}

void TilingEmitter::epilogues(LayerState& state, std::size_t p) {
    const LayerPasses& layer = state.layer;
    const PassResults& results = state.results_of(p);
    bool first = true;
    std::size_t operand = 0;
    for (const LayerId id : layer.fused.epilogues) {
        RoundStep step = step_of(id);
        set_body(state,
                 {KnownBodies::What::epilogue, {id.value, results.words, results.most_words}}, step,
                 [&] {
                     return epilogue_body(builder_, cores_, network_.layer(id), id, results.words,
                                          results.most_words);
                 });
        if (first) {
            wait_sums(state, p, step);
        } else {
            step.waits.push_back({finished_, builder_.posted(finished_)});
        }
        while (operand < layer.fused.operands.size() && layer.fused.operand_of[operand] == id) {
            core_operands_[operand].use(step, core_operands_[operand].last());
            core_operands_[operand].release(step);
            ++operand;
        }
        step.posts.push_back({finished_});
        if (options_.images) {
            step.own_body().image =
                std::make_shared<StepImage>(epilogue_image(hierarchy_, layer, p, id));
        }
        builder_.step(epilogue_.agent, std::move(step));
        first = false;
    }
}

TensorRole TilingEmitter::role_of_output(TensorId stored) const {
    return network_.tensor(stored).kind == TensorKind::state ? TensorRole::state
                                                             : TensorRole::outputs;
}

/// State that the pass brought up to date beside the arrays, to the global buffer; from there a
/// whole tile at a time to where it lies.
void TilingEmitter::write_back(const LayerState& state, std::size_t p) {
    const LayerPasses& layer = state.layer;
    const Box& box = layer.pass(p).box;
    for (std::size_t o = 0; o + 1 < layer.root.space.operands.size(); ++o) {
        const Operand& operand = layer.root.space.operands[o];
        if (!operand.updated) {
            continue;
        }
        const std::size_t tile = layer.pass(p).tile_visit[o];
        const Visit& visit = layer.sequence.tile_visits[o][tile];
        const Cargo part{operand.tensor,
                         visited_region(operand.projection, box),
                         stored_bytes(touched_words(operand.projection, box), operand.precision),
                         layer.fused.root,
                         operand.role,
                         operand.precision};
        RoundStep step = step_of(layer.fused.root);
        step.body = transfers_.drain(part, Bytes(0), operand.precision, drain_.unit);
        for (const Action action : {Action::write, Action::read}) {
            builder_.count(step.body, layer.fused.root, hierarchy_.operands, action, operand.role,
                           operand.precision, part.bytes.count());
        }
        results_.use(step, results_.last());
        core_inputs_[o].release(step);
        if (visit.first == p) {
            const Bytes whole = tile_cargo(layer, o, tile).bytes;
            step.body.occupancy.push_back({hierarchy_.buffer, whole.count(), 0});
            updates_[o].reserve(step);
        }
        if (visit.last == p) {
            updates_[o].filled(step);
        }
        if (options_.images) {
            step.body.image =
                std::make_shared<StepImage>(write_back_image(hierarchy_, layer, p, o));
        }
        builder_.step(drain_.agent, std::move(step));
        if (visit.last == p) {
            store_update(state, p, o, tile_cargo(layer, o, tile));
        }
    }
}

/// Operand `o` of a tile, brought up to date, from the global buffer to the DRAM.
void TilingEmitter::store_update(const LayerState& state, std::size_t p, std::size_t o,
                                 const Cargo& tile) {
    const LayerPasses& layer = state.layer;
    RoundStep step = step_of(layer.fused.root);
    transfers_.store(step, tile, store_.unit);
    step.body.occupancy.push_back({hierarchy_.buffer, 0, tile.bytes.count()});
    updates_[o].use(step, updates_[o].last());
    updates_[o].release(step);
    if (options_.images) {
        step.body.image = image_of_move(
            tile.tensor, image(layer.root.space.operands[o].projection, layer.tile_box(p)),
            Transfers::place(hierarchy_.buffer), {Transfers::place(hierarchy_.dram)});
    }
    builder_.step(store_.agent, std::move(step));
}

/// The finished results to the global buffer.
void TilingEmitter::drain(LayerState& state, std::size_t p) {
    const std::vector<Box> parts = state.layer.drained_parts(p);
    for (std::size_t part = 0; part < parts.size(); ++part) {
        RoundStep step = step_of(state.layer.fused.root);
        if (part == 0 && state.layer.fused.epilogues.empty()) {
            wait_sums(state, p, step);
        } else if (part == 0) {
            step.waits.push_back({finished_, builder_.posted(finished_)});
        }
        if (part + 1 == parts.size()) {
            results_.release(step);
        }
        drain_part(state, p, parts[part], std::move(step));
    }
}

Cargo TilingEmitter::cargo_of_results(const LayerPasses& layer, const Box& box) const {
    const TensorId tensor = network_.layer(layer.fused.last()).outputs.front();
    const Precision precision = network_.tensor(tensor).precision;
    const Region region = layer.results(box);
    return {tensor,
            region,
            stored_bytes(words(region), precision),
            layer.fused.last(),
            role_of_output(layer.fused.output),
            precision};
}

// MODEL: results leave a tiled machine's buffer pass by pass; a whole tile at a time where operands
// are written back beside them, or where a pass's lie in smaller pieces of the DRAM.
bool TilingEmitter::stores_tiles(const LayerPasses& layer) const {
    if (plan_.kept[layer.fused.output.position()] || layer.plan.restarts) {
        return false;
    }
    const auto of = [&](const Box& box) {
        const Cargo cargo = cargo_of_results(layer, box);
        return cargo.bytes.count() == 0  // all of it is padding
                   ? 1.0
                   : stretch(transfers_.access(cargo), *hierarchy_.dram_config);
    };
    const std::vector<Dim> sums = layer.root.space.reduction_dims();
    const bool whole_sums = std::all_of(sums.begin(), sums.end(), [&](Dim dim) {
        return layer.plan.tile[index(dim)] >= layer.root.space.extent(dim);
    });
    return updates_operands(layer.root.space) ||
           (whole_sums && layer.tiles() > 1 && layer.plan.drained == layer.plan.passes.pass &&
            of(layer.pass(0).box) > 1.25 * of(layer.tile_box(0)));
}

/// A part of them. It leaves at once, or with its tile.
void TilingEmitter::drain_part(LayerState& state, std::size_t p, const Box& part, RoundStep step) {
    const LayerPasses& layer = state.layer;
    const Cargo cargo = cargo_of_results(layer, part);
    const Precision accumulator = network_.layer(layer.fused.last()).precision.accumulator;
    const Bytes sums = stored_bytes(words(cargo.region), accumulator);
    set_body(state, {KnownBodies::What::drain, {cargo.bytes.count(), sums.count()}}, step,
             [&] { return transfers_.drain(cargo, sums, accumulator, drain_.unit); });
    if (state.outputs_done == 0) {
        begin_output(state, step);
    }
    if (options_.images) {
        step.own_body().image =
            std::make_shared<StepImage>(drain_image(hierarchy_, layer, p, part));
    }
    if (plan_.kept[layer.fused.output.position()]) {
        finish_output(state, step);
        builder_.step(drain_.agent, std::move(step));
        return;
    }
    const bool first = !state.stores_tiles || !state.tile_begun;
    const bool last = !state.stores_tiles || layer.tile_of_results(p).last == p;
    state.tile_begun = !last;
    const Cargo leaves = state.stores_tiles ? cargo_of_results(layer, layer.tile_box(p)) : cargo;
    if (first) {
        step.own_body().occupancy.push_back({hierarchy_.buffer, leaves.bytes.count(), 0});
        tile_outputs_.reserve(step);
    }
    if (last) {
        tile_outputs_.filled(step);
    }
    builder_.step(drain_.agent, std::move(step));
    if (last) {
        store(state, leaves);
    }
}

/// The first results of a layer: the layer before has ended, so what only it needed is free again.
void TilingEmitter::begin_output(const LayerState& state, RoundStep& step) const {
    if (state.f > 0) {
        wait_layer_before(state.f, step);
    } else {
        step.waits.push_back({done_.back(), 0});
    }
    const TensorId output = state.layer.fused.output;
    const std::size_t t = output.position();
    if (is_edge(output) && edge_free_[t].valid()) {
        step.waits.push_back({edge_free_[t], -1});
    } else if (plan_.kept[t] && first_maker_[t] == static_cast<std::int64_t>(state.f)) {
        step.own_body().occupancy.push_back(
            {hierarchy_.buffer, plan_.held(network_, output).count(), 0});
    }
}

void TilingEmitter::store(LayerState& state, const Cargo& cargo) {
    RoundStep step = step_of(state.layer.fused.root);
    transfers_.store(step, cargo, store_.unit);
    step.body.occupancy.push_back({hierarchy_.buffer, 0, cargo.bytes.count()});
    tile_outputs_.use(step, tile_outputs_.last());
    tile_outputs_.release(step);
    const TensorId output = state.layer.fused.output;
    const bool updates = network_.tensor(output).kind == TensorKind::update;
    if (updates || (is_edge(output) && !hierarchy_.host.valid())) {
        step.body.edge = NetworkEdge::output;
    }
    if (options_.images) {
        step.body.image =
            image_of_move(cargo.tensor, cargo.region, Transfers::place(hierarchy_.buffer),
                          {Transfers::place(hierarchy_.dram)});
    }
    finish_output(state, step);
    builder_.step(store_.agent, std::move(step));
}

/// An output step ends: the layer is done with the last one, and with it what only it still needed.
void TilingEmitter::finish_output(LayerState& state, RoundStep& step) {
    step.posts.push_back({done_[state.f]});
    ++state.outputs_done;
    if (state.outputs_done < state.outputs) {
        return;
    }
    end_lives_in_cache(state.f);
    std::vector<TensorId> ended;
    for (const auto* list : {&state.layer.fused.inputs, &state.layer.fused.operands}) {
        for (const TensorId tensor : *list) {
            const bool again = std::find(ended.begin(), ended.end(), tensor) != ended.end();
            if (!again && last_user_[tensor.position()] == static_cast<std::int64_t>(state.f)) {
                ended.push_back(tensor);
            }
        }
    }
    for (const TensorId tensor : ended) {
        if (is_edge(tensor)) {
            const bool input = network_.tensor(tensor).kind == TensorKind::input;
            if (input && edge_free_[tensor.position()].valid()) {
                step.posts.push_back({edge_free_[tensor.position()]});
            }
        } else if (plan_.kept[tensor.position()]) {
            step.own_body().occupancy.push_back(
                {hierarchy_.buffer, 0, plan_.held(network_, tensor).count()});
        }
    }
}

}  // namespace memwall
