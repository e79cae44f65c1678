// SPDX-License-Identifier: Apache-2.0
// The steps of a tiled program, worker by worker: the network's frame (emit.cpp) and edges
// (edge_steps.cpp), a layer pass by pass (layer_steps.cpp), what it reads (operand_steps.cpp) and
// what it makes (result_steps.cpp).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/step_image.hpp"
#include "arch/tiling/equal_passes.hpp"
#include "arch/tiling/equal_turns.hpp"
#include "arch/tiling/layer_passes.hpp"
#include "arch/tiling/network_plan.hpp"
#include "arch/tiling/repetition.hpp"
#include "arch/tiling/ring.hpp"
#include "arch/tiling/scheduled_cache.hpp"
#include "arch/tiling/transfer.hpp"

namespace memwall {

/// Writes one program; used once.
class TilingEmitter {
public:
    TilingEmitter(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
                  const Cores& cores, const NetworkPlan& plan, const MapperOptions& options,
                  ScheduledCache* cache);
    Program run();

private:
    struct Worker {
        AgentId agent;
        UnitId unit;
    };
    /// A layer while its passes are written down.
    struct LayerState {
        std::size_t f = 0;
        const EqualTurns* turns = nullptr;  ///< of the layer; none: every pass is written down
        LayerPasses layer;
        Ring stack_weights;             ///< in a stack: they come once, for all strips
        bool stores_tiles = false;      ///< results leave the buffer a whole tile at a time
        bool tile_begun = false;        ///< some of the tile's results are in the buffer
        std::int64_t outputs = 0;       ///< parts of results that end a store, or stay
        std::int64_t outputs_done = 0;  ///< so far
        /// By operand and tile visit: its filling of the ring, and what its end frees.
        std::vector<std::vector<std::int64_t>> tile_fills;
        std::vector<std::vector<Bytes>> tile_releases;
        std::vector<Bytes> carried;        ///< by operand: kept for the next tile
        std::vector<std::int64_t> kinds;   ///< by pass: kinds_of_passes()
        std::vector<PassResults> results;  ///< by kind
        KnownBodies bodies;

        LayerState(std::size_t position, const EqualTurns* equal_turns, LayerPasses passes,
                   bool by_tile)
            : f(position),
              turns(equal_turns),
              layer(std::move(passes)),
              stores_tiles(by_tile),
              outputs(stores_tiles ? layer.tiles() : layer.drains()),
              tile_fills(layer.root.space.operands.size()),
              tile_releases(tile_fills.size()),
              carried(tile_fills.size()),
              kinds(kinds_of_passes(layer.root, layer.sequence.passes)),
              results(results_of_kinds(layer, kinds)) {}

        /// Of a pass, the reduction as in the first one over the same outputs.
        [[nodiscard]] const PassResults& results_of(std::size_t p) const {
            return results[static_cast<std::size_t>(kinds[layer.first_pass(p)])];
        }
    };

    // emit.cpp
    void place();
    void load();
    void leave_out(Program& program) const;
    [[nodiscard]] bool isolated(std::size_t f) const;
    [[nodiscard]] bool is_edge(TensorId tensor) const;
    [[nodiscard]] ComponentId home(TensorId tensor) const;
    [[nodiscard]] LayerId first_reader(TensorId tensor) const;
    [[nodiscard]] Cargo whole(TensorId tensor, LayerId layer, TensorRole role) const;
    void wait_done(RoundStep& step, TensorId tensor) const;
    [[nodiscard]] const std::string& layer_name(std::size_t f) const;
    [[nodiscard]] std::size_t first_with_weights(std::size_t f) const;

    // edge_steps.cpp
    void receive_inputs();
    void send_outputs();
    void end_lives_in_cache(std::size_t f);
    void end_round_in_cache();

    // stack_steps.cpp
    void emit_stack(const Stack& stack);
    void wait_for_room(std::size_t f, RoundStep& step) const;

    // layer_steps.cpp
    void emit_layer(std::size_t f);
    void emit_pass(LayerState& state, std::size_t p);
    std::vector<Ring*> rings();
    void emit_equal_turns(LayerState& state, std::size_t begin, std::size_t end);
    [[nodiscard]] std::optional<std::int64_t> counted_points(const LayerState& state,
                                                             std::size_t p) const;

