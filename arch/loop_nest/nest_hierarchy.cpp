// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_hierarchy.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "arch/core_split.hpp"
#include "arch/machine_needs.hpp"
#include "arch/mapper.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

bool is_memory(ComponentKind kind) {
    return kind == ComponentKind::dram || kind == ComponentKind::sram ||
           kind == ComponentKind::register_file;
}

std::array<bool, kDimCount> any_dim() {
    std::array<bool, kDimCount> dims{};
    dims.fill(true);
    return dims;
}

/// The ways from the dram over memories and buses: of each component that is reached, what lies
/// before it.
std::map<ComponentId, std::vector<ComponentId>> ways_from(const Machine& machine,
                                                          ComponentId dram) {
    std::map<ComponentId, std::vector<ComponentId>> ways = {{dram, {}}};
    std::deque<ComponentId> open = {dram};
    while (!open.empty()) {
        const ComponentId at = open.front();
        open.pop_front();
        for (const ComponentId next : machine.neighbours(at)) {
            const ComponentKind kind = machine.component(next).kind;
            if (ways.count(next) > 0 || !(is_memory(kind) || kind == ComponentKind::bus)) {
                continue;
            }
            ways[next] = ways[at];
            ways[next].push_back(at);
            open.push_back(next);
        }
    }
    return ways;
}

/// Whether a component takes from a memory over buses alone.
bool is_next_to(const Machine& machine, ComponentId component, ComponentId memory) {
    std::deque<ComponentId> open = {component};
    std::vector<ComponentId> seen = {component};
    while (!open.empty()) {
        for (const ComponentId next : machine.neighbours(open.front())) {
            if (next == memory) {
                return true;
            }
            const bool is_bus = machine.component(next).kind == ComponentKind::bus;
            if (is_bus && std::find(seen.begin(), seen.end(), next) == seen.end()) {
                seen.push_back(next);
                open.push_back(next);
            }
        }
        open.pop_front();
    }
    return false;
}

/// Axes are of as many instances as lie below one of the memory above.
void check_axes(const Component& above, const Component& here, MachineNeeds& needs) {
    const std::vector<SpatialAxis>& axes = std::get<MemoryConfig>(here.config).nest.axes;
    std::int64_t places = 1;
    for (const SpatialAxis& axis : axes) {
        places = checked_multiply(places, axis.size);
    }
    const std::int64_t below = here.instances / above.instances;
    const bool even = here.instances % above.instances == 0;
    if (even && places > below && !axes.empty()) {
        needs.missing("axes of '" + here.name + "' for the " + std::to_string(below) +
                      " that lie below each '" + above.name + "', not for " +
                      std::to_string(places));
    }
}

}  // namespace

NestHierarchy::NestHierarchy(const Machine& machine) : machine_(machine) {
    MachineNeeds needs(machine, kLoopNestMapper);
    const auto only = [&](ComponentKind kind, bool needed) {
        const std::vector<ComponentId> found = machine.of_kind(kind);
        if (found.size() > 1) {
            needs.missing("at most one " + std::string(name(kind)));
        }
        if (found.empty() && needed) {
            needs.missing("a " + std::string(name(kind)));
        }
        return found.empty() ? ComponentId() : found.front();
    };
    const ComponentId dram = only(ComponentKind::dram, true);
    array_ = only(ComponentKind::mac_array, true);
    vector_ = only(ComponentKind::vector_unit, false);
    dma_ = only(ComponentKind::dma, false);
    for (const ComponentId cache : machine.of_kind(ComponentKind::cache)) {
        needs.misplaced(cache,
                        "can use no cache, since loops say what stays in a memory: make it an sram "
                        "(machines of mapper: tiling and wave have caches)");
    }
    for (const ComponentKind kind : {ComponentKind::link, ComponentKind::mesh}) {
        for (const ComponentId other : machine.of_kind(kind)) {
            needs.missing("a machine without a " + std::string(name(kind)) + ", not '" +
                          machine.component(other).name + "'");
        }
    }
    needs.throw_if_any();
    const auto ways = ways_from(machine, dram);
    std::vector<std::pair<std::size_t, ComponentId>> order;
    for (std::size_t c = 0; c < machine.components().size(); ++c) {
        const ComponentId id(c);
        if (!is_memory(machine.component(id).kind)) {
            continue;
        }
        const auto way = ways.find(id);
        if (way == ways.end()) {
            needs.missing("a way from the dram to '" + machine.component(id).name + "'");
            continue;
        }
        const auto memories = std::count_if(
            way->second.begin(), way->second.end(),
            [&](ComponentId before) { return is_memory(machine.component(before).kind); });
        order.emplace_back(static_cast<std::size_t>(memories), id);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [distance, id] : order) {
        HierarchyLevel level{id, {}, ways.at(id)};
        for (const ComponentId before : level.above) {
            if (machine.component(before).kind == ComponentKind::bus) {
                level.buses.push_back(before);
            }
        }
        levels_.push_back(std::move(level));
    }
    for (std::size_t l = 1; l < levels_.size(); ++l) {
        const Component& above = machine.component(levels_[l - 1].memory);
        const Component& here = machine.component(levels_[l].memory);
        needs.some_for_each(levels_[l].memory, levels_[l - 1].memory);
        check_axes(above, here, needs);
        const auto& config = std::get<MemoryConfig>(here.config);
        if (config.nest.resident && here.instances > 1) {
            needs.missing("one instance of '" + here.name + "', since activations are resident");
        }
    }
    for (std::size_t parent = 0; parent < levels_.size(); ++parent) {
        for (std::size_t child = 0; child <= levels_.size(); ++child) {
            buses_.push_back(find_buses(parent, child));
        }
    }
    const Component& last = machine.component(levels_.back().memory);
    if (levels_.size() > kMostNestMemories) {
        needs.missing("at most " + std::to_string(kMostNestMemories) + " memories, not " +
                      std::to_string(levels_.size()));
    }
    if (levels_.size() < 2) {
        needs.missing("a memory between the dram and the mac_array");
    } else if (!is_next_to(machine, array_, levels_.back().memory)) {
        needs.missing("a connection of '" + machine.component(array_).name + "' with '" +
                      last.name + "', the memory that lies furthest from the dram");
    }
    for (const ComponentId id : {array_, vector_}) {
        needs.some_for_each(id, levels_.back().memory);
    }
    if (dma_.valid() && machine.neighbours(dma_).empty()) {
        needs.missing("a connection of '" + machine.component(dma_).name + "' with a memory");
    }
    // MODEL: under a loop nest a dot-product array changes weights in a cycle.
    if (array_config().weight_load > Cycles(1)) {
        needs.missing("a weight_load of 1 cycle of '" + machine.component(array_).name + "'");
    }
    needs.throw_if_any();
}

