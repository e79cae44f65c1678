// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/emitter.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {
namespace {

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

Cycles latency_of(const Machine& machine, ComponentId mesh, std::int64_t hops) {
    return std::get<MeshConfig>(machine.component(mesh).config).hop * hops;
}

}  // namespace

SpatialEmitter::SpatialEmitter(const Network& network, const Machine& machine, const Chip& chip,
                               const Cores& cores, const SpatialNetwork& layers,
                               const MapperOptions& options, const Schedule* schedule)
    : network_(network),
      machine_(machine),
      chip_(chip),
      cores_(cores),
      layers_(layers),
      options_(options),
      schedule_(schedule),
      builder_(machine) {
    const auto worker = [&](const std::string& name, ComponentId component, std::int64_t lanes) {
        emitted_.push_back(0);
        return Worker{builder_.agent(name, -workers_++, lanes), builder_.unit(name, component)};
    };
    host_in_ = worker("host in", chip.host, 1);
    sequencer_ = worker("sequencer", chip.sequencer, 1);
    model_ = worker("model network", chip.model_network, chip.cores);
    compute_ = worker("compute", chip.array, chip.cores);
    sums_ = worker("partial sums", chip.partial_sum_network, chip.cores);
    epilogue_ = worker("epilogue", chip.vector, chip.cores);
    activations_ = worker("activations", chip.activation_network, chip.cores);
    host_out_ = worker("host out", chip.host, 1);
    // The next inputs travel on the same network, where nothing else wants to.
    ingress_ = {builder_.agent("ingress", 1, chip.cores), activations_.unit};
    emitted_.push_back(0);
    cores_.array_unit = compute_.unit;
    cores_.vector_unit = epilogue_.unit;
    weights_ = Ring(builder_, "weights", kWeightSlots);
    results_ = Ring(builder_, "results", result_slots());
    loaded_ = builder_.token("weights loaded");
    for (const SpatialLayer& layer : layers.layers) {
        const std::string& name = network.layer(layer.fused->root).name;
        done_.push_back(builder_.token("layer '" + name + "' done"));
        ready_.push_back(builder_.token("inputs of layer '" + name + "'"));
        operands_.push_back(builder_.token("operands of layer '" + name + "'"));
        last_chunks_.push_back(builder_.token("layer '" + name + "' in its last chunk"));
        computed_.push_back(builder_.token("layer '" + name + "' computed"));
        summed_.push_back(builder_.token("layer '" + name + "' summed"));
        epilogued_.push_back(builder_.token("layer '" + name + "' epilogue"));
        epochs_.push_back(builder_.token("layer '" + name + "' begins"));
    }
    fresh_.resize(layers.layers.size());
    there_.resize(network.tensors().size());
    used_.resize(network.tensors().size());
}

/// Chunks whose sums the accumulators hold at once: those of a whole layer, or as many of the
/// largest as fit.
std::int64_t SpatialEmitter::result_slots() const {
    std::int64_t most = 1;
    for (const SpatialLayer& layer : layers_.layers) {
        const Layer& root = network_.layer(layer.fused->root);
        const Bytes sums =
            stored_bytes(result_words(root, layer.plan->split.tile), root.precision.accumulator);
        most = std::max(most,
                        ceil_divide(sums.count(), static_cast<std::int64_t>(layer.chunks.size())));
    }
    const auto& accumulators =
        std::get<MemoryConfig>(machine_.component(chip_.accumulators).config);
    return std::clamp<std::int64_t>(accumulators.capacity.count() / most, 2, kOutputChunks);
}

bool SpatialEmitter::scheduled(AgentId agent) const {
    return agent != host_in_.agent && agent != host_out_.agent && agent != sequencer_.agent &&
           agent != ingress_.agent;
}

/// Every scheduled step takes its place in the static schedule, once there is one.
void SpatialEmitter::submit(const Worker& worker, RoundStep step) {
    const auto agent = worker.agent.position();
    const auto place = static_cast<std::size_t>(emitted_[agent]++);
    if (schedule_ != nullptr && scheduled(worker.agent)) {
        const ScheduledStart& start = (*schedule_)[agent][place];
        step.start_at = start.start_at;
        const TokenId epoch = epochs_[start.layer];
        step.epoch = {epoch, 1 - start.rounds_before};
    }
    builder_.step(worker.agent, std::move(step));
}

