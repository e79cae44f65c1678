// SPDX-License-Identifier: Apache-2.0
// The servers of a machine for one program: one for each component with units, one for all links,
// one for each DRAM.
#pragma once

#include <memory>
#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"
#include "sim/dram_port.hpp"
#include "sim/fifo_server.hpp"
#include "sim/flow_network.hpp"

namespace memwall {

/// Owns the servers; whoever drives them (a plain loop, SystemC modules) borrows them. The machine
/// and the program must outlive it.
class ServerSet {
public:
    ServerSet(const Program& program, const Machine& machine);

    /// Where a unit is served: its component's server, and its number there.
    struct UnitPlace {
        FifoServer* server = nullptr;
        std::int32_t number = 0;
    };
    [[nodiscard]] const UnitPlace& place(UnitId unit) const { return places_[unit.position()]; }
    /// The server of a component's units; nullptr where it has none.
    [[nodiscard]] FifoServer* fifo(ComponentId component) const {
        return fifos_[component.position()].get();
    }
    [[nodiscard]] FlowNetwork& flows() const { return *flows_; }
    [[nodiscard]] DramPort& dram(DramId id) const { return *drams_[id.position()]; }
    [[nodiscard]] const std::vector<DramPort*>& drams() const { return drams_; }
    /// Asks another model instead of the built-in one; before the first request. Must outlive this.
    void replace_dram(DramId id, DramPort& port) { drams_[id.position()] = &port; }

    /// The components that have a server, in the machine's order.
    [[nodiscard]] const std::vector<FifoServer*>& fifos() const { return present_; }
    [[nodiscard]] Picoseconds next_time() const;
    void settle(Picoseconds now);

private:
    std::vector<std::unique_ptr<FifoServer>> fifos_;  ///< by component
    std::vector<FifoServer*> present_;
    std::vector<UnitPlace> places_;
    std::unique_ptr<FlowNetwork> flows_;
    std::vector<std::unique_ptr<DramPort>> built_in_;
    std::vector<DramPort*> drams_;
};

}  // namespace memwall
