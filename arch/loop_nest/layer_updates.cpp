// SPDX-License-Identifier: Apache-2.0
// State that a layer brings up to date, on its way back to where it lies.
#include <algorithm>

#include "arch/loop_nest/layer_emitter.hpp"

namespace memwall {

/// State that the step brought up to date goes up level by level, a share of it every step.
void LayerEmitter::bring_back(std::size_t step) {
    TokenId below = brought_up_;
    for (std::size_t c = channels_.size(); brought_up_.valid() && c-- > 0;) {
        const Channel& channel = channels_[c];
        if (!channel.back.valid()) {
            continue;
        }
        const bool lowest =
            c + 1 == channels_.size() || channels_[c + 1].operand != channel.operand;
        below = lowest ? brought_up_ : below;
        const Operand& operand = space_.operands[channel.operand];
        const BoundaryTraffic& all = mapped_.counts.boundary(channel.operand, channel.parent);
        Flow flow{channel.parent, channel.child, operand.role, operand.precision};
        flow.up = flow.leave = share(all.updates, static_cast<std::int64_t>(step),
                                     static_cast<std::int64_t>(steps_.size()));
        NestEmitter::Worker& worker =
            out_.worker("bring back operand " + std::to_string(channel.operand + 1) + " of " +
                            at(channel.child),
                        out_.mover(channel.parent, channel.child));
        RoundStep store;
        store.layer = mapped_.root;
        store.body = out_.move(mapped_.root, {flow}, worker.unit);
        const std::size_t level = std::min(channel.child, steps_.moved());
        add_dram(store.body, flow, operand.tensor,
                 image(operand.projection, steps_.tile(step, level)), true);
        store.waits.push_back({below, out_.builder_.posted(below)});
        store.posts.push_back({channel.back});
        below = channel.back;
        out_.builder_.step(worker.agent, std::move(store));
    }
}

/// The last step of the layer: all that it brought up to date is back.
void LayerEmitter::finish(RoundStep& step) const {
    for (const Channel& channel : channels_) {
        if (channel.back.valid() && channel.parent == 0) {
            step.waits.push_back({channel.back, out_.builder_.posted(channel.back)});
        }
    }
    step.posts.push_back({out_.done_[position_]});
}

}  // namespace memwall