const MacArrayConfig& NestHierarchy::array_config() const {
    return std::get<MacArrayConfig>(machine_.component(array_).config);
}

const VectorUnitConfig* NestHierarchy::vector_config() const {
    return vector_.valid() ? &std::get<VectorUnitConfig>(machine_.component(vector_).config)
                           : nullptr;
}

NestMemory NestHierarchy::memory_of(std::size_t level) const {
    const Component& component = machine_.component(levels_[level].memory);
    NestMemory memory;
    memory.name = component.name;
    memory.instances = component.instances;
    if (const auto* dram = std::get_if<DramConfig>(&component.config)) {
        const auto hertz = static_cast<double>(machine_.clock(component.clock).frequency().count());
        memory.read_width = dram->peak().count() / hertz;
        memory.write_width = memory.read_width;
        memory.one_port = true;
        memory.latency = static_cast<double>(dram->data_latency(false).count()) * 1e-12 * hertz;
        memory.burst = dram->burst.count() > 1 ? static_cast<double>(dram->burst.count()) : 0;
    } else {
        const auto& config = std::get<MemoryConfig>(component.config);
        memory.capacity = config.capacity.count();
        memory.read_width = static_cast<double>(config.read_width.count());
        memory.write_width = static_cast<double>(config.write_width.count());
        memory.may_keep = config.nest.keeps;
        memory.single_buffered = config.nest.single_buffered;
        memory.slides = config.nest.slides;
        memory.resident = config.nest.resident;
    }
    if (level + 1 == levels_.size()) {
        return memory;  // what lies below are the lanes
    }
    const Component& below = machine_.component(levels_[level + 1].memory);
    const auto& config = std::get<MemoryConfig>(below.config);
    const std::int64_t fan_out = below.instances / component.instances;
    memory.multicasts = config.nest.multicast;
    memory.reduces = config.nest.spatial_sums;
    memory.axes = config.nest.axes;
    if (memory.axes.empty() && fan_out > 1) {
        memory.axes.push_back({"instances", fan_out, any_dim()});
    }
    return memory;
}

std::vector<SpatialAxis> NestHierarchy::lanes_of(const Layer& layer) const {
    const std::int64_t last = machine_.component(levels_.back().memory).instances;
    std::vector<SpatialAxis> axes;
    const bool macs = layer.space.macs() > 0;
    const std::int64_t parts = machine_.component(macs ? array_ : vector_).instances / last;
    if (parts > 1) {
        axes.push_back({macs ? "arrays" : "units", parts, any_dim()});
    }
    if (!macs) {
        axes.push_back({"lanes", vector_config()->lanes, any_dim()});
        return axes;
    }
    for (const SpatialAxis& axis : array_axes(array_config(), shape_for(layer), layer.space)) {
        axes.push_back(axis);
    }
    return axes;
}

