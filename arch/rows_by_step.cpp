// SPDX-License-Identifier: Apache-2.0
#include "arch/rows_by_step.hpp"

#include <algorithm>
#include <bit>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// Calls `visit` with the nodes whose leaves together are the steps of a range.
template <class Visit>
void for_each_node(const StepRange& range, std::size_t leaves, const Visit& visit) {
    std::size_t low = range.first + leaves;
    for (std::size_t high = range.last + leaves + 1; low < high; low /= 2, high /= 2) {
        if (low % 2 == 1) {
            visit(low++);
        }
        if (high % 2 == 1) {
            visit(--high);
        }
    }
}

/// The nodes with the first or the last step of a range, leaves included, each once.
template <class Visit>
void for_each_above(const StepRange& range, std::size_t leaves, const Visit& visit) {
    std::size_t low = range.first + leaves;
    std::size_t high = range.last + leaves;
    for (; low != high; low /= 2, high /= 2) {
        visit(low);
        visit(high);
    }
    for (; low > 0; low /= 2) {
        visit(low);
    }
}

}  // namespace

StepsOfLife::StepsOfLife(std::size_t first, std::size_t last, std::size_t steps) {
    ensure(first < steps && last - first < steps,
           "a life begins in its round and is shorter than one");
    ranges_[0] = {first, std::min(last, steps - 1)};
    if (last >= steps) {
        ranges_[1] = {0, last - steps};
        count_ = 2;
    }
}

RowBitsByStep::RowBitsByStep(std::size_t steps, std::int64_t rows)
    : leaves_(std::bit_ceil(steps)),
      words_(static_cast<std::size_t>(rows / kBits + 1)),
      bits_(4 * leaves_ * words_) {}

std::int64_t RowBitsByStep::bytes_for(std::size_t steps, std::int64_t rows) {
    return checked_multiply(static_cast<std::int64_t>(4 * std::bit_ceil(steps) * sizeof(Word)),
                            rows / kBits + 1);
}

void RowBitsByStep::join(std::size_t node, Kind kind) {
    const Word* from = bits(node, kind);
    for (std::size_t w = 0; w < words_; ++w) {
        taken_[w] |= from[w];
    }
}

std::int64_t RowBitsByStep::lowest_free(const StepsOfLife& life, std::int64_t rows) {
    taken_.assign(words_, 0);
    for (const StepRange& range : life) {
        for_each_node(range, leaves_, [&](std::size_t node) { join(node, some_steps); });
        for_each_above(range, leaves_, [&](std::size_t node) { join(node, all_steps); });
    }
    // From run to run of taken rows.
    const auto all = static_cast<std::int64_t>(words_) * kBits;
    const auto first_from = [&](std::int64_t row, Word flip) {
        for (; row < all; row = (row / kBits + 1) * kBits) {
            const Word word =
                (taken_[static_cast<std::size_t>(row / kBits)] ^ flip) >> (row % kBits);
            if (word != 0) {
                return row + std::countr_zero(word);
            }
        }
        return all;
    };
    std::int64_t at = 0;
    while (true) {
        const std::int64_t next = first_from(at, 0);
        if (next == all || at + rows <= next) {
            return at;
        }
        at = first_from(next, ~Word{0});
    }
}

void RowBitsByStep::take(const StepsOfLife& life, std::int64_t row, std::int64_t rows) {
    const auto words = static_cast<std::size_t>(ceil_divide(row + rows, kBits));
    if (words > words_) {
        grow(std::max(words, 2 * words_));
    }
    for (const StepRange& range : life) {
        for_each_node(range, leaves_, [&](std::size_t node) { set(node, all_steps, row, rows); });
        for_each_node(range, leaves_, [&](std::size_t node) { set(node, some_steps, row, rows); });
        for_each_above(range, leaves_, [&](std::size_t node) { set(node, some_steps, row, rows); });
    }
}

void RowBitsByStep::set(std::size_t node, Kind kind, std::int64_t row, std::int64_t rows) {
    Word* to = bits(node, kind);
    const std::int64_t end = row + rows;
    while (row < end) {
        const std::int64_t from = row % kBits;
        const std::int64_t count = std::min(end - row, kBits - from);
        to[row / kBits] |= (~Word{0} >> (kBits - count)) << from;
        row += count;
    }
}

void RowBitsByStep::grow(std::size_t words) {
    std::vector<Word> wider(4 * leaves_ * words);
    for (std::size_t i = 0; i < 4 * leaves_; ++i) {
        std::copy_n(bits_.begin() + static_cast<std::ptrdiff_t>(i * words_), words_,
                    wider.begin() + static_cast<std::ptrdiff_t>(i * words));
    }
    bits_ = std::move(wider);
    words_ = words;
}

RowListsByStep::RowListsByStep(std::size_t steps, std::int64_t /*rows*/)
    : leaves_(steps), through_(2 * steps), begin_at_(steps) {}

std::int64_t RowListsByStep::lowest_free(const StepsOfLife& life, std::int64_t rows) {
    taken_.clear();
    const auto append = [&](const std::vector<Rows>& found) {
        taken_.insert(taken_.end(), found.begin(), found.end());
    };
    for (const StepRange& range : life) {
        for (std::size_t node = range.first + leaves_; node > 0; node /= 2) {
            append(through_[node]);
        }
        for (std::size_t step = range.first + 1; step <= range.last; ++step) {
            append(begin_at_[step]);
        }
    }
    std::sort(taken_.begin(), taken_.end());
    std::int64_t at = 0;
    for (const auto& [begin, end] : taken_) {
        if (at + rows <= begin) {
            break;
        }
        at = std::max(at, end);
    }
    return at;
}

void RowListsByStep::take(const StepsOfLife& life, std::int64_t row, std::int64_t rows) {
    const Rows taken{row, row + rows};
    for (const StepRange& range : life) {
        begin_at_[range.first].push_back(taken);
        for_each_node(range, leaves_, [&](std::size_t node) { through_[node].push_back(taken); });
    }
}

}  // namespace memwall
