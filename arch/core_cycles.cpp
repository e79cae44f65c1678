// SPDX-License-Identifier: Apache-2.0
#include "arch/core_cycles.hpp"

#include <algorithm>

#include "arch/expert_parts.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

// MODEL: the tokens of an expert run together, one expert after another, each with an equal share
// of the positions.
std::int64_t expert_cycles(const MacArrayConfig& array, const ArrayShape& shape,
                           std::int64_t experts, const Extents& part) {
    Extents one = part;
    std::int64_t positions = 1;
    for (const Dim dim : {Dim::N, Dim::D, Dim::P, Dim::Q}) {
        positions *= part[index(dim)];
        one[index(dim)] = 1;
    }
    one[index(Dim::P)] = ceil_divide(positions, experts);
    return experts * array_cycles(array, shape, one);
}

}  // namespace

CoreCycles::CoreCycles(const Cores& cores, const Layer& layer)
    : array_(cores.array_config),
      vector_(cores.vector_config),
      operations_(std::max<std::int64_t>(1, layer.space.vector_operations_per_point)) {
    if (layer.space.macs() == 0) {
        return;
    }
    shape_ = array_shape(*array_, layer.precision);
    ensure(shape_ != nullptr, "layers without lanes are refused before");
    const Operand* weights = layer.space.find(TensorRole::weights);
    if (weights != nullptr && weights->projection.gather) {
        gathered_ = &weights->projection;
        divided_ = cores.by_expert && expert_weights(layer) != nullptr ? &layer.space : nullptr;
    }
}

// MODEL: of causal attention the arrays compute whole boxes: pairs that a mask leaves out take
// slots and time, but are no MACs.
std::int64_t CoreCycles::operator()(const Extents& part) const {
    if (shape_ == nullptr) {
        return vector_cycles(vector_->lanes, whole_box(part).points() * operations_);
    }
    if (gathered_ == nullptr) {
        return array_cycles(*array_, *shape_, part);
    }
    const std::int64_t experts = divided_ != nullptr ? most_experts(*divided_, *gathered_, part)
                                                     : drawn_rows(*gathered_, whole_box(part));
    return expert_cycles(*array_, *shape_, experts, part);
}

std::int64_t CoreCycles::least(const Extents& part, std::int64_t cores, DimSet cut) const {
    // Each factor of the cycles is a whole number, and cutting it in n leaves an n-th or more:
    // those that are not cut stay whole.
    if (gathered_ != nullptr) {
        return 0;
    }
    if (shape_ == nullptr) {
        const std::int64_t points = ceil_divide(whole_box(part).points(), cores);
        return vector_cycles(vector_->lanes, points * operations_);
    }
    const ArrayFactors factors = array_factors(*array_, *shape_, part);
    std::int64_t whole = 1;
    std::int64_t divided = 1;
    const auto take = [&](std::int64_t factor, DimSet dims) {
        ((cut & dims) != 0 ? divided : whole) *= factor;
    };
    take(factors.groups, dim_set({Dim::G, Dim::H, Dim::t}));
    take(factors.output_turns, dim_set({Dim::K}));
    take(factors.reduction_turns, dim_set({Dim::C, Dim::R, Dim::S, Dim::T}));
    const std::int64_t load = array_->weight_load.count();
    divided *= std::max(factors.positions, load);
    return whole * std::max(ceil_divide(divided, cores), load);
}

}  // namespace memwall