std::int64_t SpatialEmitter::last_reader(TensorId tensor) const {
    std::int64_t last = -1;
    for (const Arrival& arrival : layers_.arrivals) {
        if (arrival.tensor == tensor) {
            last = std::max(last, static_cast<std::int64_t>(arrival.reader));
        }
    }
    return last;
}

std::vector<TensorId> SpatialEmitter::edges(bool inputs) const {
    std::vector<TensorId> found;
    for (const Arrival& arrival : layers_.arrivals) {
        const bool edge = inputs ? arrival.maker < 0 : arrival.reader == layers_.layers.size();
        if (edge && std::find(found.begin(), found.end(), arrival.tensor) == found.end()) {
            found.push_back(arrival.tensor);
        }
    }
    return found;
}

Program SpatialEmitter::run(std::int64_t rounds) {
    load();
    for (const TensorId input : edges(true)) {
        receive(input);
    }
    const auto move_phase = [&](std::size_t phase) {
        for (const Arrival& arrival : layers_.arrivals) {
            if (arrival.phase == phase) {
                move_arrival(arrival);
            }
        }
    };
    move_phase(0);
    for (std::size_t f = 0; f < layers_.layers.size(); ++f) {
        begin_layer(f);
        stream_weights(f);
        compute_layer(f);
        move_phase(f + 1);
    }
    for (const TensorId output : edges(false)) {
        send(output);
    }
    std::vector<LayerPromise> promises;
    for (const Layer& layer : network_.layers()) {
        promises.push_back({layer.macs() / network_.batch(), false});
    }
    return builder_.finish(std::move(promises), rounds, network_.batch());
}

/// Before the first round: all weights from the host into the core memories.
void SpatialEmitter::load() {
    for (const SpatialLayer& layer : layers_.layers) {
        if (!layer.loads_weights) {
            continue;
        }
        const Layer& root = network_.layer(layer.fused->root);
        const Operand* weights = root.space.find(TensorRole::weights);
        const Bytes bytes = bytes_of(layer.fused->weights);
        RoundStep step;
        step.body.unit = host_in_.unit;
        Move move;
        move.sources = {chip_.host};
        move.destinations = {chip_.core_memory};
        move.delivered = bytes;
        move.links.push_back({machine_.inbound(chip_.host), bytes});
        builder_.count(step.body, LayerId(), chip_.host, Action::transfer, TensorRole::weights,
                       weights->precision, bytes.count());
        builder_.count(step.body, LayerId(), chip_.core_memory, Action::write, TensorRole::weights,
                       weights->precision, bytes.count());
        step.body.what = std::move(move);
        if (options_.images) {
            auto image_step = std::make_shared<StepImage>();
            image_step->moves.push_back({layer.fused->weights,
                                         image(weights->projection, root.space.box()),
                                         {chip_.host, -1},
                                         {Place{chip_.core_memory, -1}},
                                         false});
            step.body.image = std::move(image_step);
        }
        step.posts.push_back({loaded_});
        builder_.hold(chip_.core_memory, bytes);
        builder_.load(host_in_.agent, std::move(step));
    }
}

