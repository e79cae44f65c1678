// SPDX-License-Identifier: Apache-2.0
#include "sim/elaboration.hpp"

#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "sim/modules/tlm_dram_adapter.hpp"

namespace memwall {

namespace {

/// A module's name: letters, digits and underscores, no other characters.
std::string module_name(const std::string& name) {
    std::string clean;
    for (const char c : name) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        clean += plain ? c : '_';
    }
    return clean;
}

}  // namespace

void prepare_kernel() {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    // A simulation that stops on a failure says so through the failure, not on standard output.
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
}

Simulation::Simulation(const sc_core::sc_module_name& name, const Program& program,
                       const Machine& machine, const ReplayOptions& options,
                       const ForeignDram& foreign)
    : sc_module(name),
      machine_(machine),
      servers_(program, machine),
      engine_(program, machine, options, servers_),
      replay_("replay", engine_, options.progress),
      transfers_("transfers", servers_.flows(), machine, replay_) {
    build_units();
    build_media();
    build_drams(foreign);
}

Simulation::~Simulation() = default;

void Simulation::build_units() {
    for (std::size_t c = 0; c < machine_.components().size(); ++c) {
        FifoServer* server = servers_.fifo(ComponentId(c));
        if (server == nullptr) {
            continue;
        }
        const Component& component = machine_.components()[c];
        const std::string own = module_name(component.name) + "_units";
        switch (component.kind) {
            case ComponentKind::mac_array:
                components_.push_back(
                    std::make_unique<MacArrayModule>(own.c_str(), *server, replay_));
                break;
            case ComponentKind::vector_unit:
                components_.push_back(
                    std::make_unique<VectorUnitModule>(own.c_str(), *server, replay_));
                break;
            case ComponentKind::dma:
                components_.push_back(std::make_unique<DmaModule>(own.c_str(), *server, replay_));
                break;
            default:
                components_.push_back(std::make_unique<MoverModule>(own.c_str(), *server, replay_));
        }
    }
}

void Simulation::build_media() {
    for (std::size_t c = 0; c < machine_.components().size(); ++c) {
        const Component& component = machine_.components()[c];
        const ComponentId id(c);
        const std::string own = module_name(component.name);
        switch (component.kind) {
            case ComponentKind::sram:
            case ComponentKind::cache:
            case ComponentKind::register_file:
                components_.push_back(std::make_unique<SramModule>(own.c_str(), id, transfers_));
                break;
            case ComponentKind::mesh:
                components_.push_back(std::make_unique<MeshModule>(own.c_str(), id, transfers_));
                break;
            case ComponentKind::bus:
                components_.push_back(std::make_unique<BusModule>(own.c_str(), id, transfers_));
                break;
            case ComponentKind::link:
                components_.push_back(std::make_unique<LinkModule>(own.c_str(), id, transfers_));
                break;
            case ComponentKind::dram:
            case ComponentKind::mac_array:
            case ComponentKind::vector_unit:
            case ComponentKind::dma:
                break;  // they have no links
        }
    }
}

void Simulation::build_drams(const ForeignDram& foreign) {
    for (std::size_t d = 0; d < machine_.drams().size(); ++d) {
        const DramId id(d);
        const std::string own = module_name(machine_.dram(id).name + "_" + std::to_string(d));
        if (foreign) {
            auto adapter = std::make_unique<TlmDramAdapter>((own + "_tlm").c_str(),
                                                            machine_.dram(id), replay_);
            foreign(id, *adapter);
            servers_.replace_dram(id, *adapter);
            components_.push_back(std::move(adapter));
        }
        components_.push_back(
            std::make_unique<DramModule>(own.c_str(), servers_.dram(id), replay_));
    }
}

Outcome Simulation::run() {
    sc_core::sc_start();
    replay_.rethrow();
    if (!engine_.done()) {
        fail(engine_.deadlock());
    }
    Outcome outcome = engine_.outcome();
    outcome.events = replay_.notifications();
    return outcome;
}

}  // namespace memwall
