// SPDX-License-Identifier: Apache-2.0
// What the steps of a mapped layer move and compute, number by number, for the executor.
#include "arch/loop_nest/layer_emitter.hpp"

namespace memwall {

Place LayerEmitter::place(std::size_t level, std::int64_t lane) const {
    const bool single = mapped_.machine.memories[level].instances == 1;
    return {out_.memory(level), single ? -1 : lane};
}

std::vector<Box> boxes_without_gaps(const Projection& projection, const Box& box) {
    std::vector<Box> parts = {box};
    if (words(image(projection, box)) == touched_words(projection, box)) {
        return parts;
    }
    for (const Dim dim : {Dim::G, Dim::H}) {
        std::vector<Box> finer;
        for (const Box& part : parts) {
            for (std::int64_t at = part[dim].begin; at < part[dim].end; ++at) {
                finer.push_back(part);
                finer.back()[dim] = {at, at + 1};
            }
        }
        parts = std::move(finer);
    }
    return parts;
}

StepImage LayerEmitter::moved_image(std::size_t step, const Channel& channel) const {
    const Operand& operand = space_.operands[channel.operand];
    StepImage moved;
    const auto add = [&](const Box& box, std::int64_t lane) {
        for (const Box& part : boxes_without_gaps(operand.projection, box)) {
            moved.moves.push_back({operand.tensor,
                                   image(operand.projection, part),
                                   place(channel.parent, 0),
                                   {place(channel.child, lane)},
                                   false,
                                   channel.operand + 1});  // 0 is where results are added up
        }
    };
    if (channel.child < steps_.moved()) {
        add(steps_.tile(step, channel.child), 0);
        return moved;
    }
    for (const InstanceBox& part : steps_.instances(step)) {
        add(part.box, part.lane);
    }
    return moved;
}

namespace {

/// The first of those instances that add to the same results.
bool adds_first(const std::vector<InstanceBox>& parts, std::size_t i, const Projection& results) {
    for (std::size_t before = 0; before < i; ++before) {
        if (image(results, parts[before].box) == image(results, parts[i].box)) {
            return false;
        }
    }
    return true;
}

}  // namespace

StepImage LayerEmitter::computed_image(std::size_t step, bool begins, bool loaded) const {
    std::size_t inputs = 0;
    std::size_t weights = 0;
    for (const Channel& channel : channels_) {
        std::size_t& level =
            space_.operands[channel.operand].role == TensorRole::weights ? weights : inputs;
        level = std::max(level, channel.child);
    }
    const std::size_t sums = sums_.front().child;
    const std::vector<InstanceBox> parts = steps_.instances(step);
    StepImage work;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::int64_t lane = parts[i].lane;
        const bool goes_on =
            !begins || (loaded && adds_first(parts, i, space_.outputs().projection));
        // Several instances may add to one memory: only the first of them starts.
        const bool shared = sums < steps_.moved() || mapped_.machine.memories[sums].instances == 1;
        const bool first = shared && i > 0 && !adds_first(parts, i, space_.outputs().projection)
                               ? false
                               : !goes_on;
        work.computes.push_back({mapped_.root, parts[i].box, place(inputs, lane),
                                 place(weights == 0 ? inputs : weights, lane), place(sums, lane),
                                 first, true});
    }
    return work;
}

StepImage LayerEmitter::sums_image(std::size_t step, std::size_t k, bool down,
                                   bool finished) const {
    const Sums& sums = sums_[k];
    const Projection& results = space_.outputs().projection;
    const bool outermost = sums.parent == 0;
    const LayerId maker = finished && outermost ? mapped_.last() : mapped_.root;
    const TensorId tensor = out_.network_.layer(maker).outputs.front();
    StepImage moved;
    const auto add = [&](const Box& box, std::int64_t lane, bool adds) {
        const Place above = place(sums.parent, 0);
        const Place here = place(sums.child, lane);
        for (const Box& part : boxes_without_gaps(results, box)) {
            moved.moves.push_back(
                {tensor, image(results, part), down ? above : here, {down ? here : above}, adds});
        }
    };
    if (sums.child < steps_.moved()) {
        add(steps_.tile(step, sums.child), 0, false);
        return moved;
    }
    const std::vector<InstanceBox> parts = steps_.instances(sums.begun);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool first = adds_first(parts, i, results);
        if (!down || first) {  // the others start from zero
            add(parts[i].box, parts[i].lane, !first);
        }
    }
    return moved;
}

}  // namespace memwall
