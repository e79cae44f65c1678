// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/emitter.hpp"

#include <algorithm>

#include "arch/spatial/kept_state.hpp"
#include "base/error.hpp"

namespace memwall {

SpatialEmitter::SpatialEmitter(const Network& network, const Machine& machine, const Chip& chip,
                               const Cores& cores, const SpatialNetwork& layers,
                               const MapperOptions& options, const Schedule* schedule)
    : network_(network),
      machine_(machine),
      chip_(chip),
      cores_(cores),
      layers_(layers),
      arrivals_(layers),
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
    if (chip.program > Bytes(0)) {
        instructions_ = worker("instruction network", chip.instruction_network, chip.cores);
        programs_ = Ring(builder_, "programs", chip_.programs);
        stored_ = builder_.token("programs stored");
    }
    // The next inputs travel on the same network, where nothing else wants to.
    ingress_ = {builder_.agent("ingress", 1, chip.cores), activations_.unit};
    emitted_.push_back(0);
    cores_.array_unit = compute_.unit;
    cores_.vector_unit = epilogue_.unit;
    weights_ = Ring(builder_, "weights", kWeightSlots);
    results_ = Ring(builder_, "results", result_slots());
    loaded_ = builder_.token("weights loaded");
    sent_ = builder_.token("outputs sent");
    handed_ = builder_.room_token("outputs handed out");
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
    find_what_is_freed();
}

/// Results that are kept are never freed, and those that leave are when they have left.
void SpatialEmitter::find_what_is_freed() {
    freed_.resize(layers_.layers.size());
    for (std::size_t maker = 0; maker < layers_.layers.size(); ++maker) {
        const TensorId output = layers_.layers[maker].fused->output;
        const std::int64_t last = arrivals_.last_reader(output);
        if (last >= 0 && last < static_cast<std::int64_t>(freed_.size()) &&
            !is_kept(network_, output)) {
            freed_[static_cast<std::size_t>(last)].push_back(maker);
        }
    }
}