    [[nodiscard]] static RoundStep step_of(LayerId layer) {
        RoundStep step;
        step.layer = layer;
        return step;
    }
    /// Gives a step its body, made once a key.
    template <typename Make>
    void set_body(LayerState& state, const KnownBodies::Key& key, RoundStep& step,
                  const Make& make) {
        step.kept = state.bodies.find(key);
        if (step.kept == nullptr) {
            step.kept = builder_.keep(make());
            state.bodies.add(key, step.kept);
        }
    }

    // operand_steps.cpp
    void wait_layer_before(std::size_t f, RoundStep& step) const;
    Ring& tile_ring(LayerState& state, std::size_t o);
    [[nodiscard]] static Cargo tile_cargo(const LayerPasses& layer, std::size_t o, std::size_t v);
    void hold_tile(LayerState& state, std::size_t o, std::size_t v, const Cargo& cargo,
                   RoundStep& step) const;
    void fetch_tile(LayerState& state, std::size_t o, std::size_t v);
    void feed(LayerState& state, std::size_t p, std::size_t o);
    void use_tile(LayerState& state, std::size_t p, std::size_t o, RoundStep& step);
    void feed_epilogue(LayerState& state, std::size_t p);
    void feed_operand(LayerState& state, std::size_t p, std::size_t i, const Box& part,
                      RoundStep step);
    void fetch_operand(const LayerState& state, std::size_t i, const Cargo& cargo);

    // result_steps.cpp
    void compute(LayerState& state, std::size_t p);
    void reduce(LayerState& state, std::size_t p);
    void wait_sums(const LayerState& state, std::size_t p, RoundStep& step) const;
    void epilogues(LayerState& state, std::size_t p);
    void write_back(const LayerState& state, std::size_t p);
    void store_update(const LayerState& state, std::size_t p, std::size_t o, const Cargo& tile);
    void drain(LayerState& state, std::size_t p);
    void drain_part(LayerState& state, std::size_t p, const Box& part, RoundStep step);
    void begin_output(const LayerState& state, RoundStep& step) const;
    [[nodiscard]] bool stores_tiles(const LayerPasses& layer) const;
    [[nodiscard]] Cargo cargo_of_results(const LayerPasses& layer, const Box& box) const;
    void store(LayerState& state, const Cargo& cargo);
    void finish_output(LayerState& state, RoundStep& step);
    [[nodiscard]] TensorRole role_of_output(TensorId stored) const;

    const Network& network_;
    const Hierarchy& hierarchy_;
    Cores cores_;
    const NetworkPlan& plan_;
    const MapperOptions& options_;
    std::optional<EqualBlocks> equal_blocks_;  ///< what is left out
    ProgramBuilder builder_;
    ScheduledCache* cache_;  ///< before the DRAM; nullptr where there is none
    Transfers transfers_;
    std::size_t workers_ = 0;
    Worker host_in_, fetch_weights_, fetch_inputs_, fetch_operands_, feed_weights_, feed_inputs_,
        compute_, reduce_, epilogue_, drain_, store_, host_out_;
    Ring core_weights_, results_, tile_weights_, tile_outputs_;
    std::vector<Ring> core_inputs_, tile_inputs_, updates_;  ///< by operand of a layer
    std::vector<Ring> core_operands_, tile_operands_;        ///< by other operand of its epilogues
    TokenId reduced_, finished_;
    TokenId answered_;  ///< a round's outputs are with the host; of networks that keep state
    std::vector<TokenId> done_;                   ///< by fused layer: one post an output step
    std::vector<TokenId> weights_loaded_;         ///< by fused layer
    std::vector<TokenId> edge_full_, edge_free_;  ///< by tensor, of the network's edges
    std::vector<TensorId> activations_;
    std::vector<bool> outputs_;  ///< by tensor: it leaves the network
    std::vector<std::int64_t> first_maker_, last_maker_, last_user_;  ///< by tensor: fused layers
};

}  // namespace memwall
