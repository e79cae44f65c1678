// SPDX-License-Identifier: Apache-2.0
#include "arch/dram_access.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace memwall {
namespace {

bool leads_with_heads(const Operand& operand) {
    const auto& terms = operand.projection.axes[1].terms;
    return std::any_of(terms.begin(), terms.end(),
                       [](const AxisTerm& term) { return term.dim == Dim::H; });
}

/// Whether its first axis, after the items', is one of heads to a layer that makes or reads it.
bool is_of_heads(const Network& network, TensorId id) {
    const LayerId producer = network.tensor(network.storage(id)).producer;
    if (producer.valid() && !network.layer(producer).no_work &&
        leads_with_heads(network.layer(producer).space.outputs())) {
        return true;
    }
    const auto& readers = network.tensor(id).consumers;
    return std::any_of(readers.begin(), readers.end(), [&](LayerId reader) {
        const auto& operands = network.layer(reader).space.operands;
        return std::any_of(operands.begin(), operands.end(), [&](const Operand& operand) {
            return operand.tensor == id && leads_with_heads(operand);
        });
    });
}

/// Of a region with holes, the words that are touched: in runs of `unit` bytes evenly over what the
/// runs of the region span, or in one where they do not come out so.
// MODEL: positions that a window's stride passes over are not read: those that it meets lie evenly
// over their box.
void leave_out_holes(DramAccess& access, Bytes touched, std::int64_t unit) {
    const std::int64_t span = access.stride * access.pieces;
    const bool in_units = unit > 0 && touched.count() % unit == 0;
    access.piece = in_units ? Bytes(unit) : touched;
    access.pieces = touched.count() / access.piece.count();
    access.stride = access.pieces > 1 ? std::max(unit, span / access.pieces / unit * unit) : 0;
}

}  // namespace

std::vector<std::size_t> axes_of_runs(const Network& network, TensorId id) {
    const Tensor& tensor = network.tensor(id);
    if (!tensor.is_per_item() || tensor.shape.size() != 3) {
        return {};
    }
    const bool state = network.tensor(network.storage(id)).kind == TensorKind::state;
    return state || is_of_heads(network, id) ? std::vector<std::size_t>{3, 2, 1}
                                             : std::vector<std::size_t>{1, 3, 2};
}

