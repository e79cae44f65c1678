// SPDX-License-Identifier: Apache-2.0
// The steps of a spatial program, worker by worker. Used by emit.cpp (frame and schedule) and
// emitter.cpp (one layer).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/program_builder.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/layer_data.hpp"
#include "arch/tiling/ring.hpp"

namespace memwall {

/// A tensor on its way into one layer.
struct Arrival {
    TensorId tensor;          ///< as stored
    std::int64_t maker = -1;  ///< fused layer; -1: an input of the network
    std::size_t reader = 0;   ///< fused layer; fused.size(): an output on its way out
    std::size_t phase = 0;    ///< travels while layer phase - 1 computes
    LayerId layer;            ///< whose counters it adds to
    TensorRole role = TensorRole::inputs;
    std::vector<LinkUse> links;
    std::int64_t hops = 0;
    std::int64_t distance = 0;
    Bytes read, delivered;
    std::vector<MovePiece> pieces;
    bool by_channels = false;   ///< the reader can begin with some of the channels
    bool for_epilogue = false;  ///< read by an epilogue, not by the layer itself
};

/// When a step of a round starts, in cycles after a layer began in that round or some rounds
/// before.
struct ScheduledStart {
    std::size_t layer = 0;
    std::int64_t rounds_before = 0;
    Cycles start_at = Cycles(-1);

    friend bool operator==(const ScheduledStart&, const ScheduledStart&) = default;
};
using Schedule = std::vector<std::vector<ScheduledStart>>;  ///< by agent and step of the round

/// All that emission needs and that does not depend on the schedule.
struct SpatialNetwork {
    std::vector<SpatialLayer> layers;
    std::vector<Arrival> arrivals;  ///< in the order in which they travel
    /// Layers of the round before, while which the inputs of the first layer travel, part by part.
    std::vector<std::size_t> input_phases;
};

class SpatialEmitter {
public:
    SpatialEmitter(const Network& network, const Machine& machine, const Chip& chip,
                   const Cores& cores, const SpatialNetwork& layers, const MapperOptions& options,
                   const Schedule* schedule);
    Program run(std::int64_t rounds);

    [[nodiscard]] const std::vector<TokenId>& epochs() const { return epochs_; }
    /// Whether what an agent does has a place in the static schedule: all but the pace of the host
    /// and what begins a layer.
    [[nodiscard]] bool scheduled(AgentId agent) const;

private:
    struct Worker {
        AgentId agent;
        UnitId unit;
    };

    /// The parts of its inputs that a layer gets from the one before, the last of all its arrivals.
    struct Fresh {
        std::int64_t before = 0;  ///< parts of other arrivals
        std::int64_t parts = 0;
        std::int64_t channel_parts = 1;  ///< of these parts, by channels: fit to begin with
    };

    void load();
    [[nodiscard]] std::int64_t parts_needed(std::size_t f, std::int64_t piece,
                                            std::int64_t pieces) const;
    void receive(TensorId tensor);
    void send(TensorId tensor);
    void begin_layer(std::size_t f);
    void stream_weights(std::size_t f);
    void compute_layer(std::size_t f);
    void compute_chunk(std::size_t f, const StepBody& whole, std::size_t chunk);
    void add_sums(std::size_t f, std::size_t chunk);
    void run_epilogues(std::size_t f, std::size_t chunk);
    void finish_chunk(std::size_t f, std::size_t chunk, RoundStep& step);
    void move_arrival(const Arrival& arrival);
    void move_part(const Arrival& arrival, std::int64_t part, std::int64_t parts);
    [[nodiscard]] bool ahead(const Arrival& arrival) const;

    [[nodiscard]] std::int64_t result_slots() const;
    void submit(const Worker& worker, RoundStep step);
    [[nodiscard]] Bytes bytes_of(TensorId tensor) const { return network_.tensor_bytes(tensor); }
    [[nodiscard]] std::int64_t last_reader(TensorId tensor) const;
    [[nodiscard]] LayerId reader_layer(const Arrival& arrival) const;
    [[nodiscard]] std::vector<TensorId> edges(bool inputs) const;

    const Network& network_;
    const Machine& machine_;
    const Chip& chip_;
    Cores cores_;
    const SpatialNetwork& layers_;
    const MapperOptions& options_;
    const Schedule* schedule_;
    ProgramBuilder builder_;
    int workers_ = 0;
    Worker host_in_, sequencer_, model_, compute_, sums_, epilogue_, activations_, ingress_,
        host_out_;
    Ring weights_, results_;
    TokenId loaded_;  ///< once for each layer with weights, in order
    std::vector<TokenId> computed_, summed_, epilogued_;  ///< by fused layer: one post a chunk
    std::vector<TokenId> done_, epochs_, last_chunks_;    ///< by fused layer
    std::vector<TokenId> ready_, operands_;               ///< by fused layer: parts that came in
    std::vector<Fresh> fresh_;                            ///< by fused layer
    std::vector<TokenId> there_, used_;                   ///< by tensor, of the network's edges
    std::vector<std::int64_t> emitted_;                   ///< by agent: steps of a round so far
};

}  // namespace memwall
