// SPDX-License-Identifier: Apache-2.0
// The mapper of chips whose memory lies beside their cores: layers in time, each spread over all
// cores, on a static schedule.
#pragma once

#include "arch/mapper.hpp"

namespace memwall {

class SpatialMapper final : public Mapper {
public:
    void check(const Machine& machine) const override;
    void check_layers(const Network& network, const Machine& machine) const override;
    [[nodiscard]] Mapping map(const Network& network, const Machine& machine,
                              const MapperOptions& options) const override;
};

}  // namespace memwall
