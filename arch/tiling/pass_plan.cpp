// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/pass_plan.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.hpp"

namespace memwall {
namespace {

constexpr std::array<Dim, 4> kChannels = {Dim::G, Dim::H, Dim::t, Dim::K};
constexpr std::array<Dim, 4> kPositions = {Dim::N, Dim::D, Dim::P, Dim::Q};
constexpr std::array<Dim, 4> kReduction = {Dim::C, Dim::T, Dim::R, Dim::S};

std::int64_t pieces(const Extents& whole, const Extents& tile, const std::array<Dim, 4>& dims) {
    std::int64_t product = 1;
    for (const Dim dim : dims) {
        product *= ceil_divide(whole[index(dim)], tile[index(dim)]);
    }
    return product;
}

std::int64_t points(const Extents& extents, const std::array<Dim, 4>& dims) {
    std::int64_t product = 1;
    for (const Dim dim : dims) {
        product *= extents[index(dim)];
    }
    return product;
}

/// Cuts the dimensions in turn, the first ones first, until there are `parts` pieces or no more.
/// Those of `whole` stay as they are.
void divide(Extents& extents, const std::array<Dim, 4>& dims, std::int64_t parts,
            std::int64_t k_unit, const std::vector<Dim>& whole) {
    for (const Dim dim : dims) {
        if (std::find(whole.begin(), whole.end(), dim) != whole.end()) {
            continue;
        }
        std::int64_t& extent = extents[index(dim)];
        const std::int64_t unit = dim == Dim::K ? k_unit : 1;
        const std::int64_t units = ceil_divide(extent, unit);
        const std::int64_t here = std::min(units, parts);
        extent = std::min(extent, ceil_divide(units, here) * unit);
        parts = ceil_divide(parts, here);
    }
}

/// Of the weights, or of everything else that is read.
std::int64_t bits_read(const Layer& layer, const Extents& part, bool weights) {
    std::int64_t sum = 0;
    for (const Operand& operand : layer.space.operands) {
        if (operand.role != TensorRole::outputs &&
            (operand.role == TensorRole::weights) == weights) {
            sum += most_bytes(operand.projection, operand.precision, part).count() * 8;
        }
    }
    return sum;
}

}  // namespace

std::vector<Box> cut(const Box& box, const Extents& tile, bool positions_outer) {
    std::vector<Dim> order;
    const auto append = [&](const std::array<Dim, 4>& dims) {
        order.insert(order.end(), std::begin(dims), std::end(dims));
    };
    if (positions_outer) {
        append(kPositions);
        append(kChannels);
    } else {
        append(kChannels);
        append(kPositions);
    }
    append(kReduction);
    std::vector<Box> boxes = {box};
    for (const Dim dim : order) {
        const std::int64_t size = tile[index(dim)];
        if (box[dim].size() <= size) {
            continue;
        }
        std::vector<Box> finer;
        for (const Box& whole : boxes) {
            for (std::int64_t at = box[dim].begin; at < box[dim].end; at += size) {
                finer.push_back(whole);
                finer.back()[dim] = {at, std::min(at + size, box[dim].end)};
            }
        }
        boxes = std::move(finer);
    }
    return boxes;
}

bool PassPlanner::fits(const Layer& layer, const Extents& part, std::int64_t operand_bits) const {
    const std::int64_t outputs =
        most_bytes(layer.space.outputs().projection, Precision::int8, part).count();
    const std::int64_t bits_needed =
        bits_read(layer, part, true) + bits_read(layer, part, false) + outputs * operand_bits;
    if (2 * ceil_divide(bits_needed, 8) > hierarchy_.operands_config->capacity.count()) {
        return false;
    }
    if (hierarchy_.accumulators_config == nullptr) {
        return true;
    }
    const Bytes sums = stored_bytes(outputs, layer.precision.accumulator);
    return 2 * sums.count() <= hierarchy_.accumulators_config->capacity.count();
}

/// Estimates a tile: the first feed and the last drain are seen, all else overlaps.
double PassPlanner::tile_cycles(const Layer& layer, const Extents& tile, PassPlan& plan,
                                std::int64_t core) const {
    const auto channels = static_cast<double>(pieces(tile, plan.pass, kChannels));
    const auto positions = static_cast<double>(pieces(tile, plan.pass, kPositions));
    const auto reduction = static_cast<double>(pieces(tile, plan.pass, kReduction));
    const double passes = channels * positions * reduction;
    const auto weights = static_cast<double>(bits_read(layer, plan.pass, true)) / 8;
    const auto inputs = static_cast<double>(bits_read(layer, plan.pass, false)) / 8;
    const Operand& outputs = layer.space.outputs();
    const auto results =
        static_cast<double>(most_bytes(outputs.projection, outputs.precision, plan.pass).count());
    const CoreSplit split{plan.pass, plan.core};
    const auto reduced =
        static_cast<double>(split.reduction_parts(layer.space) - 1) *
        static_cast<double>(
            most_bytes(outputs.projection, layer.precision.accumulator, plan.pass).count());
    const bool weights_once = reduction == 1;
    const double weights_outer = weights * (weights_once ? channels : passes) +
                                 inputs * (weights_once && positions == 1 ? 1 : passes);
    const double inputs_outer = inputs * (weights_once ? positions : passes) +
                                weights * (weights_once && channels == 1 ? 1 : passes);
    plan.positions_outer = inputs_outer < weights_outer;
    const double fed = std::min(inputs_outer, weights_outer);
    const double feed = fed / hierarchy_.feed_width();
    const double drained = (results + reduced) / hierarchy_.drain_width();
    const double compute = passes * static_cast<double>(core);
    const double steady = std::max(compute, feed + drained * channels * positions);
    return steady + inputs / hierarchy_.feed_width() + drained;
}

namespace {

/// What more passes must gain, as a factor: of a few anything, of many something.
double worth(const Layer& layer, const Extents& tile, const PassPlan& plan, const PassPlan& best) {
    constexpr std::int64_t kFew = 128;
    const auto passes = [&](const Extents& whole, const Extents& part) {
        return pieces(whole, part, kChannels) * pieces(whole, part, kPositions) *
               pieces(whole, part, kReduction);
    };
    const std::int64_t tiles = passes(layer.space.extents, tile);
    const std::int64_t more = tiles * passes(tile, plan.pass);
    return more > kFew && more > tiles * passes(tile, best.pass) ? 0.98 : 1;
}

}  // namespace

void PassPlanner::try_chunks(const Layer& layer, const Extents& tile, std::int64_t operand_bits,
                             const Extents& pass, std::optional<PassPlan>& best) const {
    const ArrayShape* shape =
        layer.space.macs() > 0 ? array_shape(*hierarchy_.array_config, layer.precision) : nullptr;
    SplitRules rules;
    rules.cores = hierarchy_.cores;
    rules.output_unit = shape ? shape->outputs : 1;
    rules.reduction_unit = shape ? shape->inputs : 1;
    // Sharing outputs pays where there are too few of them for all cores.
    const std::int64_t outputs = ceil_divide(pass[index(Dim::K)], rules.output_unit) *
                                 points(pass, kPositions) * pass[index(Dim::G)] *
                                 pass[index(Dim::H)];
    rules.split_reduction = shape != nullptr && outputs < 16 * rules.cores;
    // The sums of a gradient go over positions, of which there may be many.
    rules.split_window = rules.split_reduction && layer.pass == LayerPass::backward;
    std::int64_t least = std::numeric_limits<std::int64_t>::max() / 2;
    for (const CoreSplit& split : useful_splits(layer.space, pass, rules)) {
        const std::int64_t core = core_cycles(cores_, layer, split.tile);
        if (core > least + least / 8 || !fits(layer, split.tile, operand_bits)) {
            continue;
        }
        least = std::min(least, core);
        PassPlan plan;
        plan.pass = pass;
        plan.core = split.tile;
        plan.cycles = tile_cycles(layer, tile, plan, core);
        if (!best || plan.cycles < best->cycles * worth(layer, tile, plan, *best)) {
            best = plan;
        }
    }
}

std::optional<PassPlan> PassPlanner::plan(const Layer& layer, const Extents& tile,
                                          std::int64_t operand_bits) {
    std::vector<int> window;  // strides, dilations and widths decide what a box touches
    for (const Operand& operand : layer.space.operands) {
        window.push_back(bits(operand.precision));
        for (const Axis& axis : operand.projection.axes) {
            window.push_back(static_cast<int>(axis.extent));
            for (const AxisTerm& term : axis.terms) {
                window.push_back(static_cast<int>(term.coefficient));
                window.push_back(static_cast<int>(term.dim));
            }
        }
    }
    const auto key =
        std::make_tuple(layer.space.extents, layer.op, std::move(window), tile, operand_bits);
    const auto known = known_.find(key);
    if (known != known_.end()) {
        return known->second;
    }
    std::optional<PassPlan> best = search(layer, tile, operand_bits, layer.space.whole_dims);
    if (!best && !layer.space.whole_dims.empty()) {
        best = search(layer, tile, operand_bits, {});
    }
    known_.emplace(key, best);
    return best;
}

// MODEL: a row that is normalised over goes through a core in one pass where its buffers hold it;
// else in several, its maximum and sums carried from part to part at no cost (online softmax,
// Milakov and Gimelshein 2018).
std::optional<PassPlan> PassPlanner::search(const Layer& layer, const Extents& tile,
                                            std::int64_t operand_bits,
                                            const std::vector<Dim>& whole) const {
    const ArrayShape* shape =
        layer.space.macs() > 0 ? array_shape(*hierarchy_.array_config, layer.precision) : nullptr;
    const std::int64_t k_unit = shape ? shape->outputs : 1;
    std::optional<PassPlan> best;
    const std::int64_t most = thorough_ ? 64 : 16;
    for (std::int64_t reduction = 1; !best; reduction *= 2) {
        for (std::int64_t channels = 1; channels <= most; channels *= 2) {
            for (std::int64_t positions = 1; channels * positions <= most; positions *= 2) {
                Extents pass = tile;
                divide(pass, kChannels, channels, k_unit, whole);
                divide(pass, kPositions, positions, 1, whole);
                divide(pass, kReduction, reduction, 1, whole);
                try_chunks(layer, tile, operand_bits, pass, best);
            }
        }
        if (reduction > points(tile, kReduction)) {
            break;
        }
    }
    // Larger tiles than any core can hold in a few passes: cut positions and channels further.
    for (std::int64_t parts = most * 2; !best && parts <= (std::int64_t{1} << 24); parts *= 2) {
        for (std::int64_t channels = 1; channels <= parts; channels *= 4) {
            Extents pass = tile;
            divide(pass, kChannels, channels, k_unit, whole);
            divide(pass, kPositions, parts / channels, 1, whole);
            try_chunks(layer, tile, operand_bits, pass, best);
        }
    }
    return best;
}

}  // namespace memwall