const ArrayShape& NestHierarchy::shape_for(const Layer& layer) const {
    const ArrayShape* shape = array_shape(array_config(), layer.precision);
    ensure(shape != nullptr, "layers without lanes are refused before");
    return *shape;
}

NestMachine NestHierarchy::machine_for(const Layer& layer) const {
    NestMachine machine;
    for (std::size_t l = 0; l < levels_.size(); ++l) {
        machine.memories.push_back(memory_of(l));
    }
    machine.memories.back().axes = lanes_of(layer);
    if (layer.space.operation != PointOperation::mac) {
        // Only sums are put together on their way up from several instances.
        for (NestMemory& memory : machine.memories) {
            for (SpatialAxis& axis : memory.axes) {
                for (const Dim dim : layer.space.reduction_dims()) {
                    axis.dims[index(dim)] = false;
                }
            }
        }
    }
    if (layer.space.macs() > 0) {
        const MacArrayConfig& array = array_config();
        machine.lanes_keep = kept_operand(array.dataflow, layer.space);
        machine.array = array_timing(array.dataflow, array.loads_ahead, shape_for(layer));
        if (array.dataflow == Dataflow::row_stationary) {
            machine.networks = networks_of(layer.space, machine);
        }
    }
    machine.cycles_a_step = std::max<std::int64_t>(1, layer.space.vector_operations_per_point);
    return machine;
}

/// The buses between the elements' memory for an operand and the next one above that may keep it.
OperandNetworks NestHierarchy::networks_of(const IterationSpace& space,
                                           const NestMachine& machine) const {
    OperandNetworks networks;
    networks.weights = kept_operand(Dataflow::weight_stationary, space);
    const std::vector<NestMemory>& memories = machine.memories;
    for (const Operand& operand : space.operands) {
        const auto role = static_cast<std::size_t>(operand.role);
        std::size_t child = memories.size();
        while (child > 1 && memories[child - 1].instances > memories.front().instances) {
            --child;
        }
        std::size_t parent = child - 1;
        while (child < memories.size() && !memories[child].may_keep[role]) {
            ++child;
        }
        while (parent > 0 && !memories[parent].may_keep[role]) {
            --parent;
        }
        double narrowest = 0;
        for (const ComponentId bus : buses_between(parent, child)) {
            const auto width = static_cast<double>(
                std::get<BusConfig>(machine_.component(bus).config).width.count());
            narrowest = narrowest > 0 ? std::min(narrowest, width) : width;
        }
        networks.width.push_back(narrowest);
    }
    return networks;
}

bool NestHierarchy::resident() const {
    return std::any_of(levels_.begin(), levels_.end(), [&](const HierarchyLevel& level) {
        const auto* memory = std::get_if<MemoryConfig>(&machine_.component(level.memory).config);
        return memory != nullptr && memory->nest.resident;
    });
}

void NestHierarchy::check_layers(const Network& network) const {
    Diagnostics faults;
    for (const Layer& layer : network.layers()) {
        const auto refuse = [&](const std::string& why) {
            faults.error(layer.where, "machine '" + machine_.name() + "' cannot compute layer '" +
                                          layer.name + "' (" + layer.op + "): " + why);
        };
        const bool macs = layer.macs() > 0;
        if (macs && array_shape(array_config(), layer.precision) == nullptr) {
            std::string known;
            for (const ArrayShape& shape : array_config().shapes) {
                known += (known.empty() ? "" : ", ") + std::string(name(shape.precision));
            }
            refuse("component '" + machine_.component(array_).name + "' has lanes for " + known +
                   "; give one of these with --precision");
        }
        if (!macs && !layer.no_work && !vector_.valid()) {
            refuse("it has no vector_unit");
        }
        const bool persists =
            std::any_of(layer.outputs.begin(), layer.outputs.end(),
                        [&](TensorId made) { return network.tensor(made).persists(); });
        if (persists && resident()) {
            refuse(
                "its result stays from item to item, and has no way to the dram where "
                "activations are resident");
        }
        for (const Operand& operand : layer.space.operands) {
            if (operand.projection.gather) {
                refuse("a loop nest has no place for rows that the data choose");
            }
        }
    }
    faults.throw_if_any();
}

std::vector<ComponentId> NestHierarchy::find_buses(std::size_t parent, std::size_t child) const {
    const HierarchyLevel& to = levels_[std::min(child, levels_.size() - 1)];
    std::vector<ComponentId> found;
    if (child >= levels_.size()) {
        // The lanes hang on the last memory: a word from above passes its buses too.
        if (parent + 1 >= levels_.size()) {
            return found;
        }
    }
    bool below = parent == 0;
    for (const ComponentId at : to.above) {
        below = below || at == levels_[parent].memory;
        if (below && machine_.component(at).kind == ComponentKind::bus) {
            found.push_back(at);
        }
    }
    return found;
}

}  // namespace memwall
