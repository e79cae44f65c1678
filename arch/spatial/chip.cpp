// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/chip.hpp"

#include <utility>

#include "arch/machine_needs.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMostCores = 4'096;

ComponentId named(const Machine& machine, const std::string& wanted, ComponentKind kind,
                  MachineNeeds& needs) {
    const ComponentId id = machine.find(wanted);
    if (!id.valid() || machine.component(id).kind != kind) {
        needs.missing("a " + std::string(name(kind)) + " named '" + wanted + "'");
        return {};
    }
    return id;
}

}  // namespace

Chip::Chip(const Machine& machine) {
    MachineNeeds needs(machine, "spatial");
    const auto find = [&](const char* wanted, ComponentKind kind) {
        return named(machine, wanted, kind, needs);
    };
    host = find("host", ComponentKind::link);
    frame_buffer = find("frame_buffer", ComponentKind::sram);
    core_memory = find("core_memory", ComponentKind::sram);
    weight_buffer = find("weight_buffer", ComponentKind::register_file);
    accumulators = find("accumulators", ComponentKind::register_file);
    array = find("array", ComponentKind::mac_array);
    vector = find("vector", ComponentKind::vector_unit);
    model_network = find("model_network", ComponentKind::mesh);
    activation_network = find("activation_network", ComponentKind::mesh);
    partial_sum_network = find("partial_sum_network", ComponentKind::mesh);
    sequencer = find("sequencer", ComponentKind::dma);
    if (machine.find("instruction_network").valid()) {
        instruction_network = find("instruction_network", ComponentKind::mesh);
    }
    needs.throw_if_any();
    core_memory_config = &std::get<MemoryConfig>(machine.component(core_memory).config);
    weight_buffer_config = &std::get<MemoryConfig>(machine.component(weight_buffer).config);
    accumulators_config = &std::get<MemoryConfig>(machine.component(accumulators).config);
    array_config = &std::get<MacArrayConfig>(machine.component(array).config);
    vector_config = &std::get<VectorUnitConfig>(machine.component(vector).config);
    mesh = &std::get<MeshConfig>(machine.component(activation_network).config);
    partial_sum_width =
        std::get<MeshConfig>(machine.component(partial_sum_network).config).link_width;
    const auto& starter = std::get<DmaConfig>(machine.component(sequencer).config);
    synchronisation = starter.setup;
    program = starter.program;
    programs = starter.programs;
    cores = machine.component(array).instances;
    if (synchronisation < Cycles(1)) {
        needs.missing("a 'sequencer' with a set-up of one cycle at least");
    }
    if (cores > kMostCores) {
        needs.missing("at most " + std::to_string(kMostCores) + " cores, found " +
                      std::to_string(cores) + ": more take it minutes and gigabytes");
    }
    if (program > Bytes(0) && !instruction_network.valid()) {
        needs.missing("a mesh named 'instruction_network' for the 'program' of 'sequencer'");
    }
    for (const ComponentId id : {model_network, partial_sum_network, instruction_network}) {
        if (!id.valid()) {
            continue;
        }
        const auto& other = std::get<MeshConfig>(machine.component(id).config);
        if (other.columns != mesh->columns || other.rows != mesh->rows) {
            needs.missing("'" + machine.component(id).name +
                          "' of the same shape as 'activation_network'");
        }
    }
    for (const ComponentId id :
         {activation_network, core_memory, weight_buffer, accumulators, vector}) {
        needs.one_for_each(id, array);
    }
    for (const auto& [a, b] : {std::pair{host, frame_buffer},
                               {frame_buffer, activation_network},
                               {activation_network, core_memory},
                               {model_network, core_memory},
                               {model_network, weight_buffer},
                               {core_memory, array},
                               {weight_buffer, array},
                               {array, accumulators},
                               {accumulators, partial_sum_network},
                               {accumulators, vector}}) {
        needs.connection(a, b);
    }
    if (instruction_network.valid()) {
        needs.connection(instruction_network, core_memory);
    }
    needs.throw_if_any();
}

}  // namespace memwall
