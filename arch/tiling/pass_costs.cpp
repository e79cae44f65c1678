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

/// Cut along each of some dimensions as if all cores shared it alone.
Extents no_larger_than_any(Extents part, std::int64_t cores, DimSet cut) {
    for (DimSet left = cut; left != 0; left &= left - 1) {
        std::int64_t& extent = part[static_cast<std::size_t>(std::countr_zero(left))];
        extent = ceil_divide(extent, cores);
    }
    return part;
}

}  // namespace

std::int64_t pieces(const Extents& whole, const Extents& tile, const std::array<Dim, 4>& dims) {
    std::int64_t product = 1;
    for (const Dim dim : dims) {
        if (whole[index(dim)] != tile[index(dim)]) {  // divisions take long
            product *= ceil_divide(whole[index(dim)], tile[index(dim)]);
        }
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

// The first feed and the last drain are seen, or the bus has no gap; all else overlaps. Of two
// slots each is fed again when its pass has been computed.
TileCosts PassTraffic::costs(const SplitCosts& split, const PassAim& aim) const {
    const double reduced = static_cast<double>(split.sharing - 1) * sums;
    const double drained = (results + reduced) / drain_width;
    const double compute = passes * static_cast<double>(split.cycles);
    const double brought = (static_cast<double>(split.brought[0]) * feeds[0] +
                            static_cast<double>(split.brought[1]) * feeds[1]) /
                           core_width;
    const double moved = std::max(feed + drained * channels * positions, brought);
    const double in_turn =
        (std::max(feed, brought) + compute + passes * static_cast<double>(latency)) / 2;
    const double steady = std::max(moved, in_turn);
    const double seen = first_feed + drained;
    TileCosts costs;
    costs.cycles =
        aim.overlaps ? std::max(compute + seen, steady) : std::max(compute, steady) + seen;
    costs.value = costs.cycles + aim.hidden * compute +
                  aim.feeding * brought * (static_cast<double>(split.cores) / all_cores);
    return costs;
}

PassCosts::PassCosts(const Hierarchy& hierarchy, const Cores& cores, const Layer& layer,
                     std::int64_t operand_bits)
    : hierarchy_(hierarchy),
      whole_(layer.space.extents),
      core_cycles_(cores, layer),
      core_reads_(cores, layer),
      operand_bits_(operand_bits),
      feed_width_(hierarchy.feed_width()),
      drain_width_(hierarchy.drain_width()),
      core_width_(hierarchy.core_width()),
      result_bits_(bits(layer.space.outputs().precision)),
      sum_bits_(bits(layer.precision.accumulator)),
      outputs_(layer.space.outputs().projection, layer.space.extents),
      reduction_(layer.space.reduction_dims()) {
    const Cycles pipeline = core_cycles_.shape() != nullptr ? hierarchy.array_config->pipeline
                                                            : hierarchy.vector_config->pipeline;
    latency_ = (hierarchy.feed_latency() + pipeline).count();
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
        bytes[read.weights ? 0 : 1] += stored(read.reach.most_words(part), read.bits);
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

bool PassCosts::may_fit(const Extents& part, std::int64_t cores, DimSet cut) const {
    return fits(no_larger_than_any(part, cores, cut));
}

std::int64_t PassCosts::sharing(const Extents& pass, const Extents& core) const {
    std::int64_t product = 1;
    for (const Dim dim : reduction_) {
        if (pass[index(dim)] != core[index(dim)]) {
            product *= ceil_divide(pass[index(dim)], core[index(dim)]);
        }
    }
    return product;
}

SplitCosts PassCosts::split(const Extents& pass, const Extents& core) const {
    return {std::max(core_cycles_(core), core_reads_.cycles(core)), sharing(pass, core),
            pieces(pass, core), bytes_read(core)};
}

SplitCosts PassCosts::least(const Extents& pass, const Extents& part, std::int64_t cores,
                            DimSet cut) const {
    return {std::max(core_cycles_.least(part, cores, cut), core_reads_.least(part, cores, cut)),
            sharing(pass, part), pieces(pass, part),
            bytes_read(no_larger_than_any(part, cores, cut))};
}

PassTraffic PassCosts::traffic(const Extents& tile, const Extents& pass,
                               std::optional<bool> positions_outer) const {
    PassTraffic traffic;
    traffic.channels = static_cast<double>(pieces(tile, pass, kChannelDims));
    traffic.positions = static_cast<double>(pieces(tile, pass, kPositionDims));
    const auto reduction = static_cast<double>(pieces(tile, pass, kReductionDims));
    traffic.passes = traffic.channels * traffic.positions * reduction;
    const std::array<std::int64_t, 2> read = bytes_read(pass);
    const auto weights = static_cast<double>(read[0]);
    const auto inputs = static_cast<double>(read[1]);
    const std::int64_t outputs = outputs_.most_words(pass);
    // Of tiles of a part of the reduction the last has the results.
    const auto parts = static_cast<double>(pieces(whole_, tile, kReductionDims));
    traffic.results = static_cast<double>(stored(outputs, result_bits_)) / parts;
    traffic.sums = static_cast<double>(stored(outputs, sum_bits_)) / parts;
    // Weights stay while positions go by, inputs while channels do, and both from end to end.
    const bool once = reduction == 1;
    const std::array<double, 2> weights_outer = {
        once ? traffic.channels : traffic.passes,
        once && traffic.positions == 1 ? 1 : traffic.passes};
    const std::array<double, 2> inputs_outer = {once && traffic.channels == 1 ? 1 : traffic.passes,
                                                once ? traffic.positions : traffic.passes};
    const auto fed = [&](const std::array<double, 2>& feeds) {
        return weights * feeds[0] + inputs * feeds[1];
    };
    traffic.positions_outer = positions_outer.value_or(fed(inputs_outer) < fed(weights_outer));
    traffic.feeds = traffic.positions_outer ? inputs_outer : weights_outer;
    traffic.feed = fed(traffic.feeds) / feed_width_;
    traffic.first_feed = inputs / feed_width_;
    traffic.drain_width = drain_width_;
    traffic.core_width = core_width_;
    traffic.all_cores = static_cast<double>(hierarchy_.cores);
    traffic.latency = latency_;
    return traffic;
}

}  // namespace memwall
