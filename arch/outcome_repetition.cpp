// SPDX-License-Identifier: Apache-2.0
#include "arch/outcome_repetition.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/quantity.hpp"

namespace memwall {
namespace {

class Completion {
public:
    Completion(const Program& program, const BlockRecord& record, Outcome& outcome)
        : program_(program),
          block_(*program.repetition),
          record_(record),
          outcome_(outcome),
          layers_(program.layers.size()),
          components_(outcome.components.size()) {}

    std::vector<Picoseconds> run(std::int64_t first_counted_round) {
        count();
        outcome_.repetition_error = 0;
        for (std::int64_t round = 0; round < program_.rounds; ++round) {
            const Picoseconds last = time_of_block(round, 0);
            const Picoseconds before = time_of_block(round, 1);
            if (round >= first_counted_round) {
                const auto difference = static_cast<double>((last - before).count());
                outcome_.repetition_error =
                    std::max(*outcome_.repetition_error,
                             std::abs(difference) / static_cast<double>(last.count()));
            }
            added_.push_back(last * block_.left_out);
        }
        move_layers();
        move_rounds(first_counted_round);
        return add_busy();
    }

private:
    /// The time that the block `back` blocks before the one that stands in takes in a round.
    [[nodiscard]] Picoseconds time_of_block(std::int64_t round, std::size_t back) const {
        const std::size_t first = block_.first - back * block_.layers;
        return end_of_block(round, first) - end_of_block(round, first - block_.layers);
    }

    [[nodiscard]] Picoseconds end_of_block(std::int64_t round, std::size_t first) const {
        const auto begin =
            record_.layer_end.begin() +
            static_cast<std::ptrdiff_t>(static_cast<std::size_t>(round) * layers_ + first);
        return *std::max_element(begin, begin + static_cast<std::ptrdiff_t>(block_.layers));
    }

    [[nodiscard]] bool stands_in(std::size_t layer) const {
        return layer >= block_.first && layer < block_.first + block_.layers;
    }

    /// Calls `each` with every layer that is left out, and the one that stands for it.
    template <class Each>
    void for_each_left_out(const Each& each) const {
        for (std::int64_t copy = 1; copy <= block_.left_out; ++copy) {
            for (std::size_t l = block_.first; l < block_.first + block_.layers; ++l) {
                each(l + static_cast<std::size_t>(copy) * block_.layers, l, copy);
            }
        }
    }

    void count() {
        std::map<ActionKey, std::size_t> rows;
        for (std::size_t r = 0; r < program_.actions.size(); ++r) {
            rows.emplace(program_.actions.key(RowId(r)), r);
        }
        for (const auto& [key, row] : rows) {
            const std::size_t layer = key.layer.valid() ? key.layer.position() : layers_;
            if (layer < block_.first + block_.layers || layer >= end()) {
                continue;
            }
            ActionKey stands = key;
            stands.layer = LayerId(block_.first + (layer - block_.first) % block_.layers);
            outcome_.counts[row] = outcome_.counts[rows.at(stands)];
        }
        const std::size_t drams = outcome_.drams.size();
        for_each_left_out([&](std::size_t layer, std::size_t stands, std::int64_t) {
            for (std::size_t d = 0; d < drams; ++d) {
                outcome_.activations[layer * drams + d] = outcome_.activations[stands * drams + d];
            }
        });
        for (std::size_t l = block_.first; l < block_.first + block_.layers; ++l) {
            outcome_.steps =
                checked_add(outcome_.steps, checked_multiply(record_.steps[l], block_.left_out));
        }
    }

    /// Behind the last layer that is left out.
    [[nodiscard]] std::size_t end() const {
        return block_.first + block_.layers * (static_cast<std::size_t>(block_.left_out) + 1);
    }

    void move_layers() {
        for (std::size_t l = end(); l < layers_; ++l) {
            move(l, l, added_.back());
        }
        const Picoseconds block = time_of_block(program_.rounds - 1, 0);
        for_each_left_out([&](std::size_t layer, std::size_t stands, std::int64_t copy) {
            outcome_.layers[layer] = outcome_.layers[stands];
            move(layer, stands, block * copy);
        });
    }

    /// A layer without steps of its own has no time either.
    void move(std::size_t layer, std::size_t stands, Picoseconds by) {
        if (record_.steps[stands] > 0) {
            outcome_.layers[layer].start += by;
            outcome_.layers[layer].end += by;
        }
    }

    void move_rounds(std::int64_t first_counted_round) {
        Picoseconds moved;
        for (std::size_t round = 0; round < added_.size(); ++round) {
            outcome_.round_start[round] += moved;
            moved += added_[round];
            outcome_.round_end[round] += moved;
        }
        if (first_counted_round > 0) {
            outcome_.window_start =
                outcome_.round_end[static_cast<std::size_t>(first_counted_round) - 1];
        }
        outcome_.window_end = outcome_.round_end.back();
        outcome_.end += moved;
    }

    std::vector<Picoseconds> add_busy() {
        std::vector<Picoseconds> lanes(components_);
        for_each_left_out([&](std::size_t layer, std::size_t stands, std::int64_t) {
            for (std::size_t c = 0; c < components_; ++c) {
                const Picoseconds busy = outcome_.busy_by_layer[stands * components_ + c];
                outcome_.busy_by_layer[layer * components_ + c] = busy;
                outcome_.components[c].busy_max += busy;
                lanes[c] += record_.lane_time[stands * components_ + c];
            }
        });
        return lanes;
    }

    const Program& program_;
    const Repetition block_;
    const BlockRecord& record_;
    Outcome& outcome_;
    std::size_t layers_, components_;
    std::vector<Picoseconds> added_;  ///< by round
};

}  // namespace

std::vector<Picoseconds> add_blocks_left_out(const Program& program, const BlockRecord& record,
                                             std::int64_t first_counted_round, Outcome& outcome) {
    return Completion(program, record, outcome).run(first_counted_round);
}

}  // namespace memwall
