// SPDX-License-Identifier: Apache-2.0
// The steps of a spatial program, worker by worker: the frame (emitter.cpp), one layer
// (layer_steps.cpp) and what travels between layers (arrival_steps.cpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/program_builder.hpp"
#include "arch/spatial/arrival_index.hpp"
#include "arch/spatial/arrivals.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/schedule.hpp"
#include "arch/tiling/ring.hpp"

namespace memwall {

/// Writes one program; used once.
class SpatialEmitter {
public:
    /// Without a schedule (nullptr) every step starts as soon as it can.
    SpatialEmitter(const Network& network, const Machine& machine, const Chip& chip,
                   const Cores& cores, const SpatialNetwork& layers, const MapperOptions& options,
                   const Schedule* schedule);
    Program run(std::int64_t rounds);

    /// By layer: posted when it begins.
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

    // emitter.cpp
    void load();
    void load_programs();
    RoundStep cross_edge(TensorId tensor, LayerId layer, NetworkEdge edge);
    void receive(TensorId tensor);
    void send(TensorId tensor);
    void submit(const Worker& worker, RoundStep step);
    [[nodiscard]] std::int64_t result_slots() const;
    [[nodiscard]] Bytes bytes_of(TensorId tensor) const { return network_.tensor_bytes(tensor); }
    [[nodiscard]] Bytes held_bytes(const SpatialLayer& maker) const;
    [[nodiscard]] Cycles latency_of(ComponentId mesh, std::int64_t hops) const;
    void find_what_is_freed();
    [[nodiscard]] std::vector<TensorId> edges(bool inputs) const;

    // layer_steps.cpp
    [[nodiscard]] std::int64_t parts_needed(std::size_t f, std::int64_t piece,
                                            std::int64_t pieces) const;
    void begin_layer(std::size_t f);
    void wait_for_room(std::size_t f, RoundStep& step) const;
    void fetch_program(std::size_t f);
    void stream_weights(std::size_t f);
    RoundStep weight_piece(const SpatialLayer& layer, std::int64_t p);
    void compute_layer(std::size_t f);
    void compute_chunk(std::size_t f, const StepBody& whole, std::size_t c);
    void wait_for_inputs(std::size_t f, std::int64_t p, std::int64_t turns, RoundStep& step) const;
    void use_weights(const SpatialLayer& layer, std::size_t c, std::int64_t p,
                     RoundStep& step) const;
    void end_compute(std::size_t f, const StepBody& whole, std::size_t c, RoundStep& step);
    void add_sums(std::size_t f, std::size_t c);
    void run_epilogues(std::size_t f, std::size_t c);
    void finish_chunk(std::size_t f, std::size_t c, RoundStep& step);
    void free_inputs(std::size_t f, RoundStep& step) const;

    // arrival_steps.cpp
    void move_arrival(const Arrival& arrival);
    void move_part(const Arrival& arrival, std::int64_t part, std::int64_t parts);
    RoundStep part_of(const Arrival& arrival, std::int64_t part, std::int64_t parts);
    void hand_out(const Arrival& arrival, bool last, RoundStep& step);
    void hand_over(const Arrival& arrival, bool first, bool last, RoundStep& step) const;
    [[nodiscard]] bool ahead(const Arrival& arrival) const;
    [[nodiscard]] bool outgoing(const Arrival& arrival) const;

    const Network& network_;
    const Machine& machine_;
    const Chip& chip_;
    Cores cores_;
    const SpatialNetwork& layers_;
    ArrivalIndex arrivals_;
    const MapperOptions& options_;
    const Schedule* schedule_;
    ProgramBuilder builder_;
    int workers_ = 0;
    Worker host_in_, sequencer_, model_, compute_, sums_, epilogue_, activations_, ingress_,
        host_out_, instructions_;
    Ring weights_, results_, programs_;
    TokenId loaded_;  ///< once for each layer with weights, in order
    TokenId stored_;  ///< once all programs are in the cores
    TokenId sent_;    ///< once for each output of the network
    TokenId handed_;  ///< once for each that has left the cores
    std::vector<TokenId> computed_, summed_, epilogued_;  ///< by fused layer: one post a chunk
    std::vector<TokenId> done_, epochs_, last_chunks_;    ///< by fused layer
    std::vector<TokenId> ready_, operands_;               ///< by fused layer: parts that came in
    std::vector<Fresh> fresh_;                            ///< by fused layer
    std::vector<std::vector<std::size_t>> freed_;  ///< by fused layer: makers that it reads last
    std::int64_t loads_ = 0;                       ///< layers so far that load weights
    std::vector<TokenId> there_, used_;            ///< by tensor, of the network's edges
    std::vector<std::int64_t> emitted_;            ///< by agent: steps of a round so far
};

}  // namespace memwall