void SpatialEmitter::receive(TensorId tensor) {
    const std::string& name = network_.tensor(tensor).name;
    there_[tensor.position()] = builder_.token("'" + name + "' there");
    used_[tensor.position()] = builder_.token("'" + name + "' used");
    const Bytes bytes = bytes_of(tensor);
    builder_.hold(chip_.frame_buffer, bytes * 2);
    const auto reader =
        std::find_if(layers_.arrivals.begin(), layers_.arrivals.end(),
                     [&](const Arrival& arrival) { return arrival.tensor == tensor; });
    RoundStep step;
    step.layer = reader->layer;
    step.body.unit = host_in_.unit;
    step.body.edge = NetworkEdge::input;
    Move move;
    move.sources = {chip_.host};
    move.destinations = {chip_.frame_buffer};
    move.delivered = bytes;
    const auto& link = std::get<LinkConfig>(machine_.component(chip_.host).config);
    move.latency =
        machine_.clock(machine_.component(chip_.host).clock).edge_at_or_after(link.latency);
    move.links.push_back({machine_.inbound(chip_.host), bytes});
    if (machine_.write_port(chip_.frame_buffer).valid()) {
        move.links.push_back({machine_.write_port(chip_.frame_buffer), bytes});
    }
    const Precision precision = network_.tensor(tensor).precision;
    builder_.count(step.body, step.layer, chip_.host, Action::transfer, TensorRole::inputs,
                   precision, bytes.count());
    builder_.count(step.body, step.layer, chip_.frame_buffer, Action::write, TensorRole::inputs,
                   precision, bytes.count());
    step.body.what = std::move(move);
    const auto uses =
        std::count_if(layers_.arrivals.begin(), layers_.arrivals.end(),
                      [&](const Arrival& arrival) { return arrival.tensor == tensor; });
    step.waits.push_back({used_[tensor.position()], -uses});  // two slots
    step.posts.push_back({there_[tensor.position()]});
    if (options_.images) {
        auto image = std::make_shared<StepImage>();
        Region whole;
        whole.push_back({0, network_.batch()});
        for (const std::int64_t extent : network_.tensor(tensor).shape) {
            whole.push_back({0, extent});
        }
        image->moves.push_back(
            {tensor, whole, {chip_.host, -1}, {Place{chip_.frame_buffer, -1}}, false});
        step.body.image = std::move(image);
    }
    submit(host_in_, std::move(step));
}

void SpatialEmitter::send(TensorId tensor) {
    const Bytes bytes = bytes_of(tensor);
    builder_.hold(chip_.frame_buffer, bytes * 2);
    std::size_t maker = 0;
    for (std::size_t f = 0; f < layers_.layers.size(); ++f) {
        maker = layers_.layers[f].fused->output == tensor ? f : maker;
    }
    RoundStep step;
    step.layer = layers_.layers[maker].fused->last();
    step.body.unit = host_out_.unit;
    step.body.edge = NetworkEdge::output;
    Move move;
    move.sources = {chip_.frame_buffer};
    move.destinations = {chip_.host};
    move.delivered = bytes;
    const auto& link = std::get<LinkConfig>(machine_.component(chip_.host).config);
    move.latency =
        machine_.clock(machine_.component(chip_.host).clock).edge_at_or_after(link.latency);
    if (machine_.read_port(chip_.frame_buffer).valid()) {
        move.links.push_back({machine_.read_port(chip_.frame_buffer), bytes});
    }
    move.links.push_back({machine_.outbound(chip_.host), bytes});
    const Precision precision = network_.tensor(tensor).precision;
    builder_.count(step.body, step.layer, chip_.frame_buffer, Action::read, TensorRole::outputs,
                   precision, bytes.count());
    builder_.count(step.body, step.layer, chip_.host, Action::transfer, TensorRole::outputs,
                   precision, bytes.count());
    step.body.what = std::move(move);
    step.waits.push_back({there_[tensor.position()], builder_.posted(there_[tensor.position()])});
    step.posts.push_back({used_[tensor.position()]});
    if (options_.images) {
        auto image = std::make_shared<StepImage>();
        Region whole;
        whole.push_back({0, network_.batch()});
        for (const std::int64_t extent : network_.tensor(tensor).shape) {
            whole.push_back({0, extent});
        }
        image->moves.push_back(
            {tensor, whole, {chip_.frame_buffer, -1}, {Place{chip_.host, -1}}, false});
        step.body.image = std::move(image);
    }
    submit(host_out_, std::move(step));
}

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
    step.posts.push_back({epochs_[f]});
    submit(sequencer_, std::move(step));
}

