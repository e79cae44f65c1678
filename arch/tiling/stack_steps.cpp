// SPDX-License-Identifier: Apache-2.0
// The layers of a stack, strip by strip: in every turn each layer makes the strip that it is at.
#include <algorithm>
#include <list>
#include <vector>

#include "arch/tiling/emitter.hpp"

namespace memwall {
namespace {

std::int64_t strip_of(const Stack& stack, std::size_t layer, const Box& pass) {
    return pass[Dim::N].begin * stack.strips + pass[Dim::P].begin / stack.rows[layer];
}

}  // namespace

/// A stack takes the room of tiles: its own come when the layers before it have ended, and those of
/// layers behind it when it has, or of layers before it in the next round.
void TilingEmitter::wait_for_room(std::size_t f, RoundStep& step) const {
    if (plan_.stacks.empty()) {
        return;
    }
    if (const Stack* own = plan_.stack_of(f); own != nullptr && own->begin == 0) {
        step.waits.push_back({done_.back(), 0});
    } else if (own != nullptr) {
        wait_layer_before(own->begin, step);
    } else {
        const auto behind = std::find_if(plan_.stacks.rbegin(), plan_.stacks.rend(),
                                         [&](const Stack& stack) { return stack.end <= f; });
        const bool this_round = behind != plan_.stacks.rend();
        const TokenId done = done_[(this_round ? *behind : plan_.stacks.back()).end - 1];
        step.waits.push_back({done, this_round ? builder_.posted(done) : 0});
    }
}

// MODEL: in a stack the rows of every layer are made once, strip by strip, and stay in the buffer
// until their last reader has had them; between strips the cores keep nothing, so weights are fed
// anew for each.
void TilingEmitter::emit_stack(const Stack& stack) {
    std::list<LayerState> states;
    for (std::size_t f = stack.begin; f < stack.end; ++f) {
        LayerPasses layer(network_, plan_.fused[f], network_.layer(plan_.fused[f].root),
                          plan_.layers[f]);
        const bool by_tile = stores_tiles(layer);
        LayerState& state = states.emplace_back(f, nullptr, std::move(layer), by_tile);
        state.stack_weights = Ring(builder_, "weights of '" + layer_name(f) + "'", 1);
    }
    const std::int64_t strips = stack.strips * network_.batch();
    const std::int64_t turns = strips + *std::max_element(stack.lag.begin(), stack.lag.end());
    std::vector<std::size_t> next(stack.layers(), 0);  // pass
    for (std::int64_t turn = 0; turn < turns; ++turn) {
        std::size_t i = 0;
        for (LayerState& state : states) {
            const std::int64_t strip = turn - stack.lag[i];
            const std::vector<Pass>& passes = state.layer.sequence.passes;
            while (strip >= 0 && next[i] < passes.size() &&
                   strip_of(stack, i, passes[next[i]].box) == strip) {
                emit_pass(state, next[i]++);
            }
            ++i;
        }
    }
}

}  // namespace memwall
