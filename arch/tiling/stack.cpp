// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/stack.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "arch/core_work.hpp"

namespace memwall {
namespace {

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

bool depends_on_rows(const Axis& axis) {
    return std::any_of(axis.terms.begin(), axis.terms.end(),
                       [](const AxisTerm& term) { return term.dim == Dim::P; });
}

/// The one axis of a result that is its rows; none where they are spread over several or shifted.
std::optional<std::size_t> row_axis(const Projection& projection) {
    std::optional<std::size_t> found;
    for (std::size_t a = 0; a < projection.axes.size(); ++a) {
        const Axis& axis = projection.axes[a];
        if (!depends_on_rows(axis)) {
            continue;
        }
        const bool plain =
            axis.terms.size() == 1 && axis.terms.front().coefficient == 1 && axis.offset == 0;
        if (found || !plain) {
            return std::nullopt;
        }
        found = a;
    }
    return found;
}

/// Rows that are read come in the order of the rows that are made.
bool moves_with_rows(const Projection& projection) {
    bool depends = false;
    for (const Axis& axis : projection.axes) {
        for (const AxisTerm& term : axis.terms) {
            if (term.dim == Dim::P && term.coefficient < 0) {
                return false;
            }
            depends = depends || term.dim == Dim::P;
        }
    }
    return depends;
}

void extend(Range& all, Range more) {
    if (more.size() > 0) {
        all = all.size() == 0 ? more
                              : Range{std::min(all.begin, more.begin), std::max(all.end, more.end)};
    }
}

/// Strips of about a half, a quarter and so on of `rows`, down to a single one.
std::vector<std::int64_t> strip_counts(std::int64_t rows) {
    std::vector<std::int64_t> counts;
    for (std::int64_t size = rows; size > 1;) {
        size = ceil_divide(size, 2);
        counts.push_back(ceil_divide(rows, size));
    }
    return counts;
}

}  // namespace

Bytes Stack::held_bytes() const {
    return std::accumulate(held.begin(), held.end(), Bytes(0),
                           [](Bytes sum, const auto& part) { return sum + part.second; });
}

std::optional<Bytes> Stack::held_of(TensorId tensor) const {
    const auto found = std::find_if(held.begin(), held.end(),
                                    [&](const auto& part) { return part.first == tensor; });
    return found == held.end() ? std::nullopt : std::optional(found->second);
}

Extents Stack::tile(std::size_t f, Extents whole) const {
    whole[index(Dim::N)] = 1;
    whole[index(Dim::P)] = rows[f - begin];
    return whole;
}

StackFinder::StackFinder(const Network& network, const std::vector<FusedLayer>& fused,
                         std::vector<bool> resident, std::int64_t results)
    : network_(network),
      fused_(fused),
      resident_(std::move(resident)),
      results_(results),
      leaves_(network.output_storage()),
      last_reader_(network.tensors().size(), kNever) {
    for (std::size_t f = 0; f < fused_.size(); ++f) {
        can_strip_.push_back(can_strip(f));
        for (const auto* list : {&fused_[f].inputs, &fused_[f].operands}) {
            for (const TensorId tensor : *list) {
                last_reader_[tensor.position()] = f;
            }
        }
    }
}

/// Whether a layer can make its rows strip by strip, from rows that come in the same order, with
/// weights that are the same for all.
bool StackFinder::can_strip(std::size_t f) const {
    const IterationSpace& space = network_.layer(fused_[f].root).space;
    if (network_.trains() || space.extent(Dim::P) < 2 || space.normalises(Dim::P) || space.mask ||
        !row_axis(space.outputs().projection)) {
        return false;
    }
    return std::all_of(space.operands.begin(), space.operands.end() - 1,
                       [](const Operand& operand) {
                           const bool weights = operand.role == TensorRole::weights;
                           return !operand.projection.gather && !operand.updated &&
                                  (weights || operand.role == TensorRole::inputs) &&
                                  (weights ? !relevant(operand.projection, Dim::P)
                                           : moves_with_rows(operand.projection));
                       });
}

/// Only layers before `end` read what `maker` makes, and it alone makes all of that tensor.
bool StackFinder::stays_inside(std::size_t maker, std::size_t end) const {
    const TensorId output = fused_[maker].output;
    const std::size_t reader = last_reader_[output.position()];
    const auto makes = [&](const FusedLayer& fused) { return fused.output == output; };
    return network_.tensor(output).kind == TensorKind::activation && !leaves_[output.position()] &&
           reader != kNever && reader < end &&
           network_.layer(fused_[maker].last()).outputs.front() == output &&
           std::count_if(fused_.begin(), fused_.end(), makes) == 1;
}

/// The rows that strip `s` of `reader` reads of what `maker` makes: empty where it reads none,
/// nullopt where it sees them in another shape.
std::optional<Range> StackFinder::rows_read(const Stack& stack, std::size_t maker,
                                            std::size_t reader, std::int64_t s) const {
    const TensorId output = fused_[maker].output;
    const Projection& made = network_.layer(fused_[maker].root).space.outputs().projection;
    const std::size_t axis = *row_axis(made);
    const FusedLayer& fused = fused_[reader];
    const IterationSpace& space = network_.layer(fused.root).space;
    Box box = whole_box(stack.tile(reader, space.extents));
    const std::int64_t begin = s * box[Dim::P].size();
    box[Dim::P] = {begin, std::min(begin + box[Dim::P].size(), space.extent(Dim::P))};
    Range rows;
    const auto add = [&](const Operand& operand, const Box& part) {
        if (network_.storage(operand.tensor) != output) {
            return true;
        }
        extend(rows, image(operand.projection, part)[axis]);
        return operand.tensor == output && operand.projection.axes.size() == made.axes.size();
    };
    bool seen_whole = true;
    for (const Operand& operand : space.operands) {
        seen_whole = seen_whole && (operand.role != TensorRole::inputs || add(operand, box));
    }
    const Region results = image(space.outputs().projection, box);
    for (std::size_t i = 0; i < fused.operands.size(); ++i) {
        const Layer& epilogue = network_.layer(fused.operand_of[i]);
        seen_whole =
            seen_whole && add(fused.operand(network_, i), box_of_results(epilogue, results));
    }
    return seen_whole ? std::optional(rows) : std::nullopt;
}

std::optional<std::vector<StackFinder::Reading>> StackFinder::readings(const Stack& stack,
                                                                       std::size_t maker) const {
    std::vector<Reading> found;
    for (std::size_t reader = maker + 1; reader < stack.end; ++reader) {
        const std::int64_t all = network_.layer(fused_[reader].root).space.extent(Dim::P);
        Reading reading{reader, {}};
        bool reads = false;
        for (std::int64_t s = 0; s * stack.rows[reader - stack.begin] < all; ++s) {
            const std::optional<Range> rows = rows_read(stack, maker, reader, s);
            if (!rows) {
                return std::nullopt;
            }
            reading.rows.push_back(*rows);
            reads = reads || rows->size() > 0;
        }
        if (reads) {
            found.push_back(std::move(reading));
        }
    }
    return found;
}

/// Rows of `maker` from one row of `reader` to the next; 0 where it reads none.
std::int64_t StackFinder::step(std::size_t maker, std::size_t reader) const {
    const TensorId output = fused_[maker].output;
    std::int64_t most = 0;
    for (const Operand& operand : network_.layer(fused_[reader].root).space.operands) {
        if (operand.role != TensorRole::inputs || network_.storage(operand.tensor) != output) {
            continue;
        }
        for (const Axis& axis : operand.projection.axes) {
            for (const AxisTerm& term : axis.terms) {
                most = std::max(most, term.dim == Dim::P ? term.coefficient : 0);
            }
        }
    }
    const std::vector<TensorId>& operands = fused_[reader].operands;
    const bool beside = std::find(operands.begin(), operands.end(), output) != operands.end();
    return std::max<std::int64_t>(most, beside ? 1 : 0);
}

/// `strips` of the last layer; each other makes as many rows as its fastest reader goes through.
void StackFinder::set_rows(Stack& stack, std::int64_t strips) const {
    stack.rows.assign(stack.layers(), 1);
    for (std::size_t f = stack.end; f-- > stack.begin;) {
        const std::int64_t all = network_.layer(fused_[f].root).space.extent(Dim::P);
        std::int64_t rows = f + 1 == stack.end ? ceil_divide(all, strips) : 1;
        for (std::size_t reader = f + 1; reader < stack.end; ++reader) {
            rows = std::max(rows, step(f, reader) * stack.rows[reader - stack.begin]);
        }
        stack.rows[f - stack.begin] = std::min(rows, all);
        stack.strips = std::max(stack.strips, ceil_divide(all, rows));
    }
}

/// How far a reader has to be behind a layer, in strips.
std::int64_t StackFinder::distance(const Reading& reading, std::int64_t strip_rows) {
    std::int64_t most = 0;
    for (std::size_t s = 0; s < reading.rows.size(); ++s) {
        const std::int64_t last = ceil_divide(reading.rows[s].end, strip_rows) - 1;
        most = std::max(most, last - static_cast<std::int64_t>(s));
    }
    return most;
}

/// The most that is alive of what a layer makes: rows stay from the turn in which they are made to
/// the one in which the last strip that reads them is.
Bytes StackFinder::window(const Stack& stack, std::size_t maker,
                          const std::vector<Reading>& readings) const {
    const std::int64_t size = stack.rows[maker - stack.begin];
    const std::int64_t all = network_.layer(fused_[maker].root).space.extent(Dim::P);
    std::int64_t most = 0;
    for (const Reading& reading : readings) {
        const std::int64_t behind =
            stack.lag[reading.reader - stack.begin] - stack.lag[maker - stack.begin];
        for (std::size_t s = 0; s < reading.rows.size(); ++s) {
            const std::int64_t strips = static_cast<std::int64_t>(s) + behind + 1;  // made so far
            std::int64_t made = std::min(strips * size, all);
            if (network_.batch() > 1) {
                made += std::max<std::int64_t>(strips - stack.strips, 0) * size;  // the next item's
            }
            most = std::max(most, made - reading.rows[s].begin);
        }
    }
    const std::int64_t bytes = network_.tensor_bytes(fused_[maker].output).count();
    return Bytes(most * ceil_divide(bytes, network_.batch() * all));
}

std::optional<Stack> StackFinder::stack(std::size_t begin, std::size_t end,
                                        std::int64_t strips) const {
    Stack stack;
    stack.begin = begin;
    stack.end = end;
    for (std::size_t f = begin; f < end; ++f) {
        if (!can_strip_[f] || (f + 1 < end && !stays_inside(f, end)) || !hold_weights(stack, f)) {
            return std::nullopt;
        }
    }
    set_rows(stack, strips);
    stack.lag.resize(stack.layers());
    std::vector<std::vector<Reading>> all;
    for (std::size_t f = begin; f + 1 < end; ++f) {
        auto found = readings(stack, f);
        if (!found) {
            return std::nullopt;
        }
        for (const Reading& reading : *found) {
            std::int64_t& lag = stack.lag[reading.reader - begin];
            lag = std::max(lag, stack.lag[f - begin] + distance(reading, stack.rows[f - begin]));
        }
        all.push_back(std::move(*found));
    }
    for (std::size_t f = begin; f + 1 < end; ++f) {
        stack.held.emplace_back(fused_[f].output, window(stack, f, all[f - begin]));
    }
    stack.moving = moving(stack);
    return stack;
}

/// What all layers take for strips that they read, and results that leave them, if none of it is
/// kept.
Bytes StackFinder::moving(const Stack& stack) const {
    std::int64_t sum = 0;
    for (std::size_t f = stack.begin; f < stack.end; ++f) {
        const IterationSpace& space = network_.layer(fused_[f].root).space;
        const Extents tile = stack.tile(f, space.extents);
        for (const Operand& operand : space.operands) {
            const bool read = operand.role == TensorRole::inputs;
            if (read && !stack.held_of(network_.storage(operand.tensor))) {
                sum += most_bytes(operand.projection, operand.precision, tile).count();
            }
        }
        const std::int64_t results = std::min(
            results_, most_bytes(space.outputs().projection, Precision::int8, tile).count());
        const auto leaves = [&](TensorId tensor) {
            const Bytes bytes = stored_bytes(results, network_.tensor(tensor).precision);
            sum += stack.held_of(tensor) ? 0 : bytes.count();
        };
        leaves(fused_[f].output);
        std::for_each(fused_[f].operands.begin(), fused_[f].operands.end(), leaves);
    }
    return Bytes(2 * sum);
}

/// Weights that do not stay come for the stack; false where two of its layers share them.
bool StackFinder::hold_weights(Stack& stack, std::size_t f) const {
    const TensorId weights = fused_[f].weights;
    if (!weights.valid() || resident_[f]) {
        return true;
    }
    if (stack.held_of(weights)) {
        return false;
    }
    stack.held.emplace_back(weights, network_.tensor_bytes(weights));
    return true;
}

std::optional<Stack> StackFinder::fewest_strips(std::size_t begin, std::size_t end,
                                                Bytes room) const {
    const std::int64_t rows = network_.layer(fused_[end - 1].root).space.extent(Dim::P);
    for (const std::int64_t strips : strip_counts(rows)) {
        std::optional<Stack> found = stack(begin, end, strips);
        if (found && found->bytes() <= room) {
            return found;
        }
    }
    return std::nullopt;
}

std::vector<Stack> StackFinder::stacks(const std::vector<bool>& kept, Bytes room) const {
    constexpr std::size_t kFurther = 8;  // layers that are looked at where some end did not do
    std::vector<Stack> found;
    for (std::size_t f = 0; f + 1 < fused_.size();) {
        std::optional<Stack> longest;
        const auto is_kept = [&](std::size_t at) { return kept[fused_[at].output.position()]; };
        std::size_t last = f;
        for (std::size_t end = f + 2; !is_kept(f) && can_strip_[f] && end <= fused_.size() &&
                                      can_strip_[end - 1] && end <= last + kFurther;
             ++end) {
            if (auto longer = fewest_strips(f, end, room)) {
                longest = std::move(longer);
                last = end;
                if (is_kept(end - 1)) {
                    break;
                }
            }
        }
        f = longest ? longest->end : f + 1;
        if (longest) {
            found.push_back(std::move(*longest));
        }
    }
    return found;
}

}  // namespace memwall