void SpatialEmitter::stream_weights(std::size_t f) {
    const SpatialLayer& layer = layers_.layers[f];
    const Layer& root = network_.layer(layer.fused->root);
    const Operand* weights = root.space.find(TensorRole::weights);
    const Precision precision = weights ? weights->precision : Precision::int8;
    const std::int64_t loads = std::count_if(
        layers_.layers.begin(), layers_.layers.begin() + static_cast<std::ptrdiff_t>(f) + 1,
        [](const SpatialLayer& each) { return each.loads_weights; });
    std::size_t chunk = 0;
    std::int64_t within = 0;
    for (std::int64_t p = 0; p < layer.pieces; ++p) {
        RoundStep step;
        step.layer = layer.fused->root;
        step.body.unit = model_.unit;
        Move move;
        move.sources = {chip_.core_memory};
        move.destinations = {chip_.weight_buffer};
        move.delivered = Bytes(share(layer.weights_delivered.count(), p, layer.pieces));
        move.links = share(layer.weight_links, p, layer.pieces);
        move.occupies = Cycles(ceil_divide(layer.weight_local_cycles, layer.pieces));
        move.latency = latency_of(machine_, chip_.model_network, layer.weight_distance);
        const auto count = [&](ComponentId component, Action action, std::int64_t total) {
            builder_.count(step.body, step.layer, component, action, TensorRole::weights, precision,
                           share(total, p, layer.pieces));
        };
        count(chip_.core_memory, Action::read, layer.weights_read.count());
        count(chip_.model_network, Action::hop, layer.weight_hops);
        count(chip_.weight_buffer, Action::write, layer.weights_delivered.count());
        step.body.what = std::move(move);
        weights_.fill(step);
        if (p == 0) {
            step.waits.push_back({loaded_, loads});
        }
        while (within == layer.chunks[chunk].pieces) {
            ++chunk;
            within = 0;
        }
        if (options_.images && within + 1 == layer.chunks[chunk].pieces) {
            auto image_step = std::make_shared<StepImage>();
            for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
                Box box = layer.boxes[core];
                const Range& channels = layer.chunks[chunk].channels;
                box[Dim::K] = {std::min(box[Dim::K].end, box[Dim::K].begin + channels.begin),
                               std::min(box[Dim::K].end, box[Dim::K].begin + channels.end)};
                if (box.points() > 0) {
                    image_step->moves.push_back(
                        {layer.fused->weights,
                         image(weights->projection, box),
                         {chip_.core_memory, -1},
                         {Place{chip_.weight_buffer, lane_of(layer.cores[core].at, *chip_.mesh)}},
                         false});
                }
            }
            step.body.image = std::move(image_step);
        }
        ++within;
        submit(model_, std::move(step));
    }
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
    const bool on_vector = whole.unit == epilogue_.unit;
    const Worker& worker = on_vector ? epilogue_ : compute_;
    const Cycles latency = std::get<Compute>(whole.what).latency;
    const auto cores = static_cast<std::int64_t>(layer.boxes.size());
    const std::int64_t first_filling = weights_.last() - layer.pieces + 1 + [&] {
        std::int64_t before = 0;
        for (std::size_t earlier = 0; earlier < c; ++earlier) {
            before += layer.chunks[earlier].pieces;
        }
        return before;
    }();
    // Weights of a chunk without own pieces are those of the chunk before: kept until its end.
    const bool last_use = c + 1 == layer.chunks.size() || layer.chunks[c + 1].pieces > 0;
    const std::int64_t steps = std::max<std::int64_t>(1, chunk.pieces);
    for (std::int64_t p = 0; p < steps; ++p) {
        const bool final = p + 1 == steps;
        RoundStep step;
        step.layer = layer.fused->root;
        step.body.unit = whole.unit;
        Compute compute;
        if (final) {
            compute.occupies = Cycles(chunk.cycles);
            compute.latency = latency;
            if (steps == 1) {
                compute.occupies += Cycles(chunk.lead_cycles);
            }
        } else {
            compute.occupies = Cycles(share(chunk.lead_cycles, p, steps - 1));
        }
        compute.lanes_occupied = compute.occupies * cores;
        step.body.what = compute;
        if (c == 0) {
            if (p == 0) {
                step.waits.push_back({epochs_[f], 1});
            }
            const std::int64_t needed = parts_needed(f, p, steps);
            if (needed > 0) {
                step.waits.push_back({ready_[f], needed});
            }
        }
        if (p == 0) {
            results_.reserve(step);  // the accumulators hold the sums of some chunks
        }
        if (chunk.pieces > 0) {
            weights_.use(step, first_filling + p);
            if (!final || last_use) {
                weights_.release(step);
            }
        } else if (layer.pieces > 0 && last_use) {
            weights_.release(step);
        }
        if (final && c + 1 == layer.chunks.size()) {
            step.posts.push_back({last_chunks_[f], 1, PostAt::start});
        }
        if (final) {
            const auto n = static_cast<std::int64_t>(layer.chunks.size());
            step.body.actions = share_of(whole.actions, static_cast<std::int64_t>(c), n);
            if (options_.images) {
                auto image_step = std::make_shared<StepImage>();
                for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
                    const Box box = chunk_box(layer, chunk, core);
                    const std::int64_t lane = lane_of(layer.cores[core].at, *chip_.mesh);
                    if (box.points() > 0) {
                        image_step->computes.push_back({layer.fused->root,
                                                        box,
                                                        {chip_.core_memory, lane},
                                                        {chip_.weight_buffer, lane},
                                                        {chip_.accumulators, lane},
                                                        true});
                    }
                }
                step.body.image = std::move(image_step);
            }
            if (layer.shares > 1 || !layer.fused->epilogues.empty()) {
                step.posts.push_back({computed_[f]});
            } else {
                finish_chunk(f, c, step);
            }
        }
        submit(worker, std::move(step));
    }
}

