// SPDX-License-Identifier: Apache-2.0
// What travels between the layers of a spatial program, part by part.
#include <algorithm>

#include "arch/spatial/emitter.hpp"

namespace memwall {

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

/// An output of the network on its way out.
bool SpatialEmitter::outgoing(const Arrival& arrival) const {
    return arrival.reader == layers_.layers.size();
}

void SpatialEmitter::move_part(const Arrival& arrival, std::int64_t part, std::int64_t parts) {
    RoundStep step = part_of(arrival, part, parts);
    if (ahead(arrival)) {
        const std::size_t while_layer = layers_.input_phases[static_cast<std::size_t>(part)];
        step.waits.push_back({epochs_[while_layer], 0});
        step.waits.push_back({ready_[while_layer], 0});
        // Into the place of the inputs of the round before the last.
        step.waits.push_back(
            {done_[0], -static_cast<std::int64_t>(layers_.layers[0].chunks.size())});
    }
    if (arrival.maker < 0) {
        step.waits.push_back({there_[arrival.tensor.position()], 1});
    } else {
        const TokenId done = done_[static_cast<std::size_t>(arrival.maker)];
        step.waits.push_back({done, parts > 1 ? part + 1 : builder_.posted(done)});
    }
    const bool last = part + 1 == parts;
    if (outgoing(arrival)) {
        hand_out(arrival, last, step);
    } else {
        hand_over(arrival, part == 0, last, step);
    }
    if (options_.images && last) {
        auto pieces = std::make_shared<StepImage>();
        pieces->moves = arrival.pieces;
        step.body.image = std::move(pieces);
    }
    submit(ahead(arrival) ? ingress_ : activations_, std::move(step));
}

/// The bytes, links and counters of a part.
RoundStep SpatialEmitter::part_of(const Arrival& arrival, std::int64_t part, std::int64_t parts) {
    const bool out = outgoing(arrival);
    const Precision precision = network_.tensor(arrival.tensor).precision;
    RoundStep step;
    step.layer = out ? arrival.layer : layers_.layers[arrival.reader].fused->root;
    step.body.unit = activations_.unit;
    Move move = move_between(machine_, arrival.maker < 0 ? chip_.frame_buffer : chip_.core_memory,
                             out ? chip_.frame_buffer : chip_.core_memory,
                             Bytes(share(arrival.delivered.count(), part, parts)));
    move.links = share(arrival.links, part, parts);
    move.latency += latency_of(chip_.activation_network, arrival.distance);
    const auto count = [&](ComponentId component, Action action, std::int64_t total) {
        builder_.count(step.body, arrival.layer, component, action, arrival.role, precision,
                       share(total, part, parts));
    };
    count(move.sources.front(), Action::read, arrival.read.count());
    count(chip_.activation_network, Action::hop, arrival.hops);
    count(move.destinations.front(), Action::write, arrival.delivered.count());
    step.body.what = std::move(move);
    return step;
}

/// A part of an output of the network, into a slot of the frame buffer.
void SpatialEmitter::hand_out(const Arrival& arrival, bool last, RoundStep& step) {
    const std::size_t t = arrival.tensor.position();
    if (!there_[t].valid()) {
        there_[t] = builder_.token("'" + network_.tensor(arrival.tensor).name + "' there");
        used_[t] = builder_.room_token("'" + network_.tensor(arrival.tensor).name + "' used");
    }
    step.waits.push_back({used_[t], -1});
    step.posts.push_back({there_[t]});
    if (last && arrival.maker >= 0) {
        const SpatialLayer& maker = layers_.layers[static_cast<std::size_t>(arrival.maker)];
        step.body.occupancy.push_back({chip_.core_memory, 0, held_bytes(maker).count()});
        step.posts.push_back({handed_});
    }
}

/// A part of what a layer reads, into the memories of its cores.
void SpatialEmitter::hand_over(const Arrival& arrival, bool first, bool last,
                               RoundStep& step) const {
    const auto& arrived = arrival.for_epilogue ? operands_ : ready_;
    step.posts.push_back({arrived[arrival.reader]});
    if (first && arrival.delivered.count() > 0) {
        step.body.occupancy.push_back({chip_.core_memory, arrival.delivered.count(), 0});
    }
    if (arrival.maker < 0 && last) {
        step.posts.push_back({used_[arrival.tensor.position()]});
    }
}

}  // namespace memwall