/// Chunks whose sums the accumulators hold at once: those of a whole layer, or as many of the
/// largest as fit.
std::int64_t SpatialEmitter::result_slots() const {
    std::int64_t most = 1;
    for (const SpatialLayer& layer : layers_.layers) {
        most = std::max(most, chunk_sums(network_, layer));
    }
    return std::clamp<std::int64_t>(chip_.accumulators_config->capacity.count() / most, 2,
                                    kOutputChunks);
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

Cycles SpatialEmitter::latency_of(ComponentId mesh, std::int64_t hops) const {
    return std::get<MeshConfig>(machine_.component(mesh).config).hop * hops;
}

Bytes SpatialEmitter::held_bytes(const SpatialLayer& maker) const {
    return stored_bytes(held_words(maker), network_.tensor(maker.fused->output).precision);
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
    load_programs();
    builder_.hold(chip_.core_memory, network_.state_bytes() * layers_.rounds_apart);
    builder_.hold(chip_.core_memory, chip_.program * chip_.programs * chip_.cores);
    for (const TensorId input : edges(true)) {
        receive(input);
    }
    auto next = layers_.arrivals.begin();
    const auto move_phase = [&](std::size_t phase) {
        for (; next != layers_.arrivals.end() && next->phase == phase; ++next) {
            move_arrival(*next);
        }
    };
    move_phase(0);
    for (std::size_t f = 0; f < layers_.layers.size(); ++f) {
        throw_if_cancelled(options_);
        fetch_program(f);
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
        const Operand& weights = *root.space.find(TensorRole::weights);
        const Bytes bytes = bytes_of(layer.fused->weights);
        RoundStep step;
        step.body.unit = host_in_.unit;
        Move move = move_between(machine_, chip_.host, chip_.core_memory, bytes);
        move.links.push_back({machine_.inbound(chip_.host), bytes});
        builder_.count(step.body, LayerId(), chip_.host, Action::transfer, TensorRole::weights,
                       weights.precision, bytes.count());
        builder_.count(step.body, LayerId(), chip_.core_memory, Action::write, TensorRole::weights,
                       weights.precision, bytes.count());
        step.body.what = std::move(move);
        if (options_.images) {
            step.body.image =
                image_of_move(layer.fused->weights, image(weights.projection, root.space.box()),
                              {chip_.host, -1}, {Place{chip_.core_memory, -1}});
        }
        step.posts.push_back({loaded_});
        builder_.hold(chip_.core_memory, bytes);
        builder_.load(host_in_.agent, std::move(step));
    }
}

/// Before the first round: all programs from the host, each into the core where it lies.
void SpatialEmitter::load_programs() {
    if (!instructions_.agent.valid()) {
        return;
    }
    const Bytes bytes = chip_.program * static_cast<std::int64_t>(layers_.layers.size());
    RoundStep step;
    step.body.unit = host_in_.unit;
    Move move = move_between(machine_, chip_.host, chip_.core_memory, bytes);
    move.links.push_back({machine_.inbound(chip_.host), bytes});
    for (const auto& [component, action] :
         {std::pair{chip_.host, Action::transfer}, {chip_.core_memory, Action::write}}) {
        builder_.count(step.body, LayerId(), component, action, TensorRole::instructions,
                       Precision::int8, bytes.count());
    }
    step.body.what = std::move(move);
    step.posts.push_back({stored_});
    builder_.hold(chip_.core_memory, bytes);
    builder_.load(host_in_.agent, std::move(step));
}

/// The step of a whole input or output of the network, between the host and its two slots in the
/// frame buffer.
RoundStep SpatialEmitter::cross_edge(TensorId tensor, LayerId layer, NetworkEdge edge) {
    const bool input = edge == NetworkEdge::input;
    const ComponentId from = input ? chip_.host : chip_.frame_buffer;
    const ComponentId to = input ? chip_.frame_buffer : chip_.host;
    const Bytes bytes = bytes_of(tensor);
    RoundStep step;
    step.layer = layer;
    step.body.unit = input ? host_in_.unit : host_out_.unit;
    step.body.edge = edge;
    Move move = move_between(machine_, from, to, bytes);
    const Component& host = machine_.component(chip_.host);
    move.latency +=
        machine_.clock(host.clock).edge_at_or_after(std::get<LinkConfig>(host.config).latency);
    for (const LinkId link : {input ? machine_.inbound(chip_.host) : machine_.read_port(from),
                              input ? machine_.write_port(to) : machine_.outbound(chip_.host)}) {
        if (link.valid()) {
            move.links.push_back({link, bytes});
        }
    }
    const TensorRole role = input ? TensorRole::inputs : TensorRole::outputs;
    const Precision precision = network_.tensor(tensor).precision;
    builder_.count(step.body, layer, from, input ? Action::transfer : Action::read, role, precision,
                   bytes.count());
    builder_.count(step.body, layer, to, input ? Action::write : Action::transfer, role, precision,
                   bytes.count());
    step.body.what = std::move(move);
    builder_.hold(chip_.frame_buffer, bytes * 2);
    if (options_.images) {
        step.body.image =
            image_of_move(tensor, whole_region(network_, tensor), {from, -1}, {Place{to, -1}});
    }
    return step;
}

// MODEL: where state is kept, the host sends the inputs of an item when it has the outputs of that
// item's round before (the next token of a language model).
void SpatialEmitter::receive(TensorId tensor) {
    const std::string& name = network_.tensor(tensor).name;
    there_[tensor.position()] = builder_.token("'" + name + "' there");
    used_[tensor.position()] = builder_.room_token("'" + name + "' used");
    const ArrivalIndex::List& reads = arrivals_.of(tensor);
    RoundStep step = cross_edge(tensor, reads.front()->layer, NetworkEdge::input);
    const auto uses = static_cast<std::int64_t>(reads.size());
    step.waits.push_back({used_[tensor.position()], -uses});  // two slots
    if (network_.state_bytes() > Bytes(0)) {
        step.waits.push_back(
            {sent_, static_cast<std::int64_t>(edges(false).size()) * (1 - layers_.rounds_apart)});
    }
    step.posts.push_back({there_[tensor.position()]});
    submit(host_in_, std::move(step));
}

void SpatialEmitter::send(TensorId tensor) {
    std::size_t maker = 0;
    for (std::size_t f = 0; f < layers_.layers.size(); ++f) {
        maker = layers_.layers[f].fused->output == tensor ? f : maker;
    }
    RoundStep step = cross_edge(tensor, layers_.layers[maker].fused->last(), NetworkEdge::output);
    step.waits.push_back({there_[tensor.position()], builder_.posted(there_[tensor.position()])});
    step.posts.push_back({used_[tensor.position()]});
    step.posts.push_back({sent_});
    submit(host_out_, std::move(step));
}

}  // namespace memwall