void SpatialEmitter::add_sums(std::size_t f, std::size_t c) {
    const SpatialLayer& layer = layers_.layers[f];
    if (layer.shares == 1) {
        return;
    }
    const Layer& root = network_.layer(layer.fused->root);
    const auto n = static_cast<std::int64_t>(layer.chunks.size());
    const auto i = static_cast<std::int64_t>(c);
    const Precision precision = root.precision.accumulator;
    RoundStep step;
    step.layer = layer.fused->root;
    step.body.unit = sums_.unit;
    Move move;
    move.sources = {chip_.accumulators};
    move.destinations = {chip_.accumulators};
    move.combine = Combine::sum;
    move.mode = MoveMode::accumulate;
    move.delivered = Bytes(share(layer.sums.count(), i, n));
    move.links = share(layer.sum_links, i, n);
    move.latency = latency_of(machine_, chip_.partial_sum_network, layer.sum_distance);
    const auto count = [&](ComponentId component, Action action, std::int64_t total) {
        builder_.count(step.body, step.layer, component, action, TensorRole::partial_sums,
                       precision, share(total, i, n));
    };
    count(chip_.accumulators, Action::read, layer.sums.count() * 2);
    count(chip_.accumulators, Action::write, layer.sums.count());
    count(chip_.partial_sum_network, Action::hop, layer.sum_hops);
    count(chip_.array, Action::accumulate, layer.sums.count() * 8 / bits(precision));
    step.body.what = std::move(move);
    step.waits.push_back({computed_[f], builder_.posted(computed_[f])});
    if (options_.images) {
        auto image_step = std::make_shared<StepImage>();
        const Projection& outputs = root.space.outputs().projection;
        for (const std::vector<std::size_t>& chain : chains_of(layer)) {
            for (std::size_t owner = 0; owner < chain.size(); ++owner) {
                const Box box = owned_box(layer, layer.chunks[c], chain[owner]);
                const auto hop = [&](std::size_t from, std::size_t to) {
                    image_step->moves.push_back(
                        {root.outputs.front(),
                         image(outputs, box),
                         {chip_.accumulators, lane_of(layer.cores[chain[from]].at, *chip_.mesh)},
                         {Place{chip_.accumulators,
                                lane_of(layer.cores[chain[to]].at, *chip_.mesh)}},
                         true});
                };
                if (box.points() == 0) {
                    continue;
                }
                for (std::size_t r = 0; r < owner; ++r) {
                    hop(r, r + 1);
                }
                for (std::size_t r = chain.size() - 1; r > owner; --r) {
                    hop(r, r - 1);
                }
            }
        }
        step.body.image = std::move(image_step);
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
    const Layer& root = network_.layer(layer.fused->root);
    const auto n = static_cast<std::int64_t>(layer.chunks.size());
    const auto i = static_cast<std::int64_t>(c);
    std::int64_t results = 0;
    std::int64_t most = 0;  // in one core
    for (const Holder& holder : layer.results) {
        results += words(holder.region);
        most = std::max(most, words(holder.region));
    }
    bool first = true;
    for (const LayerId id : layer.fused->epilogues) {
        const Layer& epilogue = network_.layer(id);
        RoundStep step;
        step.layer = id;
        step.body = epilogue_body(builder_, cores_, epilogue, id, share(results, i, n),
                                  ceil_divide(most, n));
        if (c == 0 && builder_.posted(operands_[f]) > 0) {
            step.waits.push_back({operands_[f], builder_.posted(operands_[f])});
        }
        if (!first) {
            step.waits.push_back({epilogued_[f], builder_.posted(epilogued_[f])});
        } else if (layer.shares > 1) {
            step.waits.push_back({summed_[f], builder_.posted(summed_[f])});
        } else {
            step.waits.push_back({computed_[f], builder_.posted(computed_[f])});
        }
        if (options_.images) {
            auto image_step = std::make_shared<StepImage>();
            for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
                const Box box = owned_box(layer, layer.chunks[c], core);
                const std::int64_t lane = lane_of(layer.cores[core].at, *chip_.mesh);
                if (box.points() > 0) {
                    image_step->computes.push_back(
                        {id,
                         box_of_results(epilogue, image(root.space.outputs().projection, box)),
                         {chip_.core_memory, lane},
                         {chip_.weight_buffer, lane},
                         {chip_.accumulators, lane},
                         true});
                }
            }
            step.body.image = std::move(image_step);
        }
        if (id == layer.fused->epilogues.back()) {
            finish_chunk(f, c, step);
        } else {
            step.posts.push_back({epilogued_[f]});
        }
        submit(epilogue_, std::move(step));
        first = false;
    }
}

