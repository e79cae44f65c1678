// SPDX-License-Identifier: Apache-2.0
// A machine as SystemC modules, ready to replay one program. For sim/ and its tests only.
#pragma once

#include <functional>
#include <memory>
#include <systemc>
#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"
#include "sim/modules/component_modules.hpp"
#include "sim/replay_engine.hpp"
#include "sim/server_set.hpp"

namespace memwall {

class TlmDramAdapter;

/// Binds the socket of a DRAM's adapter to a memory model of one's own.
using ForeignDram = std::function<void(DramId, TlmDramAdapter&)>;

/// The top module: one module a component, the servers that they wrap, and the engine. One in a
/// process, since SystemC elaborates once.
class Simulation final : public sc_core::sc_module {
public:
    /// With `foreign`, every DRAM is asked over TLM-2.0 instead of the built-in model.
    Simulation(const sc_core::sc_module_name& name, const Program& program, const Machine& machine,
               const ReplayOptions& options, const ForeignDram& foreign = {});
    ~Simulation() override;
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    /// Runs to the end. Throws what the engine throws; a deadlock is an InternalError.
    Outcome run();

private:
    void build_units();
    void build_media();
    void build_drams(const ForeignDram& foreign);

    const Machine& machine_;
    ServerSet servers_;
    ReplayEngine engine_;
    ReplayModule replay_;
    TransferModule transfers_;
    std::vector<std::unique_ptr<sc_core::sc_module>> components_;
};

/// Sets the kernel up: no banner on standard error. Before the first module.
void prepare_kernel();

}  // namespace memwall
