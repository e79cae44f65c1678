// SPDX-License-Identifier: Apache-2.0
// What the modules of all components have in common: a process that wakes when their server says.
#pragma once

#include "sim/modules/replay_module.hpp"
#include "sim/server.hpp"

namespace memwall {

/// A thin shell around a server. It decides when; the server, and nothing else, how much.
class ServerModule : public sc_core::sc_module {
public:
    /// Sets the alarm anew after an instant was settled.
    void rearm() { alarm_.set(server_.next_time()); }
    [[nodiscard]] std::int64_t notifications() const { return alarm_.notifications(); }

protected:
    SC_HAS_PROCESS(ServerModule);
    ServerModule(const sc_core::sc_module_name& name, Server& server, ReplayModule& replay);

private:
    void wake() { replay_.request(); }

    Server& server_;
    ReplayModule& replay_;
    Alarm alarm_;
};

}  // namespace memwall
