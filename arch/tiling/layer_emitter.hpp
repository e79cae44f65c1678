// SPDX-License-Identifier: Apache-2.0
// The steps of a tiled program, worker by worker. Used by emit.cpp (the network's frame) and
// layer_emitter.cpp (one fused layer).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/step_image.hpp"
#include "arch/tiling/network_plan.hpp"
#include "arch/tiling/pass_sequence.hpp"
#include "arch/tiling/ring.hpp"
#include "arch/tiling/transfer.hpp"

namespace memwall {

class TilingEmitter {
public:
    TilingEmitter(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
                  const Cores& cores, const NetworkPlan& plan, const MapperOptions& options);
    Program run();

private:
    struct Worker {
        AgentId agent;
        UnitId unit;
    };
    /// What one layer's passes share while they are written down.
    struct LayerState;

    void place();
    void load();
    void receive_inputs();
    void send_outputs();

    void emit_layer(std::size_t f);
    void fetch_tile(LayerState& state, std::size_t operand, std::size_t visit);
    void feed(LayerState& state, std::size_t pass, std::size_t operand);
    void feed_epilogue(LayerState& state, std::size_t pass);
    void compute(LayerState& state, std::size_t pass);
    void reduce(LayerState& state, std::size_t pass);
    void epilogues(LayerState& state, std::size_t pass);
    void write_back(LayerState& state, std::size_t p);
    void drain(LayerState& state, std::size_t pass);
    void store(LayerState& state, std::size_t pass, const Cargo& cargo);
    void finish_output(LayerState& state, RoundStep& step);

    /// One core's part of a pass.
    struct CoreBox {
        std::size_t lane = 0;
        Box box;
    };

    [[nodiscard]] static Box tile_box(const LayerState& state, std::size_t pass);
    [[nodiscard]] TensorRole role_of_output(TensorId stored) const;
    [[nodiscard]] CoreSplit split_of(const LayerState& state, const Box& box) const;
    [[nodiscard]] std::vector<CoreBox> core_boxes(const LayerState& state, const Box& box) const;
    [[nodiscard]] const Box& first_box(const LayerState& state, std::size_t pass) const;
    [[nodiscard]] std::size_t first_with_weights(std::size_t f) const;
    [[nodiscard]] Region result_region(const LayerState& state, std::size_t pass) const;
    [[nodiscard]] Region operand_region(const LayerState& state, std::size_t i,
                                        const Box& box) const;
    [[nodiscard]] Place core(ComponentId memory, std::size_t lane) const;
    [[nodiscard]] ComponentId sums() const;

    [[nodiscard]] bool isolated(std::size_t f) const;
    [[nodiscard]] bool is_edge(TensorId tensor) const;
    [[nodiscard]] ComponentId home(TensorId tensor) const;
    [[nodiscard]] LayerId first_reader(TensorId tensor) const;
    [[nodiscard]] Cargo whole(TensorId tensor, LayerId layer, TensorRole role) const;
    void wait_done(RoundStep& step, TensorId tensor) const;
    [[nodiscard]] const std::string& layer_name(std::size_t f) const;
    static std::shared_ptr<const StepImage> image_of(TensorId tensor, const Region& region,
                                                     Place from, std::vector<Place> to);

    const Network& network_;
    const Hierarchy& hierarchy_;
    Cores cores_;
    const NetworkPlan& plan_;
    const MapperOptions& options_;
    ProgramBuilder builder_;
    Transfers transfers_;
    std::size_t workers_ = 0;
    Worker host_in_, fetch_weights_, fetch_inputs_, fetch_operands_, feed_weights_, feed_inputs_,
        compute_, reduce_, epilogue_, drain_, store_, host_out_;
    Ring core_weights_, results_, tile_weights_, tile_outputs_, updates_;
    std::vector<Ring> core_inputs_, tile_inputs_;      ///< by operand of a layer
    std::vector<Ring> core_operands_, tile_operands_;  ///< by other operand of its epilogues
    TokenId reduced_, finished_;
    TokenId answered_;  ///< a round's outputs are with the host; of networks that keep state
    std::vector<TokenId> done_;                   ///< by fused layer: one post an output step
    std::vector<TokenId> weights_loaded_;         ///< by fused layer
    std::vector<TokenId> edge_full_, edge_free_;  ///< by tensor, of the network's edges
    std::vector<TensorId> activations_;
    std::vector<std::int64_t> first_maker_, last_user_;  ///< by tensor: fused layers
};

}  // namespace memwall
