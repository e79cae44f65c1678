// SPDX-License-Identifier: Apache-2.0
// Maps each layer as a loop nest over a hierarchy of any depth, searched or given by hand.
#pragma once

#include "arch/mapper.hpp"

namespace memwall {

/// Layers run one after another, each from the outermost memory and back to it.
class LoopNestMapper final : public Mapper {
public:
    void check(const Machine& machine) const override;
    void check_layers(const Network& network, const Machine& machine) const override;
    [[nodiscard]] Mapping map(const Network& network, const Machine& machine,
                              const MapperOptions& options) const override;
};

}  // namespace memwall
