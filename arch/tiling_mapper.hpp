// SPDX-License-Identifier: Apache-2.0
// The mapper of memory hierarchies: tiles each layer for the global buffer, keeps there what pays,
// and double-buffers.
#pragma once

#include "arch/mapper.hpp"

namespace memwall {

class TilingMapper final : public Mapper {
public:
    void check(const Machine& machine) const override;
    void check_layers(const Network& network, const Machine& machine) const override;
    [[nodiscard]] Mapping map(const Network& network, const Machine& machine,
                              const MapperOptions& options) const override;
};

}  // namespace memwall
