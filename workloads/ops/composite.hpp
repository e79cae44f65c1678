// SPDX-License-Identifier: Apache-2.0
// Composites: one layer of a file that stands for several primitive ones (attention, moe).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/ops/op.hpp"

namespace memwall::ops {

/// Collects the parts of a composite, each planned at once for the shapes that it reads. After a
/// fault everything later is left out, and finish() gives nothing.
class Composite {
public:
    explicit Composite(const PlanRequest& request) : request_(request) {}

    /// The input of the composite at a position.
    [[nodiscard]] static PartSource input(std::size_t position) {
        return {PartSource::Kind::input, position};
    }
    [[nodiscard]] const Shape& shape(PartSource source) const;

    /// Adds the layer "NAME.part" of the primitive `op`; `planner` plans it. "" is the result,
    /// added last. A part with `weights_of` uses the weights of that earlier part.
    PartSource add(const std::string& part, const char* op, std::vector<PartSource> inputs,
                   const Planner& planner, std::optional<PartSource> weights_of = std::nullopt);

    [[nodiscard]] std::optional<Expansion> finish();

private:
    const PlanRequest& request_;
    std::vector<LayerPart> parts_;
    bool failed_ = false;
};

}  // namespace memwall::ops
