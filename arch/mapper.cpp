// SPDX-License-Identifier: Apache-2.0
#include "arch/mapper.hpp"

#include <algorithm>

#include "arch/loop_nest_mapper.hpp"
#include "arch/spatial_mapper.hpp"
#include "arch/tiling_mapper.hpp"
#include "arch/wave_mapper.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

struct MapperEntry {
    const char* name;
    std::unique_ptr<Mapper> (*make)();
};

/// The visible list of all mappers.
const std::vector<MapperEntry>& mappers() {
    static const std::vector<MapperEntry> kMappers = {
        {kTilingMapper,
         []() -> std::unique_ptr<Mapper> { return std::make_unique<TilingMapper>(); }},
        {kSpatialMapper,
         []() -> std::unique_ptr<Mapper> { return std::make_unique<SpatialMapper>(); }},
        {kWaveMapper, []() -> std::unique_ptr<Mapper> { return std::make_unique<WaveMapper>(); }},
        {kLoopNestMapper,
         []() -> std::unique_ptr<Mapper> { return std::make_unique<LoopNestMapper>(); }},
    };
    return kMappers;
}

}  // namespace

const char* name(Effort effort) {
    switch (effort) {
        case Effort::quick:
            return "quick";
        case Effort::normal:
            return "normal";
        case Effort::thorough:
            return "thorough";
    }
    fail("unknown effort");
}

const char* name(MappingObjective objective) {
    return objective_names()[static_cast<std::size_t>(objective)].c_str();
}

const std::vector<std::string>& objective_names() {
    static const std::vector<std::string> kNames = {"latency", "energy", "energy_delay", "traffic"};
    return kNames;
}

const std::vector<std::string>& mapper_names() {
    static const std::vector<std::string> kNames = [] {
        std::vector<std::string> names;
        for (const MapperEntry& entry : mappers()) {
            names.emplace_back(entry.name);
        }
        return names;
    }();
    return kNames;
}

std::unique_ptr<Mapper> make_mapper(const std::string& name) {
    for (const MapperEntry& entry : mappers()) {
        if (entry.name == name) {
            return entry.make();
        }
    }
    fail("unknown mapper '" + name + "'");
}

void check_mappable(const Machine& machine) {
    make_mapper(machine.parts().mapper)->check(machine);
}

void check_mappable(const Network& network, const Machine& machine, const MapperOptions& options) {
    if (std::all_of(network.layers().begin(), network.layers().end(),
                    [](const Layer& layer) { return layer.no_work; })) {
        throw InputError("network '" + network.name() +
                         "' has no layer that does any work: there is nothing to run");
    }
    const std::string& mapper = machine.parts().mapper;
    if (options.given && mapper == kSpatialMapper) {
        throw InputError("machine '" + machine.name() + "' has the mapper '" + mapper +
                         "'; mappings by hand are for machines with other mappers");
    }
    if (options.objective != MappingObjective::latency && mapper == kSpatialMapper) {
        throw InputError("machine '" + machine.name() + "' has the mapper '" + mapper +
                         "', which maps for latency; the objective '" + name(options.objective) +
                         "' is for machines with other mappers");
    }
    make_mapper(machine.parts().mapper)->check_layers(network, machine);
}

Mapping map_network(const Network& network, const Machine& machine, const MapperOptions& options) {
    check_mappable(network, machine, options);
    return make_mapper(machine.parts().mapper)->map(network, machine, options);
}

}  // namespace memwall
