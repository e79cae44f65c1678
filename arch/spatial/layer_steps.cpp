// SPDX-License-Identifier: Apache-2.0
// One layer of a spatial program: its weights, the chunks of its results, their sums and epilogues.
#include <algorithm>

#include "arch/spatial/emitter.hpp"
#include "arch/spatial/kept_state.hpp"
#include "arch/spatial/layer_images.hpp"

namespace memwall {
namespace {

/// Part `i` of `n` of each count.
std::vector<ActionCount> share_of(const std::vector<ActionCount>& counts, std::int64_t i,
                                  std::int64_t n) {
    std::vector<ActionCount> parts;
    for (const ActionCount& count : counts) {
        const std::int64_t part = share(count.count, i, n);
        if (part > 0) {
            parts.push_back({count.row, part});
        }
    }
    return parts;
}

std::int64_t chunks_of(const SpatialLayer& layer) {
    return static_cast<std::int64_t>(layer.chunks.size());
}

/// The array's (or vector unit's) work while piece `p` of a chunk's weights is the newest: a part
/// of the lead-in, or with the last one the chunk itself.
Compute turn_of(const SpatialLayer& layer, const OutputChunk& chunk, std::int64_t p,
                std::int64_t turns, Cycles latency) {
    Compute compute;
    if (p + 1 == turns) {
        compute.occupies = Cycles(turns == 1 ? chunk.cycles + chunk.lead_cycles : chunk.cycles);
        compute.latency = latency;
    } else {
        compute.occupies = Cycles(share(chunk.lead_cycles, p, turns - 1));
    }
    compute.lanes_occupied = compute.occupies * static_cast<std::int64_t>(layer.boxes.size());
    return compute;
}

}  // namespace

/// How many parts of a layer's inputs must be there before the piece of its first chunk: its
/// reduction takes the channels in the order in which they come.
std::int64_t SpatialEmitter::parts_needed(std::size_t f, std::int64_t piece,
                                          std::int64_t pieces) const {
    const Fresh& fresh = fresh_[f];
    const std::int64_t channels = ceil_divide(fresh.channel_parts * (piece + 1), pieces);
    return fresh.before + fresh.parts / fresh.channel_parts * channels;
}

/// Starts a layer's program in all cores while the one before computes its last chunk.
void SpatialEmitter::begin_layer(std::size_t f) {
    RoundStep step;
    step.layer = layers_.layers[f].fused->root;
    step.body.unit = sequencer_.unit;
    Compute compute;
    compute.occupies = chip_.synchronisation;
    step.body.what = compute;
    if (f > 0) {
        step.waits.push_back({last_chunks_[f - 1], 1});
    } else {
        step.waits.push_back({last_chunks_.back(), 0});
        step.waits.push_back({ready_[0], builder_.posted(ready_[0])});  // a frame is there first
    }
    wait_for_room(f, step);
    if (instructions_.agent.valid()) {
        programs_.use(step, programs_.last());
    }
    step.posts.push_back({epochs_[f]});
    if (options_.images) {
        step.body.image = kept_image(network_, chip_, layers_.layers[f]);
    }
    submit(sequencer_, std::move(step));
}

/// An output of the network has two places in the cores that make it: that of the round before the
/// last has left.
void SpatialEmitter::wait_for_room(std::size_t f, RoundStep& step) const {
    const ArrivalIndex::List& out = arrivals_.into(layers_.layers.size());
    if (std::any_of(out.begin(), out.end(), [&](const Arrival* arrival) {
            return arrival->maker == static_cast<std::int64_t>(f);
        })) {
        step.waits.push_back({handed_, -std::count_if(out.begin(), out.end(), [](const auto* each) {
                                  return each->maker >= 0;
                              })});
    }
}

/// A layer's program from the core where it lies into a slot of every core.
void SpatialEmitter::fetch_program(std::size_t f) {
    if (!instructions_.agent.valid()) {
        return;
    }
    const SpatialLayer& layer = layers_.layers[f];
    const Bytes delivered = chip_.program * chip_.cores;
    RoundStep step;
    step.layer = layer.fused->root;
    step.body.unit = instructions_.unit;
    Move move = move_between(machine_, chip_.core_memory, chip_.core_memory, delivered);
    move.links = layer.program_links;
    move.latency += latency_of(chip_.instruction_network, layer.program_distance);
    const auto count = [&](ComponentId component, Action action, std::int64_t bytes) {
        builder_.count(step.body, step.layer, component, action, TensorRole::instructions,
                       Precision::int8, bytes);
    };
    count(chip_.core_memory, Action::read, chip_.program.count());
    count(chip_.instruction_network, Action::hop, layer.program_hops);
    count(chip_.core_memory, Action::write, delivered.count());
    step.body.what = std::move(move);
    step.waits.push_back({stored_, 1});
    programs_.fill(step);
    submit(instructions_, std::move(step));
}

void SpatialEmitter::stream_weights(std::size_t f) {
    const SpatialLayer& layer = layers_.layers[f];
    loads_ += layer.loads_weights ? 1 : 0;
    std::size_t chunk = 0;
    std::int64_t within = 0;
    for (std::int64_t p = 0; p < layer.pieces; ++p) {
        RoundStep step = weight_piece(layer, p);
        weights_.fill(step);
        if (p == 0) {
            step.waits.push_back({loaded_, loads_});
        }
        while (within == layer.chunks[chunk].pieces) {
            ++chunk;
            within = 0;
        }
        if (options_.images && within + 1 == layer.chunks[chunk].pieces) {
            step.body.image = std::make_shared<StepImage>(
                weights_image(network_, chip_, layer, layer.chunks[chunk]));
        }
        ++within;
        submit(model_, std::move(step));
    }
}

/// A piece of a layer's weights from the core memories over the model network to all that need it.
RoundStep SpatialEmitter::weight_piece(const SpatialLayer& layer, std::int64_t p) {
    const Operand* weights = network_.layer(layer.fused->root).space.find(TensorRole::weights);
    const Precision precision = weights ? weights->precision : Precision::int8;
    RoundStep step;
    step.layer = layer.fused->root;
    step.body.unit = model_.unit;
    Move move = move_between(machine_, chip_.core_memory, chip_.weight_buffer,
                             Bytes(share(layer.weights_delivered.count(), p, layer.pieces)));
    move.links = share(layer.weight_links, p, layer.pieces);
    move.occupies = Cycles(ceil_divide(layer.weight_local_cycles, layer.pieces));
    move.latency += latency_of(chip_.model_network, layer.weight_distance);
    const auto count = [&](ComponentId component, Action action, std::int64_t total) {
        builder_.count(step.body, step.layer, component, action, TensorRole::weights, precision,
                       share(total, p, layer.pieces));
    };
    count(chip_.core_memory, Action::read, layer.weights_read.count());
    count(chip_.model_network, Action::hop, layer.weight_hops);
    count(chip_.weight_buffer, Action::write, layer.weights_delivered.count());
    step.body.what = std::move(move);
    return step;
}

void SpatialEmitter::compute_layer(std::size_t f) {
    const SpatialLayer& layer = layers_.layers[f];
    const Layer& root = network_.layer(layer.fused->root);
    const StepBody whole = compute_body(builder_, cores_, root, layer.fused->root,
                                        layer.plan->split, root.space.box(), true);
    for (std::size_t c = 0; c < layer.chunks.size(); ++c) {
        compute_chunk(f, whole, c);
        add_sums(f, c);
        run_epilogues(f, c);
    }
}

/// The lead-in while all but the last piece of the chunk's weights arrive, then the chunk itself.
void SpatialEmitter::compute_chunk(std::size_t f, const StepBody& whole, std::size_t c) {
    const SpatialLayer& layer = layers_.layers[f];
    const OutputChunk& chunk = layer.chunks[c];
    const Worker& worker = whole.unit == epilogue_.unit ? epilogue_ : compute_;
    const std::int64_t turns = std::max<std::int64_t>(1, chunk.pieces);
    for (std::int64_t p = 0; p < turns; ++p) {
        RoundStep step;
        step.layer = layer.fused->root;
        step.body.unit = whole.unit;
        step.body.what = turn_of(layer, chunk, p, turns, std::get<Compute>(whole.what).latency);
        if (c == 0) {
            wait_for_inputs(f, p, turns, step);
        }
        if (p == 0) {
            results_.reserve(step);  // the accumulators hold the sums of some chunks
        }
        use_weights(layer, c, p, step);
        if (p + 1 == turns) {
            end_compute(f, whole, c, step);
        }
        submit(worker, std::move(step));
    }
}

/// The first chunk begins with the layer's program, and each of its turns with the inputs for it.
void SpatialEmitter::wait_for_inputs(std::size_t f, std::int64_t p, std::int64_t turns,
                                     RoundStep& step) const {
    if (p == 0) {
        step.waits.push_back({epochs_[f], 1});
    }
    const std::int64_t needed = parts_needed(f, p, turns);
    if (needed > 0) {
        step.waits.push_back({ready_[f], needed});
    }
}

/// Turn `p` of a chunk takes the next piece of weights and frees a slot, unless the next chunk goes
/// on with this one.
void SpatialEmitter::use_weights(const SpatialLayer& layer, std::size_t c, std::int64_t p,
                                 RoundStep& step) const {
    const OutputChunk& chunk = layer.chunks[c];
    // Weights of a chunk without own pieces are those of the chunk before: kept until its end.
    const bool last_use = c + 1 == layer.chunks.size() || layer.chunks[c + 1].pieces > 0;
    if (chunk.pieces > 0) {
        std::int64_t before = 0;
        for (std::size_t earlier = 0; earlier < c; ++earlier) {
            before += layer.chunks[earlier].pieces;
        }
        weights_.use(step, weights_.last() - layer.pieces + 1 + before + p);
        if (p + 1 < chunk.pieces || last_use) {
            weights_.release(step);
        }
    } else if (layer.pieces > 0 && last_use) {
        weights_.release(step);
    }
}

/// The last turn of a chunk has its counters and words, and hands its sums over.
void SpatialEmitter::end_compute(std::size_t f, const StepBody& whole, std::size_t c,
                                 RoundStep& step) {
    const SpatialLayer& layer = layers_.layers[f];
    if (c + 1 == layer.chunks.size()) {
        step.posts.push_back({last_chunks_[f], 1, PostAt::start});
    }
    step.body.actions = share_of(whole.actions, static_cast<std::int64_t>(c), chunks_of(layer));
    if (options_.images) {
        step.body.image = std::make_shared<StepImage>(
            layer.shares_rows ? rows_image(network_, chip_, layer, layer.chunks[c])
                              : compute_image(chip_, layer, layer.chunks[c]));
    }
    if (layer.shares > 1 || !layer.fused->epilogues.empty()) {
        step.posts.push_back({computed_[f]});
    } else {
        finish_chunk(f, c, step);
    }
}

void SpatialEmitter::add_sums(std::size_t f, std::size_t c) {
    const SpatialLayer& layer = layers_.layers[f];
    if (layer.shares == 1) {
        return;
    }
    const std::int64_t n = chunks_of(layer);
    const auto i = static_cast<std::int64_t>(c);
    const Precision precision = network_.layer(layer.fused->root).precision.accumulator;
    RoundStep step;
    step.layer = layer.fused->root;
    step.body.unit = sums_.unit;
    Move move = move_between(machine_, chip_.accumulators, chip_.accumulators,
                             Bytes(share(layer.sums.count(), i, n)));
    move.combine = Combine::sum;
    move.mode = MoveMode::accumulate;
    move.links = share(layer.sum_links, i, n);
    move.latency += latency_of(chip_.partial_sum_network, layer.sum_distance);
    const auto count = [&](ComponentId component, Action action, std::int64_t total) {
        builder_.count(step.body, step.layer, component, action, TensorRole::partial_sums,
                       precision, share(total, i, n));
    };
    count(chip_.accumulators, Action::read, layer.sums.count() * 2);
    count(chip_.accumulators, Action::write, layer.sums.count());
    count(chip_.partial_sum_network, Action::hop, layer.sum_hops);
    count(layer.shares_rows ? chip_.vector : chip_.array, Action::accumulate,
          layer.sums.count() * 8 / bits(precision));
    step.body.what = std::move(move);
    step.waits.push_back({computed_[f], builder_.posted(computed_[f])});
    if (options_.images) {
        step.body.image = std::make_shared<StepImage>(
            layer.shares_rows ? compute_image(chip_, layer, layer.chunks[c])
                              : sums_image(network_, chip_, layer, layer.chunks[c]));
    }
    if (layer.fused->epilogues.empty()) {
        finish_chunk(f, c, step);
    } else {
        step.posts.push_back({summed_[f]});
    }
    submit(sums_, std::move(step));
}

void SpatialEmitter::run_epilogues(std::size_t f, std::size_t c) {
    const SpatialLayer& layer = layers_.layers[f];
    const std::int64_t n = chunks_of(layer);
    std::int64_t most = 0;  // results in one core
    for (const Holder& holder : layer.results) {
        most = std::max(most, words(holder.region));
    }
    const std::int64_t results = share(held_words(layer), static_cast<std::int64_t>(c), n);
    TokenId before = layer.shares > 1 ? summed_[f] : computed_[f];
    for (const LayerId id : layer.fused->epilogues) {
        RoundStep step;
        step.layer = id;
        step.body =
            epilogue_body(builder_, cores_, network_.layer(id), id, results, ceil_divide(most, n));
        if (c == 0 && builder_.posted(operands_[f]) > 0) {
            step.waits.push_back({operands_[f], builder_.posted(operands_[f])});
        }
        step.waits.push_back({before, builder_.posted(before)});
        if (options_.images) {
            step.body.image = std::make_shared<StepImage>(
                epilogue_image(network_, chip_, layer, id, layer.chunks[c]));
        }
        if (id == layer.fused->epilogues.back()) {
            finish_chunk(f, c, step);
        } else {
            step.posts.push_back({epilogued_[f]});
        }
        submit(epilogue_, std::move(step));
        before = epilogued_[f];
    }
}

/// A chunk of results is written to the memories of its cores. With the last one the layer is done.
void SpatialEmitter::finish_chunk(std::size_t f, std::size_t c, RoundStep& step) {
    const SpatialLayer& layer = layers_.layers[f];
    const Layer& last = network_.layer(layer.fused->last());
    const Precision precision = network_.tensor(last.outputs.front()).precision;
    const std::int64_t n = chunks_of(layer);
    const auto i = static_cast<std::int64_t>(c);
    const Bytes bytes = stored_bytes(held_words(layer), precision);
    const Bytes sums = stored_bytes(held_words(layer), last.precision.accumulator);
    builder_.count(step.body, layer.fused->last(), chip_.accumulators, Action::read,
                   TensorRole::partial_sums, last.precision.accumulator, share(sums.count(), i, n));
    builder_.count(step.body, layer.fused->last(), chip_.core_memory, Action::write,
                   TensorRole::outputs, precision, share(bytes.count(), i, n));
    if (options_.images) {
        auto with_results = std::make_shared<StepImage>(*step.body.image);
        add_results(network_, chip_, layer, layer.chunks[c], *with_results);
        step.body.image = std::move(with_results);
    }
    if (c == 0 && !is_kept(network_, layer.fused->output)) {
        step.body.occupancy.push_back({chip_.core_memory, bytes.count(), 0});
    }
    results_.release(step);
    step.posts.push_back({done_[f]});
    if (c + 1 == layer.chunks.size()) {
        free_inputs(f, step);
        if (instructions_.agent.valid()) {
            programs_.release(step);
        }
    }
}

/// What came in for a layer is free again, and what only it still read.
void SpatialEmitter::free_inputs(std::size_t f, RoundStep& step) const {
    for (const Arrival* arrival : arrivals_.into(f)) {
        if (arrival->delivered.count() > 0) {
            step.body.occupancy.push_back({chip_.core_memory, 0, arrival->delivered.count()});
        }
    }
    for (const std::size_t maker : freed_[f]) {
        const Bytes held = held_bytes(layers_.layers[maker]);
        step.body.occupancy.push_back({chip_.core_memory, 0, held.count()});
    }
}

}  // namespace memwall
