// SPDX-License-Identifier: Apache-2.0
#include "arch/dram_access.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "arch/dram_mapping.hpp"

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

namespace {

/// A row of a table for each draw, by a permutation that scatters neighbours: products and shifts
/// of as many bits as the rows need, again where they leave the table.
std::int64_t drawn_row(std::int64_t draw, std::int64_t rows) {
    constexpr std::uint64_t kMix = 0xd6e8feb86659fd93;  // an odd number of many bits
    const auto all = static_cast<std::uint64_t>(rows);
    const auto bits = static_cast<unsigned>(std::bit_width(all - 1));
    if (bits == 0) {
        return 0;
    }
    const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
    const unsigned half = (bits + 1) / 2;
    std::uint64_t row = static_cast<std::uint64_t>(draw) % all;
    do {
        for (int turn = 0; turn < 3; ++turn) {
            row = (row * kMix + (kMix >> 32U)) & mask;
            row ^= row >> half;
        }
    } while (row >= all);
    return static_cast<std::int64_t>(row);
}

/// The number of the draw that a part of a table begins with.
std::int64_t first_draw(std::int64_t begin, std::int64_t rows) {
    constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio
    return static_cast<std::int64_t>((static_cast<std::uint64_t>(begin) * kMix >> 16U) %
                                     static_cast<std::uint64_t>(rows));
}

// MODEL: the rows that data draw of a table are those of a pseudo-random permutation, other ones in
// each round; parts of the table that are drawn for the same positions draw the same rows.
DramAccess drawn_access(const Tensor& tensor, const TensorPart& part, std::int64_t address) {
    const auto bytes_of = [&](std::int64_t count) {
        return stored_bytes(count, part.precision).count();
    };
    const std::int64_t rows = tensor.shape[0];
    std::int64_t inside = 1;  // words of one step along an axis
    std::int64_t offset = 0;
    for (std::size_t axis = tensor.shape.size(); axis-- > 1;) {
        offset += part.region[axis].begin * inside;
        inside *= tensor.shape[axis];
    }
    DramAccess access;
    access.address = address + bytes_of(offset);
    access.piece = Bytes(ceil_divide(part.bytes.count(), part.drawn));
    access.pieces = part.drawn;
    access.stride = bytes_of(inside);
    if (part.drawn < rows) {
        access.table = rows;
        access.draw = first_draw(part.region[0].begin, rows);
    } else if (access.piece.count() == access.stride) {  // all of the table, in one run
        access.piece = part.bytes;
        access.pieces = 1;
        access.stride = 0;
    }
    return access;
}

/// The rows of all channels and banks that an aligned run lies in.
std::int64_t rows_of_run(Bytes run, const DramConfig& dram) {
    const std::int64_t bursts = ceil_divide(run.count(), dram.burst.count());
    const std::int64_t chunk = dram.interleave.count() / dram.burst.count();
    const std::int64_t channels = std::min(dram.channels, ceil_divide(bursts, chunk));
    const std::int64_t on_one = std::max<std::int64_t>(ceil_divide(bursts, channels), 1);
    const std::int64_t rows_of_all = dram.row.count() / dram.burst.count() * dram.banks;
    return channels * banks_of_run(dram.mapping, on_one) * ceil_divide(on_one, rows_of_all);
}

/// Of a tensor that lies part by part: the words of the parts before one, if all are as large.
std::int64_t words_before(const Tensor& tensor, const Region& region) {
    std::int64_t behind = 1;  // words of one step along an axis of the whole tensor
    for (std::size_t axis = 1; axis < region.size(); ++axis) {
        behind *= tensor.is_per_item() ? tensor.shape[axis - 1] : tensor.shape[axis];
    }
    std::int64_t found = 0;
    std::int64_t beside = 1;  // of the part, along the axes so far
    for (std::size_t axis = 0; axis < region.size(); ++axis) {
        found += region[axis].begin * beside * behind;
        beside *= region[axis].size();
        if (axis + 1 < region.size()) {
            behind /= tensor.is_per_item() ? tensor.shape[axis] : tensor.shape[axis + 1];
        }
    }
    return found;
}

/// Whether each piece has bursts of its own: one lies between each two, or may lie there, or they
/// are the same bytes again and again.
bool are_apart(const DramAccess& access, Bytes burst) {
    return access.pieces > 1 && (access.table > 0 || access.stride == 0 ||
                                 access.stride >= access.piece.count() + burst.count());
}

}  // namespace

// MODEL: rows that data draw begin at a burst, as in tables that are padded to it; what is padded
// takes no room.
std::int64_t piece_address(const DramAccess& access, std::int64_t piece, Bytes burst) {
    if (access.table == 0) {
        return access.address + piece * access.stride;
    }
    const std::int64_t row = drawn_row(access.draw + piece, access.table);
    return (access.address + row * access.stride) / burst.count() * burst.count();
}

DramAccess in_round(DramAccess access, std::int64_t round) {
    access.draw += access.table > 0 ? round * access.pieces : 0;
    return access;
}

Bytes least_served(const DramAccess& access, Bytes burst) {
    const std::int64_t piece = access.piece.count();
    const bool apart = are_apart(access, burst);
    const std::int64_t run = apart ? piece : access.stride * (access.pieces - 1) + piece;
    const std::int64_t bursts = access.pieces > 0 ? ceil_divide(run, burst.count()) : 0;
    return Bytes(checked_multiply(bursts * burst.count(), apart ? access.pieces : 1));
}

std::int64_t rows_opened(const DramAccess& access, const DramConfig& dram) {
    if (dram.model == DramModel::simple) {
        return 0;
    }
    const std::int64_t row = dram.row.count();
    const std::int64_t apart = std::max(access.stride, access.piece.count());
    if (access.pieces > 1 && (access.table > 0 || apart >= row)) {
        return checked_multiply(rows_of_run(access.piece, dram), access.pieces);
    }
    return ceil_divide(apart * (access.pieces - 1) + access.piece.count(), row);
}

// MODEL: activations lie row by row with their channels together, matrices of heads one head after
// another, item after item; weights lie part by part, in the parts in which they are read.
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
        return drawn_access(tensor, part, address);
    }
    if (!tensor.is_per_item() || tensor.shape.size() != 3 || part.region.size() != 4) {
        access.address += offset_of(words_before(tensor, part.region));
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
    if (dram.model == DramModel::simple || access.pieces == 1 ||
        (access.table == 0 && access.stride <= piece)) {
        return 1;
    }
    const std::int64_t chunk = dram.interleave.count();  // on one channel
    const bool aligned = access.table == 0 && access.stride % chunk == 0;
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
    const double in_row =
        access.table > 0
            ? static_cast<double>(chunks) / static_cast<double>(rows_of_run(access.piece, dram))
            : std::max(1.0, static_cast<double>(dram.row.count()) * channels /
                                static_cast<double>(access.stride));
    const double activate =
        std::max(static_cast<double>(t.tRRD_S), static_cast<double>(t.tFAW) / 4);
    const double clocks = std::max(column * static_cast<double>(in_chunk), activate / in_row);
    const double whole =
        static_cast<double>(bursts * dram.burst.count()) / static_cast<double>(piece);
    return whole * static_cast<double>(dram.channels) / channels * clocks /
           (burst * static_cast<double>(in_chunk));
}

}  // namespace memwall