/// A chunk of results is written to the memories of its cores. With the last one the layer is done.
void SpatialEmitter::finish_chunk(std::size_t f, std::size_t c, RoundStep& step) {
    const SpatialLayer& layer = layers_.layers[f];
    const Layer& last = network_.layer(layer.fused->last());
    const TensorId view = last.outputs.front();
    const Precision precision = network_.tensor(view).precision;
    const auto n = static_cast<std::int64_t>(layer.chunks.size());
    const auto i = static_cast<std::int64_t>(c);
    std::int64_t results = 0;
    for (const Holder& holder : layer.results) {
        results += words(holder.region);
    }
    const Bytes bytes = stored_bytes(results, precision);
    const Bytes sums = stored_bytes(results, last.precision.accumulator);
    builder_.count(step.body, layer.fused->last(), chip_.accumulators, Action::read,
                   TensorRole::partial_sums, last.precision.accumulator, share(sums.count(), i, n));
    builder_.count(step.body, layer.fused->last(), chip_.core_memory, Action::write,
                   TensorRole::outputs, precision, share(bytes.count(), i, n));
    if (options_.images) {
        auto image_step = std::make_shared<StepImage>(*step.body.image);
        const Projection& outputs = network_.layer(layer.fused->root).space.outputs().projection;
        for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
            const Box box = owned_box(layer, layer.chunks[c], core);
            const std::int64_t lane = lane_of(layer.cores[core].at, *chip_.mesh);
            if (box.points() > 0) {
                image_step->moves.push_back({view,
                                             image(outputs, box),
                                             {chip_.accumulators, lane},
                                             {Place{chip_.core_memory, lane}},
                                             false});
            }
        }
        step.body.image = std::move(image_step);
    }
    if (c == 0) {
        step.body.occupancy.push_back({chip_.core_memory, bytes.count(), 0});
    }
    results_.release(step);
    step.posts.push_back({done_[f]});
    if (c + 1 < layer.chunks.size()) {
        return;
    }
    // What came in for this layer is free again, and what only it still read.
    for (const Arrival& arrival : layers_.arrivals) {
        if (arrival.reader == f && arrival.delivered.count() > 0) {
            step.body.occupancy.push_back({chip_.core_memory, 0, arrival.delivered.count()});
        }
    }
    for (const SpatialLayer& maker : layers_.layers) {
        const TensorId made = maker.fused->output;
        if (last_reader(made) == static_cast<std::int64_t>(f)) {
            std::int64_t held = 0;
            for (const Holder& holder : maker.results) {
                held += words(holder.region);
            }
            step.body.occupancy.push_back(
                {chip_.core_memory, 0,
                 stored_bytes(held, network_.tensor(made).precision).count()});
        }
    }
}

