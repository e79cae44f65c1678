// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/core_reads.hpp"

namespace memwall {
namespace {

constexpr DimSet kAllDims = (DimSet{1} << kDimCount) - 1;

DimSet dims_of(const Projection& projection) {
    DimSet dims = 0;
    for (const Dim dim : all_dims()) {
        dims |= relevant(projection, dim) ? dim_set({dim}) : 0;
    }
    return dims;
}

}  // namespace

CoreReads::CoreReads(const Cores& cores, const Layer& layer) : width_(cores.read_width.count()) {
    if (layer.space.macs() > 0) {
        outputs_ = array_shape(*cores.array_config, layer.precision)->outputs;
    }
    for (const Dim dim : all_dims()) {
        if (dim != Dim::K && layer.space.extent(dim) > 1) {
            dims_.push_back(dim);
        }
    }
    for (const Operand& operand : layer.space.operands) {
        if (operand.role != TensorRole::outputs) {
            const bool once = outputs_ > 0 && relevant(operand.projection, Dim::K);
            reads_.push_back({OperandReach(operand.projection, layer.space.extents),
                              memwall::bits(operand.precision), once,
                              once ? dims_of(operand.projection) : kAllDims});
        }
    }
}

std::int64_t CoreReads::bits(const Read& read, const Extents& part) const {
    if (read.once) {
        return read.bits * read.reach.most_words(part);
    }
    std::int64_t times = 1;
    for (const Dim dim : dims_) {
        times *= part[index(dim)];
    }
    const std::int64_t channels = part[index(Dim::K)];
    return read.bits * times * (outputs_ > 0 ? ceil_divide(channels, outputs_) : channels);
}

std::int64_t CoreReads::cycles(const Extents& part) const {
    if (width_ == 0) {
        return 0;
    }
    std::int64_t sum = 0;
    for (const Read& read : reads_) {
        sum += bits(read, part);
    }
    return ceil_divide(sum, 8 * width_);
}

std::int64_t CoreReads::least(const Extents& part, std::int64_t cores, DimSet cut) const {
    if (width_ == 0) {
        return 0;
    }
    std::int64_t sum = 0;
    for (const Read& read : reads_) {
        const std::int64_t whole = bits(read, part);
        sum += (read.dims & cut) != 0 ? whole / cores : whole;
    }
    return ceil_divide(sum, 8 * width_);
}

}  // namespace memwall