// MODEL: the rows that a gather draws lie at equal distances over its table, an odd number of rows,
// so that they reach all channels as random ones would.
// MODEL: activations lie row by row with their channels together, matrices of heads one head after
// another, item after item; weights lie as they are.
// MODEL: a state lies channel by channel, a head of a cache with its positions together; where
// tiles take slices of its innermost axis for all positions, slice by slice. A new position is
// written as one run a head.
DramAccess tensor_access(const Network& network, const TensorPart& part, std::int64_t address) {
    DramAccess access;
    access.address = address;
    access.piece = part.bytes;
    const Tensor& tensor = network.tensor(part.tensor);
    const int width = bits(part.precision);
    const auto whole = [&](std::size_t axis, std::int64_t extent) {
        return part.region[axis].size() == extent;
    };
    const auto offset_of = [&](std::int64_t at) {
        return stored_bytes(at, part.precision).count();
    };
    if (part.drawn > 0) {
        const std::int64_t row = offset_of(tensor.item_words() / tensor.shape[0]);
        access.piece = Bytes(std::max<std::int64_t>(1, part.bytes.count() / part.drawn));
        access.pieces = part.bytes.count() / access.piece.count();
        const std::int64_t apart = std::max<std::int64_t>(1, tensor.shape[0] / access.pieces);
        access.stride = row * (apart % 2 == 0 ? apart - 1 : apart);
        if (access.pieces * access.piece.count() != part.bytes.count()) {
            access.piece = part.bytes;
            access.pieces = 1;
            access.stride = 0;
        }
        return access;
    }
    if (!tensor.is_per_item() || tensor.shape.size() != 3 || part.region.size() != 4) {
        std::int64_t row = 1;
        for (std::size_t axis = part.region.size(); axis-- > 1;) {
            row *= tensor.is_per_item() ? tensor.shape[axis - 1] : tensor.shape[axis];
        }
        access.address += part.region.empty() ? 0 : offset_of(part.region[0].begin * row);
        return access;
    }
    // From the innermost axis on: how far the region is one run, and where it begins.
    const bool state = network.tensor(network.storage(part.tensor)).kind == TensorKind::state;
    const bool sliced = state && !whole(3, tensor.shape[2]) && whole(2, tensor.shape[1]);
    const bool by_head = state || is_of_heads(network, part.tensor);
    const std::array<std::size_t, 3> axes = sliced    ? std::array<std::size_t, 3>{2, 3, 1}
                                            : by_head ? std::array<std::size_t, 3>{3, 2, 1}
                                                      : std::array<std::size_t, 3>{1, 3, 2};
    std::int64_t first = part.region[0].begin * tensor.item_words();
    std::int64_t run = part.bytes.count() * 8 / width;  // words in one piece
    std::int64_t stride = 0;
    std::int64_t inside = 1;  // words of one step along the axis
    for (const std::size_t axis : axes) {
        const std::int64_t extent = tensor.shape[axis - 1];
        first += part.region[axis].begin * inside;
        if (stride == 0 && !whole(axis, extent)) {
            run = part.region[axis].size() * inside;
            stride = extent * inside;
        }
        inside *= extent;
    }
    access.address += offset_of(first);
    const std::int64_t all = words(part.region);
    if (stride > 0 && run * width % 8 == 0 && stride * width % 8 == 0 && all % run == 0) {
        access.piece = stored_bytes(run, part.precision);
        access.pieces = all / run;
        access.stride = stride * width / 8;
        if (part.bytes.count() > 0 && access.piece.count() * access.pieces > part.bytes.count()) {
            const std::int64_t together = part.region[axes[0]].size();
            leave_out_holes(access, part.bytes,
                            together * width % 8 == 0 ? together * width / 8 : 0);
        }
    }
    return access;
}

double stretch(const DramAccess& access, const DramConfig& dram) {
    const std::int64_t piece = access.piece.count();
    if (dram.model == DramModel::simple || access.pieces == 1 || access.stride <= piece) {
        return 1;
    }
    const std::int64_t chunk = dram.interleave.count();  // on one channel
    const bool aligned = access.stride % chunk == 0;
    const std::int64_t starts =
        aligned ? dram.channels / std::gcd(access.stride / chunk, dram.channels) : dram.channels;
    const std::int64_t chunks = ceil_divide(piece, chunk);
    const auto channels = static_cast<double>(std::min(dram.channels, starts * chunks));
    const std::int64_t bursts = ceil_divide(piece, dram.burst.count());
    const std::int64_t in_chunk = std::min(bursts, chunk / dram.burst.count());
    const bool rotates = dram.mapping.bits.back().field == DramField::bank_group;
    const auto groups = static_cast<double>(
        aligned && rotates ? std::min(in_chunk, dram.bank_groups) : dram.bank_groups);
    const DramTimings& t = dram.timings;
    const auto burst = static_cast<double>(t.burst);
    const double column = std::max(burst, static_cast<double>(t.tCCD_L) / groups);
    const double in_row = std::max(
        1.0, static_cast<double>(dram.row.count()) * channels / static_cast<double>(access.stride));
    const double activate =
        std::max(static_cast<double>(t.tRRD_S), static_cast<double>(t.tFAW) / 4);
    const double clocks = std::max(column * static_cast<double>(in_chunk), activate / in_row);
    const double whole =
        static_cast<double>(bursts * dram.burst.count()) / static_cast<double>(piece);
    return whole * static_cast<double>(dram.channels) / channels * clocks /
           (burst * static_cast<double>(in_chunk));
}

}  // namespace memwall
