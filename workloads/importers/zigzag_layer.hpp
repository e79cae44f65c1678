// SPDX-License-Identifier: Apache-2.0
// One layer of a ZigZag workload, its equation taken apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "workloads/importers/affine_layer.hpp"

namespace memwall::importers {

struct ZigzagLayer {
    std::int64_t id = 0;
    std::string name;
    std::string type;  ///< its operator, "Conv"
    SourceMark where;
    AffineNest nest;                  ///< loops in lower case, as in equations
    std::string inputs = "I";         ///< the names of the operands that are read
    std::string second = "W";         ///< weights or a second activation
    std::string note;                 ///< on what the names do not say; "" where there is nothing
    bool elementwise = false;         ///< the equation sums its operands and does not multiply
    std::vector<std::int64_t> image;  ///< rows and columns without padding, if stated
    std::map<std::string, std::int64_t> sources;    ///< the id of each operand's layer
    std::map<std::string, std::int64_t> precision;  ///< bits of each operand

    /// The layer that makes an operand; its own id where none does.
    [[nodiscard]] std::int64_t source(const std::string& operand) const {
        const auto found = sources.find(operand);
        return found == sources.end() ? id : found->second;
    }
};

/// Nothing where something is wrong; the fault is reported.
std::optional<ZigzagLayer> read_zigzag_layer(const YamlValue& item, Diagnostics& faults);

}  // namespace memwall::importers
