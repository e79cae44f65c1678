// SPDX-License-Identifier: Apache-2.0
// The mapper of chips whose memory lies beside their cores: layers in time, each spread over all
// cores, on a static schedule.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/mapper.hpp"
#include "arch/spatial/core_activity.hpp"
#include "arch/spatial/core_memory.hpp"

namespace memwall {

/// What lies in each core's memory while each layer runs.
struct SpatialMemory {
    CoreMemories memories;
    std::vector<LayerId> layers;  ///< by fused layer, the first of those that run as one
    std::int64_t sub_batch = 1;   ///< items that run through the network together
    std::int64_t columns = 1;     ///< of the mesh
};

/// The memories of what SpatialMapper maps; the machine's mapper must be that one. Throws
/// InputError as map_network does.
SpatialMemory map_memory(const Network& network, const Machine& machine,
                         const MapperOptions& options);

/// What each core does of each layer of what SpatialMapper maps, and what passes its routers.
/// Throws as map_memory does.
SpatialActivity map_activity(const Network& network, const Machine& machine,
                             const MapperOptions& options);

class SpatialMapper final : public Mapper {
public:
    void check(const Machine& machine) const override;
    void check_layers(const Network& network, const Machine& machine) const override;
    [[nodiscard]] Mapping map(const Network& network, const Machine& machine,
                              const MapperOptions& options) const override;
};

}  // namespace memwall
