// SPDX-License-Identifier: Apache-2.0
// The mapper of machines that are programmed kernel by kernel, as GPUs are: each layer over the
// whole batch, in waves of thread blocks, with a cache between the cores and the DRAM.
#pragma once

#include <array>

#include "arch/mapper.hpp"

namespace memwall {

/// By which machine files name it.
inline constexpr const char* kWaveMapper = "wave";

/// Each has a plan of its own, and the best of them by what was asked for is taken.
inline constexpr std::array kWavePlans = {MappingObjective::latency, MappingObjective::energy,
                                          MappingObjective::energy_delay,
                                          MappingObjective::traffic};

/// Whether the plans of all objectives are compared.
bool compares_wave_plans(MappingObjective asked, Effort effort);

class WaveMapper final : public Mapper {
public:
    void check(const Machine& machine) const override;
    void check_layers(const Network& network, const Machine& machine) const override;
    [[nodiscard]] Mapping map(const Network& network, const Machine& machine,
                              const MapperOptions& options) const override;
};

}  // namespace memwall
