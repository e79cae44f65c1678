// SPDX-License-Identifier: Apache-2.0
// Passes of a layer that do the same in another place, so that what their steps do is found out
// once.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arch/program.hpp"
#include "arch/tiling/layer_passes.hpp"

namespace memwall {

/// A number for each pass of a layer. Passes have the same one where they are of the same size and
/// touch as many words of every operand: what they touch is no padding, or the same.
std::vector<std::int64_t> kinds_of_passes(const Layer& root, const std::vector<Pass>& passes);

/// What comes out of a pass that is the first over its outputs.
struct PassResults {
    std::int64_t words = 0;
    std::int64_t most_words = 0;  ///< in one core
    std::int64_t shares = 1;      ///< cores that have sums for the same
};
std::vector<PassResults> results_of_kinds(const LayerPasses& layer,
                                          const std::vector<std::int64_t>& kinds);

/// What steps of one layer do, by what decides it.
class KnownBodies {
public:
    enum class What : std::uint8_t { feed, feed_operand, compute, reduce, epilogue, drain };
    struct Key {
        What what = What::feed;
        std::array<std::int64_t, 3> decided_by{};

        friend bool operator==(const Key&, const Key&) = default;
    };

    /// nullptr: not known yet.
    [[nodiscard]] const StepBody* find(const Key& key) const;
    void add(const Key& key, const StepBody* body) { known_.push_back({key, body}); }

private:
    struct Known {
        Key key;
        const StepBody* body;
    };
    std::vector<Known> known_;
};

}  // namespace memwall
