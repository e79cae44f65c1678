// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/hierarchy.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "arch/card_links.hpp"
#include "arch/machine_needs.hpp"

namespace memwall {
namespace {

template <class Config>
const Config* config_of(const Machine& machine, ComponentId id) {
    return id.valid() ? std::get_if<Config>(&machine.component(id).config) : nullptr;
}

/// The only part of a kind; none where there is none, which is a fault if it is needed.
ComponentId only(const Machine& machine, ComponentKind kind, bool needed, MachineNeeds& needs) {
    std::vector<ComponentId> found = machine.of_kind(kind);
    std::erase(found, server_link(machine));  // leads from server to server, not into the card
    if (found.size() > 1) {
        needs.missing("exactly one " + std::string(name(kind)));
    }
    if (found.empty() && needed) {
        needs.missing("a " + std::string(name(kind)));
    }
    return found.empty() ? ComponentId() : found.front();
}

/// The memory of a kind that is connected to a part.
ComponentId memory_beside(const Machine& machine, ComponentId part, ComponentKind kind,
                          ComponentId other, const std::string& what, MachineNeeds& needs) {
    if (!part.valid()) {
        return {};
    }
    for (const ComponentId neighbour : machine.neighbours(part)) {
        if (machine.component(neighbour).kind == kind && neighbour != other) {
            return neighbour;
        }
    }
    needs.missing(what);
    return {};
}

bool connected(const Machine& machine, ComponentId a, ComponentId b) {
    const std::vector<ComponentId> neighbours = machine.neighbours(a);
    return std::find(neighbours.begin(), neighbours.end(), b) != neighbours.end();
}

bool leads_to_an_sram(const Machine& machine, ComponentId cache) {
    const std::vector<ComponentId> neighbours = machine.neighbours(cache);
    return std::any_of(neighbours.begin(), neighbours.end(), [&](ComponentId id) {
        return machine.component(id).kind == ComponentKind::sram;
    });
}

/// The cache before the dram of a machine whose buffer is managed; none where there is none. One
/// that lies elsewhere is a fault.
ComponentId cache_before(const Machine& machine, ComponentId dram, MachineNeeds& needs) {
    const std::vector<ComponentId> caches = machine.of_kind(ComponentKind::cache);
    ComponentId found;
    for (const ComponentId cache : caches) {
        const bool between =
            dram.valid() && connected(machine, cache, dram) && leads_to_an_sram(machine, cache);
        if (found.valid() || machine.component(cache).instances > 1) {
            needs.misplaced(cache, "can use one cache, of one instance, that all cores share");
        } else if (!between) {
            needs.misplaced(cache,
                            "can use a cache between the dram and the sram that the cores share "
                            "only: connect it with both");
        } else {
            found = cache;
        }
    }
    return found;
}

double narrowest(std::initializer_list<double> widths) {
    double least = std::numeric_limits<double>::infinity();
    for (const double width : widths) {
        if (width > 0) {
            least = std::min(least, width);
        }
    }
    return least;
}

}  // namespace

Hierarchy::Hierarchy(const Machine& machine, ComponentKind shared, const std::string& mapper) {
    MachineNeeds needs(machine, mapper);
    const auto find = [&](ComponentKind kind, bool needed) {
        return only(machine, kind, needed, needs);
    };
    if (shared != ComponentKind::cache) {  // a GPU's leads to other cards
        host = find(ComponentKind::link, false);
    }
    dram = find(ComponentKind::dram, true);
    bus = find(ComponentKind::bus, false);
    array = find(ComponentKind::mac_array, true);
    vector = find(ComponentKind::vector_unit, true);
    accumulators = find(ComponentKind::register_file, false);
    dma = find(ComponentKind::dma, false);
    const auto& cards = machine.parts().cards;
    turns_of_users = cards && !cards->tensor_parallel();
    const bool managed = shared != ComponentKind::cache;
    cache = managed ? cache_before(machine, dram, needs) : ComponentId();
    if (managed && !cache.valid() && !machine.of_kind(ComponentKind::cache).empty()) {
        needs.throw_if_any();  // the buffer is looked for behind it
    }
    const std::string beside_dram =
        (managed ? "an sram" : "a cache") + std::string(" connected to the dram");
    const std::string beside_array = "an sram connected to the mac_array, one an array";
    if (machine.of_kind(shared).empty() && machine.of_kind(ComponentKind::sram).empty()) {
        needs.missing(beside_dram + " and " + beside_array);
        needs.throw_if_any();  // it has no memory on the chip
    }
    buffer = memory_beside(machine, cache.valid() ? cache : dram, shared, ComponentId(),
                           beside_dram, needs);
    if (cache.valid() && buffer.valid() && connected(machine, dram, buffer)) {
        needs.misplaced(cache, "can use a cache that all goes through only: '" +
                                   machine.component(buffer).name +
                                   "' behind it is connected to the dram, too");
    }
    operands = memory_beside(machine, array, ComponentKind::sram, buffer, beside_array, needs);
    needs.throw_if_any();
    dram_id = DramId(std::size_t{0});
    dram_config = config_of<DramConfig>(machine, dram);
    cache_config = config_of<MemoryConfig>(machine, cache);
    buffer_config = config_of<MemoryConfig>(machine, buffer);
    operands_config = config_of<MemoryConfig>(machine, operands);
    accumulators_config = config_of<MemoryConfig>(machine, accumulators);
    bus_config = config_of<BusConfig>(machine, bus);
    array_config = config_of<MacArrayConfig>(machine, array);
    vector_config = config_of<VectorUnitConfig>(machine, vector);
    cores = machine.component(array).instances;
    for (const ComponentId id : {operands, vector, accumulators}) {
        needs.one_for_each(id, array);
    }
    for (const auto& [a, b] : {std::pair{buffer, bus},
                               {bus, operands},
                               {host, buffer},
                               {host, cache.valid() ? cache : dram},
                               {dma, buffer},
                               {array, accumulators},
                               {accumulators, vector}}) {
        needs.connection(a, b);
    }
    needs.throw_if_any();
}

double Hierarchy::feed_width() const {
    return narrowest({static_cast<double>(buffer_config->read_width.count()),
                      bus_config ? static_cast<double>(bus_config->width.count()) : 0});
}

double Hierarchy::drain_width() const {
    return narrowest({static_cast<double>(buffer_config->write_width.count()),
                      bus_config ? static_cast<double>(bus_config->width.count()) : 0});
}

double Hierarchy::core_width() const {
    return narrowest({static_cast<double>(operands_config->write_width.count())});
}

Cycles Hierarchy::feed_latency() const {
    return bus_config ? bus_config->latency : Cycles(0);
}

Cores bare_cores(const Hierarchy& hierarchy) {
    Cores cores;
    cores.array = hierarchy.array;
    cores.vector = hierarchy.vector;
    cores.array_config = hierarchy.array_config;
    cores.vector_config = hierarchy.vector_config;
    return cores;
}

Cores tiled_cores(const Hierarchy& hierarchy) {
    Cores cores = bare_cores(hierarchy);
    cores.operands = hierarchy.operands;
    cores.weights = hierarchy.operands;
    cores.accumulators = hierarchy.accumulators;
    cores.read_width = hierarchy.operands_config->read_width;
    return cores;
}

}  // namespace memwall
