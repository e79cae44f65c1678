// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/hierarchy.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"

namespace memwall {
namespace {

template <class Config>
const Config* config_of(const Machine& machine, ComponentId id) {
    return id.valid() ? std::get_if<Config>(&machine.component(id).config) : nullptr;
}

/// Finds parts and collects what is missing.
class Finder {
public:
    explicit Finder(const Machine& machine) : machine_(machine) {}

    ComponentId only(ComponentKind kind, bool needed) {
        const std::vector<ComponentId> found = machine_.of_kind(kind);
        if (found.size() > 1) {
            missing("exactly one " + std::string(name(kind)));
        }
        if (found.empty() && needed) {
            missing("a " + std::string(name(kind)));
        }
        return found.empty() ? ComponentId() : found.front();
    }

    ComponentId sram_beside(ComponentId part, ComponentId other, const std::string& what) {
        if (!part.valid()) {
            return {};
        }
        for (const ComponentId neighbour : machine_.neighbours(part)) {
            if (machine_.component(neighbour).kind == ComponentKind::sram && neighbour != other) {
                return neighbour;
            }
        }
        missing(what);
        return {};
    }

    void missing(const std::string& what) {
        faults_.error({"", 0, 0},
                      "machine '" + machine_.name() + "': the tiling mapper needs " + what);
    }
    void throw_if_any() const { faults_.throw_if_any(); }

private:
    const Machine& machine_;
    Diagnostics faults_;
};

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

Hierarchy::Hierarchy(const Machine& machine) {
    Finder find(machine);
    host = find.only(ComponentKind::link, false);
    dram = find.only(ComponentKind::dram, true);
    bus = find.only(ComponentKind::bus, false);
    array = find.only(ComponentKind::mac_array, true);
    vector = find.only(ComponentKind::vector_unit, true);
    accumulators = find.only(ComponentKind::register_file, false);
    dma = find.only(ComponentKind::dma, false);
    buffer = find.sram_beside(dram, ComponentId(), "an sram connected to the dram");
    operands = find.sram_beside(array, buffer, "an sram connected to the mac_array, one an array");
    find.throw_if_any();
    dram_id = DramId(std::size_t{0});
    dram_config = config_of<DramConfig>(machine, dram);
    buffer_config = config_of<MemoryConfig>(machine, buffer);
    operands_config = config_of<MemoryConfig>(machine, operands);
    accumulators_config = config_of<MemoryConfig>(machine, accumulators);
    bus_config = config_of<BusConfig>(machine, bus);
    array_config = config_of<MacArrayConfig>(machine, array);
    vector_config = config_of<VectorUnitConfig>(machine, vector);
    cores = machine.component(array).instances;
    for (const ComponentId id : {operands, vector, accumulators}) {
        if (id.valid() && machine.component(id).instances != cores) {
            find.missing("as many instances of '" + machine.component(id).name + "' as of '" +
                         machine.component(array).name + "'");
        }
    }
    find.throw_if_any();
}

double Hierarchy::feed_width() const {
    return narrowest({static_cast<double>(buffer_config->read_width.count()),
                      bus_config ? static_cast<double>(bus_config->width.count()) : 0});
}

double Hierarchy::drain_width() const {
    return narrowest({static_cast<double>(buffer_config->write_width.count()),
                      bus_config ? static_cast<double>(bus_config->width.count()) : 0});
}

Cycles Hierarchy::feed_latency() const {
    return bus_config ? bus_config->latency : Cycles(0);
}

}  // namespace memwall
