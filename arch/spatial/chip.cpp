// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/chip.hpp"

#include "base/error.hpp"

namespace memwall {
namespace {

class Finder {
public:
    explicit Finder(const Machine& machine) : machine_(machine) {}

    ComponentId named(const std::string& wanted, ComponentKind kind) {
        const ComponentId id = machine_.find(wanted);
        if (!id.valid() || machine_.component(id).kind != kind) {
            fault("a " + std::string(name(kind)) + " named '" + wanted + "'");
            return {};
        }
        return id;
    }
    void fault(const std::string& need) {
        faults_.error({"", 0, 0},
                      "machine '" + machine_.name() + "': the spatial mapper needs " + need);
    }
    void throw_if_any() const { faults_.throw_if_any(); }

private:
    const Machine& machine_;
    Diagnostics faults_;
};

}  // namespace

Chip::Chip(const Machine& machine) {
    Finder find(machine);
    host = find.named("host", ComponentKind::link);
    frame_buffer = find.named("frame_buffer", ComponentKind::sram);
    core_memory = find.named("core_memory", ComponentKind::sram);
    weight_buffer = find.named("weight_buffer", ComponentKind::register_file);
    accumulators = find.named("accumulators", ComponentKind::register_file);
    array = find.named("array", ComponentKind::mac_array);
    vector = find.named("vector", ComponentKind::vector_unit);
    model_network = find.named("model_network", ComponentKind::mesh);
    activation_network = find.named("activation_network", ComponentKind::mesh);
    partial_sum_network = find.named("partial_sum_network", ComponentKind::mesh);
    sequencer = find.named("sequencer", ComponentKind::dma);
    find.throw_if_any();
    core_memory_config = &std::get<MemoryConfig>(machine.component(core_memory).config);
    weight_buffer_config = &std::get<MemoryConfig>(machine.component(weight_buffer).config);
    array_config = &std::get<MacArrayConfig>(machine.component(array).config);
    vector_config = &std::get<VectorUnitConfig>(machine.component(vector).config);
    mesh = &std::get<MeshConfig>(machine.component(activation_network).config);
    synchronisation = std::get<DmaConfig>(machine.component(sequencer).config).setup;
    cores = machine.component(array).instances;
    if (synchronisation < Cycles(1)) {
        find.fault("a 'sequencer' with a set-up of one cycle at least");
    }
    if (mesh->columns * mesh->rows != cores) {
        find.fault("as many routers as instances of 'array'");
    }
    for (const ComponentId id : {model_network, partial_sum_network}) {
        const auto& other = std::get<MeshConfig>(machine.component(id).config);
        if (other.columns != mesh->columns || other.rows != mesh->rows) {
            find.fault("'" + machine.component(id).name +
                       "' of the same shape as 'activation_network'");
        }
    }
    for (const ComponentId id : {core_memory, weight_buffer, accumulators, vector}) {
        if (machine.component(id).instances != cores) {
            find.fault("as many instances of '" + machine.component(id).name + "' as of 'array'");
        }
    }
    find.throw_if_any();
}

}  // namespace memwall
