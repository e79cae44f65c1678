// SPDX-License-Identifier: Apache-2.0
// The modules of a machine's components. Those that serve have one process each; the ports, buses
// and links of a machine share that of the transfers, since a transfer takes several at once.
#pragma once

#include <span>
#include <vector>

#include "arch/machine.hpp"
#include "sim/dram_port.hpp"
#include "sim/fifo_server.hpp"
#include "sim/flow_network.hpp"
#include "sim/modules/server_module.hpp"

namespace memwall {

/// Multiply-accumulate arrays: busy until a known time.
class MacArrayModule final : public ServerModule {
public:
    MacArrayModule(const sc_core::sc_module_name& name, FifoServer& server, ReplayModule& replay)
        : ServerModule(name, server, replay) {}
    [[nodiscard]] const char* kind() const override { return "mac_array"; }
};

class VectorUnitModule final : public ServerModule {
public:
    VectorUnitModule(const sc_core::sc_module_name& name, FifoServer& server, ReplayModule& replay)
        : ServerModule(name, server, replay) {}
    [[nodiscard]] const char* kind() const override { return "vector_unit"; }
};

/// DMA engines: they issue transfers and are taken until these have ended.
class DmaModule final : public ServerModule {
public:
    DmaModule(const sc_core::sc_module_name& name, FifoServer& server, ReplayModule& replay)
        : ServerModule(name, server, replay) {}
    [[nodiscard]] const char* kind() const override { return "dma"; }
};

/// Units of a component that is neither array, vector unit nor DMA engine: a memory or a network
/// that moves bytes by itself.
class MoverModule final : public ServerModule {
public:
    MoverModule(const sc_core::sc_module_name& name, FifoServer& server, ReplayModule& replay)
        : ServerModule(name, server, replay) {}
    [[nodiscard]] const char* kind() const override { return "mover"; }
};

/// A DRAM with its channels, whichever model is behind its port.
class DramModule final : public ServerModule {
public:
    DramModule(const sc_core::sc_module_name& name, DramPort& port, ReplayModule& replay)
        : ServerModule(name, port, replay) {}
    [[nodiscard]] const char* kind() const override { return "dram"; }
};

/// All transfers over ports, buses and links. Components bind their links; each belongs to one.
class TransferModule final : public ServerModule {
public:
    TransferModule(const sc_core::sc_module_name& name, FlowNetwork& flows, const Machine& machine,
                   ReplayModule& replay);
    void bind(ComponentId component);
    [[nodiscard]] const char* kind() const override { return "transfers"; }

private:
    void end_of_elaboration() override;

    const Machine& machine_;
    std::vector<bool> bound_;  ///< by component
};

/// A component that is nothing but links to the transfers.
class MediumModule : public sc_core::sc_module {
protected:
    MediumModule(const sc_core::sc_module_name& name, ComponentId component,
                 TransferModule& transfers)
        : sc_module(name) {
        transfers.bind(component);
    }
};

/// On-chip memory: its read and write ports. What it holds is the engine's account.
class SramModule final : public MediumModule {
public:
    SramModule(const sc_core::sc_module_name& name, ComponentId id, TransferModule& transfers)
        : MediumModule(name, id, transfers) {}
    [[nodiscard]] const char* kind() const override { return "sram"; }
};

/// Routers and directed links; a multicast or reduction tree is one transfer over its links.
class MeshModule final : public MediumModule {
public:
    MeshModule(const sc_core::sc_module_name& name, ComponentId id, TransferModule& transfers)
        : MediumModule(name, id, transfers) {}
    [[nodiscard]] const char* kind() const override { return "mesh"; }
};

class BusModule final : public MediumModule {
public:
    BusModule(const sc_core::sc_module_name& name, ComponentId id, TransferModule& transfers)
        : MediumModule(name, id, transfers) {}
    [[nodiscard]] const char* kind() const override { return "bus"; }
};

class LinkModule final : public MediumModule {
public:
    LinkModule(const sc_core::sc_module_name& name, ComponentId id, TransferModule& transfers)
        : MediumModule(name, id, transfers) {}
    [[nodiscard]] const char* kind() const override { return "link"; }
};

}  // namespace memwall
