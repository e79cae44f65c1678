// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_images.hpp"

#include "arch/core_work.hpp"

namespace memwall {
namespace {

Place whole(ComponentId memory) {
    return {memory, -1};
}

Place core(ComponentId memory, std::size_t lane) {
    return {memory, static_cast<std::int64_t>(lane)};
}

/// Where a core adds up its results.
Place sums(const Hierarchy& hierarchy, std::size_t lane) {
    return core(hierarchy.accumulators.valid() ? hierarchy.accumulators : hierarchy.array, lane);
}

ComputePiece on_core(const Hierarchy& hierarchy, LayerId id, const Box& box, std::size_t lane,
                     bool first) {
    const Place operands = core(hierarchy.operands, lane);
    return {id, box, operands, operands, sums(hierarchy, lane), first};
}

/// The cores' boxes inside a part of a pass.
std::vector<CoreBox> inside(std::vector<CoreBox> cores, const Box& part) {
    for (CoreBox& core : cores) {
        for (const Dim dim : all_dims()) {
            core.box[dim] = intersection(core.box[dim], part[dim]);
        }
    }
    std::erase_if(cores, [](const CoreBox& core) { return core.box.points() == 0; });
    return cores;
}

}  // namespace

StepImage feed_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                     std::size_t o) {
    const Operand& operand = layer.root.space.operands[o];
    StepImage step;
    for (const auto& [lane, box] : layer.core_boxes(layer.pass(p).box)) {
        step.moves.push_back({operand.tensor,
                              image(operand.projection, box),
                              whole(hierarchy.buffer),
                              {core(hierarchy.operands, lane)},
                              false,
                              o});
    }
    return step;
}

StepImage operand_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                        std::size_t i, const Box& part, std::int64_t filling) {
    const TensorId view = layer.fused.operand(layer.network, i).tensor;
    StepImage step;
    for (const auto& [lane, box] : inside(layer.core_boxes(layer.first_box(p)), part)) {
        step.moves.push_back({view,
                              layer.operand_region(i, box),
                              whole(hierarchy.buffer),
                              {core(hierarchy.operands, lane)},
                              false,
                              layer.root.space.operands.size() + i,
                              filling});
    }
    return step;
}

StepImage compute_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p) {
    StepImage step;
    for (const auto& [lane, box] : layer.core_boxes(layer.pass(p).box)) {
        step.computes.push_back(
            on_core(hierarchy, layer.fused.root, box, lane, layer.pass(p).starts));
    }
    return step;
}

StepImage reduce_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p) {
    const std::vector<CoreBox> owners = layer.owners(p);
    StepImage step;
    for (const auto& [lane, box] : layer.core_boxes(layer.first_box(p))) {
        const Region part = layer.results(box);
        for (const CoreBox& owner : owners) {
            if (owner.lane != lane && layer.results(owner.box) == part) {
                step.moves.push_back({layer.root.outputs.front(),
                                      part,
                                      sums(hierarchy, lane),
                                      {sums(hierarchy, owner.lane)},
                                      true});
            }
        }
    }
    return step;
}

StepImage epilogue_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                         LayerId epilogue) {
    StepImage step;
    for (const auto& [lane, box] : layer.owners(p)) {
        const Box of_results = box_of_results(layer.network.layer(epilogue), layer.results(box));
        step.computes.push_back(on_core(hierarchy, epilogue, of_results, lane, true));
    }
    return step;
}

StepImage write_back_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                           std::size_t o) {
    const Operand& operand = layer.root.space.operands[o];
    StepImage step;
    for (const auto& [lane, box] : layer.core_boxes(layer.pass(p).box)) {
        step.moves.push_back({operand.tensor,
                              image(operand.projection, box),
                              core(hierarchy.operands, lane),
                              {whole(hierarchy.buffer)},
                              false});
    }
    return step;
}

StepImage drain_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                      const Box& part) {
    const TensorId results = layer.network.layer(layer.fused.last()).outputs.front();
    StepImage step;
    for (const auto& [lane, box] : inside(layer.owners(p), part)) {
        step.moves.push_back(
            {results, layer.results(box), sums(hierarchy, lane), {whole(hierarchy.buffer)}, false});
    }
    return step;
}

}  // namespace memwall
