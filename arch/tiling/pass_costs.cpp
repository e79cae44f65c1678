// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_costs.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace memwall {
namespace {

/// stored_bytes() of a precision's bits.
std::int64_t stored(std::int64_t words, std::int64_t bits) {
    return ceil_divide(checked_multiply(words, bits), 8);
}

}  // namespace

std::int64_t pieces(const Extents& whole, const Extents& tile, const std::array<Dim, 4>& dims) {
    std::int64_t product = 1;
    for (const Dim dim : dims) {
        product *= ceil_divide(whole[index(dim)], tile[index(dim)]);
    }
    return product;
}

std::int64_t pieces(const Extents& whole, const Extents& tile) {
    return pieces(whole, tile, kChannelDims) * pieces(whole, tile, kPositionDims) *
           pieces(whole, tile, kReductionDims);
}

Extents whole_sums(const IterationSpace& space, Extents tile) {
    for (const Dim dim : kReductionDims) {
        tile[index(dim)] = space.extent(dim);
    }
    return tile;
}

bool updates_operands(const IterationSpace& space) {
    return std::any_of(space.operands.begin(), space.operands.end(),
                       [](const Operand& operand) { return operand.updated; });
}

OperandReach::OperandReach(const Projection& projection, const Extents& whole)
    : projection_(projection) {
    axes_.reserve(projection.axes.size());
    terms_.reserve(kDimCount);
    for (const Axis& axis : projection.axes) {
        for (const AxisTerm& term : axis.terms) {
            if (whole[index(term.dim)] > 1) {
                terms_.push_back({term.dim, std::abs(term.coefficient)});
            }
        }
        const std::size_t before = axes_.empty() ? 0 : axes_.back().end_of_terms;
        if (terms_.size() > before || axis.extent < 1) {
            axes_.push_back({axis.extent, terms_.size()});
        }
    }
}

std::int64_t OperandReach::most_words(const Extents& part) const {
    if (projection_.gather) {
        return memwall::most_words(projection_, part);
    }
    std::int64_t words = 1;
    std::size_t term = 0;
    for (const AxisReach& axis : axes_) {
        std::int64_t reach = 1;
        for (; term < axis.end_of_terms; ++term) {
            reach += terms_[term].coefficient * (part[index(terms_[term].dim)] - 1);
        }
        words *= std::min(axis.extent, reach);
    }
    return words;
}

double PassTraffic::cycles(std::int64_t core, std::int64_t sharing) const {
    const double reduced = static_cast<double>(sharing - 1) * sums;
    const double drained = (results + reduced) / drain_width;
    const double compute = passes * static_cast<double>(core);
    const double steady = std::max(compute, feed + drained * channels * positions);
    return steady + first_feed + drained;
}

PassCosts::PassCosts(const Hierarchy& hierarchy, const Cores& cores, const Layer& layer,
                     std::int64_t operand_bits)
    : hierarchy_(hierarchy),
      core_cycles_(cores, layer),
      operand_bits_(operand_bits),
      feed_width_(hierarchy.feed_width()),
      drain_width_(hierarchy.drain_width()),
      result_bits_(bits(layer.space.outputs().precision)),
      sum_bits_(bits(layer.precision.accumulator)),
      outputs_(layer.space.outputs().projection, layer.space.extents),
      reduction_(layer.space.reduction_dims()) {
    for (const Operand& operand : layer.space.operands) {
        if (operand.role != TensorRole::outputs) {
            reads_.push_back({OperandReach(operand.projection, layer.space.extents),
                              bits(operand.precision), operand.role == TensorRole::weights});
        }
    }
}

std::array<std::int64_t, 2> PassCosts::bytes_read(const Extents& part) const {
    std::array<std::int64_t, 2> bytes{};
    for (const Read& read : reads_) {
        bytes[read.weights ? 1 : 0] += stored(read.reach.most_words(part), read.bits);
    }
    return bytes;
}

bool PassCosts::fits(const Extents& part) const {
    const std::int64_t outputs = outputs_.most_words(part);
    if (hierarchy_.accumulators_config != nullptr &&
        2 * stored(outputs, sum_bits_) > hierarchy_.accumulators_config->capacity.count()) {
        return false;
    }
    const std::int64_t room = hierarchy_.operands_config->capacity.count() / 2;
    std::int64_t needed = stored(outputs, operand_bits_);
    return needed <= room && std::all_of(reads_.begin(), reads_.end(), [&](const Read& read) {
               needed += stored(read.reach.most_words(part), read.bits);
               return needed <= room;
           });
}

bool PassCosts::may_fit(Extents part, std::int64_t cores, DimSet cut) const {
    for (DimSet left = cut; left != 0; left &= left - 1) {
        std::int64_t& extent = part[static_cast<std::size_t>(std::countr_zero(left))];
        extent = ceil_divide(extent, cores);
    }
    return fits(part);
}

std::int64_t PassCosts::sharing(const Extents& pass, const Extents& core) const {
    std::int64_t product = 1;
    for (const Dim dim : reduction_) {
        product *= ceil_divide(pass[index(dim)], core[index(dim)]);
    }
    return product;
}

PassTraffic PassCosts::traffic(const Extents& tile, const Extents& pass,
                               std::optional<bool> positions_outer) const {
    PassTraffic traffic;
    traffic.channels = static_cast<double>(pieces(tile, pass, kChannelDims));
    traffic.positions = static_cast<double>(pieces(tile, pass, kPositionDims));
    const auto reduction = static_cast<double>(pieces(tile, pass, kReductionDims));
    traffic.passes = traffic.channels * traffic.positions * reduction;
    const std::array<std::int64_t, 2> read = bytes_read(pass);
    const auto inputs = static_cast<double>(read[0]);
    const auto weights = static_cast<double>(read[1]);
    const std::int64_t outputs = outputs_.most_words(pass);
    traffic.results = static_cast<double>(stored(outputs, result_bits_));
    traffic.sums = static_cast<double>(stored(outputs, sum_bits_));
    const bool weights_once = reduction == 1;
    const double weights_outer =
        weights * (weights_once ? traffic.channels : traffic.passes) +
        inputs * (weights_once && traffic.positions == 1 ? 1 : traffic.passes);
    const double inputs_outer =
        inputs * (weights_once ? traffic.positions : traffic.passes) +
        weights * (weights_once && traffic.channels == 1 ? 1 : traffic.passes);
    traffic.positions_outer = positions_outer.value_or(inputs_outer < weights_outer);
    traffic.feed = (traffic.positions_outer ? inputs_outer : weights_outer) / feed_width_;
    traffic.first_feed = inputs / feed_width_;
    traffic.drain_width = drain_width_;
    return traffic;
}

}  // namespace memwall
