// SPDX-License-Identifier: Apache-2.0
// One layer of a tiled program, pass by pass. Turns that are equal are written down once, as a
// loop.
#include <algorithm>

#include "arch/tiling/emitter.hpp"
#include "arch/tiling/equal_turns.hpp"

namespace memwall {
namespace {

/// Where there are more rounds, equal ones are left out, not turns of them.
constexpr std::int64_t kMostRounds = 15;

}  // namespace

void TilingEmitter::emit_layer(std::size_t f) {
    const Layer& root = network_.layer(plan_.fused[f].root);
    std::optional<EqualTurns> turns;
    if (options_.repetition && options_.rounds <= kMostRounds && cache_ == nullptr) {
        turns = find_equal_turns(root, plan_.layers[f]);
    }
    LayerPasses layer(network_, plan_.fused[f], turns ? turns->shorter : root, plan_.layers[f]);
    const bool by_tile = stores_tiles(layer);
    LayerState state(f, turns ? &*turns : nullptr, std::move(layer), by_tile);
    const std::vector<Pass>& passes = state.layer.sequence.passes;
    for (std::size_t p = 0; p < passes.size();) {
        std::size_t end = p;
        while (turns && end < passes.size() && turns->stands(passes[end].box)) {
            ++end;
        }
        if (end > p) {
            emit_equal_turns(state, p, end);
            p = end;
        } else {
            emit_pass(state, p++);
        }
    }
}

void TilingEmitter::emit_pass(LayerState& state, std::size_t p) {
    const PassSequence& sequence = state.layer.sequence;
    const Pass& pass = sequence.passes[p];
    for (std::size_t o = 0; o + 1 < state.layer.root.space.operands.size(); ++o) {
        if (sequence.tile_visits[o][pass.tile_visit[o]].first == p) {
            fetch_tile(state, o, pass.tile_visit[o]);
        }
        if (sequence.operand_visits[o][pass.visit[o]].first == p) {
            feed(state, p, o);
        }
    }
    compute(state, p);
    if (pass.finishes) {
        feed_epilogue(state, p);
        reduce(state, p);
        epilogues(state, p);
        write_back(state, p);
        drain(state, p);
    }
}

std::vector<Ring*> TilingEmitter::rings() {
    std::vector<Ring*> all = {&core_weights_, &results_, &tile_weights_, &tile_outputs_};
    for (auto* list : {&core_inputs_, &tile_inputs_, &core_operands_, &tile_operands_, &updates_}) {
        for (Ring& ring : *list) {
            all.push_back(&ring);
        }
    }
    return all;
}

/// The passes of a turn that stands for others: what comes after counts on from the last of them.
void TilingEmitter::emit_equal_turns(LayerState& state, std::size_t begin, std::size_t end) {
    const std::vector<Ring*> all = rings();
    std::vector<std::int64_t> filled;
    std::vector<std::size_t> tiles;
    for (const Ring* ring : all) {
        filled.push_back(ring->last());
    }
    for (const auto& fills : state.tile_fills) {
        tiles.push_back(fills.size());
    }
    builder_.begin_loop();
    for (std::size_t p = begin; p < end; ++p) {
        emit_pass(state, p);
    }
    builder_.end_loop(state.turns->turns);
    const std::int64_t more = state.turns->turns - 1;
    for (std::size_t o = 0; o < state.tile_fills.size(); ++o) {
        auto& fills = state.tile_fills[o];
        const auto made = static_cast<std::int64_t>(fills.size() - tiles[o]);
        for (std::size_t v = tiles[o]; v < fills.size(); ++v) {
            fills[v] += more * made;
        }
    }
    for (std::size_t r = 0; r < all.size(); ++r) {
        all[r]->skip(more * (all[r]->last() - filled[r]));
    }
}

/// The points that a pass counts where that differs from turn to turn: those of all that a mask
/// leaves are counted with the last pass.
std::optional<std::int64_t> TilingEmitter::counted_points(const LayerState& state,
                                                          std::size_t p) const {
    const IterationSpace& space = network_.layer(state.layer.fused.root).space;
    if (state.turns == nullptr || !space.mask) {
        return std::nullopt;
    }
    const bool last = p + 1 == state.layer.sequence.passes.size();
    return last ? space.counted_points(space.box()) : 0;
}

}  // namespace memwall
