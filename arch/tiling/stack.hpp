// SPDX-License-Identifier: Apache-2.0
// Consecutive layers that run depth first: strip by strip of their rows, each layer as soon as the
// one before has made what it reads. What they hand on lies in the buffer a few rows at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "arch/fused_layer.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Fused layers [begin, end) of a network, cut into strips of rows (P). In turn t of a stack, layer
/// `begin + i` makes strip t - lag[i]; strips go on from item to item, and a layer whose rows end
/// before others' has empty ones at the end of each. Rows are made once and stay until their last
/// reader has had them, so nothing is computed again.
struct Stack {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int64_t strips = 1;         ///< of an item, of the layer that has most
    std::vector<std::int64_t> rows;  ///< by layer: of a strip
    std::vector<std::int64_t> lag;   ///< by layer: strips behind the first one
    /// What lies in the buffer while the stack runs: of results that are handed on the rows that
    /// are alive at most, and weights that come for the stack alone.
    std::vector<std::pair<TensorId, Bytes>> held;
    Bytes moving;  ///< of the buffer, for what comes from the DRAM and goes there, double-buffered

    [[nodiscard]] std::size_t layers() const { return end - begin; }
    [[nodiscard]] bool contains(std::size_t f) const { return f >= begin && f < end; }
    [[nodiscard]] Bytes held_bytes() const;
    [[nodiscard]] Bytes bytes() const { return held_bytes() + moving; }
    /// Of a tensor; none where the stack does not hold it.
    [[nodiscard]] std::optional<Bytes> held_of(TensorId tensor) const;
    /// A strip of one of its layers.
    [[nodiscard]] Extents tile(std::size_t f, Extents whole) const;

    friend bool operator==(const Stack&, const Stack&) = default;
};

/// Finds what can be stacked in a network; it must outlive this, and so must its fused layers.
class StackFinder {
public:
    /// `resident`: by fused layer, whether its weights lie in the buffer from round to round.
    /// `results`: words that leave the cores at once, at most.
    StackFinder(const Network& network, const std::vector<FusedLayer>& fused,
                std::vector<bool> resident, std::int64_t results);

    /// In so many strips of the last layer. None where the layers can't run so: one needs all rows
    /// at once, or another layer or the network's edge needs what they hand on.
    [[nodiscard]] std::optional<Stack> stack(std::size_t begin, std::size_t end,
                                             std::int64_t strips) const;

    /// Stacks around the activations that are not `kept`: each as long as it fits in `room`, in the
    /// fewest strips with which it does.
    [[nodiscard]] std::vector<Stack> stacks(const std::vector<bool>& kept, Bytes room) const;

private:
    /// How a layer of a stack reads what another one makes.
    struct Reading {
        std::size_t reader = 0;   ///< fused layer
        std::vector<Range> rows;  ///< by strip of the reader
    };

    [[nodiscard]] bool can_strip(std::size_t f) const;
    [[nodiscard]] bool stays_inside(std::size_t maker, std::size_t end) const;
    [[nodiscard]] std::optional<Range> rows_read(const Stack& stack, std::size_t maker,
                                                 std::size_t reader, std::int64_t s) const;
    [[nodiscard]] std::optional<std::vector<Reading>> readings(const Stack& stack,
                                                               std::size_t maker) const;
    [[nodiscard]] std::int64_t step(std::size_t maker, std::size_t reader) const;
    void set_rows(Stack& stack, std::int64_t strips) const;
    [[nodiscard]] static std::int64_t distance(const Reading& reading, std::int64_t strip_rows);
    [[nodiscard]] Bytes window(const Stack& stack, std::size_t maker,
                               const std::vector<Reading>& readings) const;
    [[nodiscard]] bool hold_weights(Stack& stack, std::size_t f) const;
    [[nodiscard]] Bytes moving(const Stack& stack) const;
    [[nodiscard]] std::optional<Stack> fewest_strips(std::size_t begin, std::size_t end,
                                                     Bytes room) const;

    const Network& network_;
    const std::vector<FusedLayer>& fused_;
    std::vector<bool> resident_;
    std::int64_t results_;
    std::vector<bool> leaves_;              ///< by tensor: the network hands it out
    std::vector<bool> can_strip_;           ///< by fused layer
    std::vector<std::size_t> last_reader_;  ///< by tensor: the last fused layer that reads it
};

}  // namespace memwall