/// Results of the layer before travel chunk by chunk; what was there earlier travels at once.
void SpatialEmitter::move_arrival(const Arrival& arrival) {
    const bool fresh =
        arrival.maker >= 0 && static_cast<std::size_t>(arrival.maker) + 1 == arrival.reader;
    std::int64_t parts = 1;
    std::int64_t channel_parts = 1;
    if (fresh) {
        const auto& chunks = layers_.layers[static_cast<std::size_t>(arrival.maker)].chunks;
        parts = static_cast<std::int64_t>(chunks.size());
        if (arrival.by_channels) {
            channel_parts = std::count_if(chunks.begin(), chunks.end(), [](const auto& chunk) {
                return chunk.positions.begin == 0;
            });
        }
    }
    if (ahead(arrival)) {
        parts = static_cast<std::int64_t>(layers_.input_phases.size());
    }
    if (arrival.reader < layers_.layers.size() && !arrival.for_epilogue) {
        Fresh& into = fresh_[arrival.reader];
        into = {into.before + into.parts, parts, channel_parts};
    }
    for (std::int64_t part = 0; part < parts; ++part) {
        move_part(arrival, part, parts);
    }
}

/// Inputs of the first layer travel while the round before is still computed.
bool SpatialEmitter::ahead(const Arrival& arrival) const {
    return arrival.maker < 0 && arrival.reader == 0;
}

void SpatialEmitter::move_part(const Arrival& arrival, std::int64_t part, std::int64_t parts) {
    const bool outgoing = arrival.reader == layers_.layers.size();
    const std::size_t t = arrival.tensor.position();
    const Precision precision = network_.tensor(arrival.tensor).precision;
    const bool last = part + 1 == parts;
    RoundStep step;
    step.layer = outgoing ? arrival.layer : layers_.layers[arrival.reader].fused->root;
    step.body.unit = activations_.unit;
    Move move;
    move.sources = {arrival.maker < 0 ? chip_.frame_buffer : chip_.core_memory};
    move.destinations = {outgoing ? chip_.frame_buffer : chip_.core_memory};
    move.delivered = Bytes(share(arrival.delivered.count(), part, parts));
    move.links = share(arrival.links, part, parts);
    move.latency = latency_of(machine_, chip_.activation_network, arrival.distance);
    const auto count = [&](ComponentId component, Action action, std::int64_t total) {
        builder_.count(step.body, arrival.layer, component, action, arrival.role, precision,
                       share(total, part, parts));
    };
    count(move.sources.front(), Action::read, arrival.read.count());
    count(chip_.activation_network, Action::hop, arrival.hops);
    count(move.destinations.front(), Action::write, arrival.delivered.count());
    step.body.what = std::move(move);
    if (ahead(arrival)) {
        const auto phase = static_cast<std::size_t>(part);
        const std::size_t while_layer = layers_.input_phases[phase];
        step.waits.push_back({epochs_[while_layer], 0});
        step.waits.push_back({ready_[while_layer], 0});
    }
    if (arrival.maker < 0) {
        step.waits.push_back({there_[t], 1});
    } else {
        const TokenId done = done_[static_cast<std::size_t>(arrival.maker)];
        step.waits.push_back({done, parts > 1 ? part + 1 : builder_.posted(done)});
    }
    if (outgoing) {
        if (!there_[t].valid()) {
            there_[t] = builder_.token("'" + network_.tensor(arrival.tensor).name + "' there");
            used_[t] = builder_.token("'" + network_.tensor(arrival.tensor).name + "' used");
        }
        step.waits.push_back({used_[t], -1});
        step.posts.push_back({there_[t]});
        if (last && arrival.maker >= 0) {
            std::int64_t held = 0;
            const SpatialLayer& maker = layers_.layers[static_cast<std::size_t>(arrival.maker)];
            for (const Holder& holder : maker.results) {
                held += words(holder.region);
            }
            step.body.occupancy.push_back(
                {chip_.core_memory, 0, stored_bytes(held, precision).count()});
        }
    } else {
        const auto& arrived = arrival.for_epilogue ? operands_ : ready_;
        step.posts.push_back({arrived[arrival.reader]});
        if (part == 0 && arrival.delivered.count() > 0) {
            step.body.occupancy.push_back({chip_.core_memory, arrival.delivered.count(), 0});
        }
        if (arrival.maker < 0 && last) {
            step.posts.push_back({used_[t]});
        }
    }
    if (options_.images && last) {
        auto image_step = std::make_shared<StepImage>();
        image_step->moves = arrival.pieces;
        step.body.image = std::move(image_step);
    }
    submit(ahead(arrival) ? ingress_ : activations_, std::move(step));
}

}  // namespace memwall
