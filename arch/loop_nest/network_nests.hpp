// SPDX-License-Identifier: Apache-2.0
// Which nests a network runs by: of those that each effort finds for its layers, the ones that are
// best for the network as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/loop_nest/nest_emitter.hpp"
#include "arch/loop_nest/nest_price.hpp"
#include "arch/mapper.hpp"

namespace memwall {

/// The nests of a network in their order.
struct NetworkNests {
    std::vector<MappedNest> nests;
    std::vector<std::string> notes;  ///< what is known of how good each is
    NestFigures sum;                 ///< of what they take one by one, as far as was measured
    /// Mappings that were looked at, where an interrupt ended some search.
    std::optional<std::int64_t> cut_after{};
};

/// Layers are searched one by one, but a network's layers overlap, and the product of its energy
/// and time is not the sum of theirs: so what less effort finds may be better in all. By the
/// objective of `options`: of networks of few steps as the analytic engine finds it, of others by
/// what their layers take one by one. Of what is equally good (kEquallyGood), what the effort asked
/// for has found where it has less of what comes second. Throws InputError at a layer that does not
/// fit, or where nests are given by hand and wrong.
NetworkNests choose_network_nests(const Network& network, const Machine& machine,
                                  const NestHierarchy& hierarchy, const MapperOptions& options);

}  // namespace memwall
