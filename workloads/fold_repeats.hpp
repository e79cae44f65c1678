// SPDX-License-Identifier: Apache-2.0
// Finds what repeats in a list of layers and writes it once: the inverse of unrolling `repeat`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace memwall {

/// A layer as text, for a file.
struct WrittenLayer {
    std::string name;
    /// Names; empty where it reads the layer before it, as it does unless a file says otherwise.
    std::vector<std::string> inputs;
    std::string rest;  ///< all its other keys: equal texts mean equal layers

    friend bool operator==(const WrittenLayer&, const WrittenLayer&) = default;
};

/// A layer, or a block of them that is repeated.
struct WrittenItem {
    WrittenLayer layer;       ///< of a block: nothing
    std::int64_t repeat = 0;  ///< 0 for a layer
    std::int64_t from = 1;    ///< the counter's first value
    std::string index;        ///< the counter's name; stands in names as {index}
    std::vector<WrittenItem> body;
};

/// `layers` name all their inputs; `first_input` is what the first of them reads by default, or "".
/// In the result default inputs are left out, and the longest runs of layers that differ only in a
/// counter in their names have become blocks, blocks inside blocks too.
std::vector<WrittenItem> fold_repeats(const std::vector<WrittenLayer>& layers,
                                      const std::string& first_input);

}  // namespace memwall
