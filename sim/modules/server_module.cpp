// SPDX-License-Identifier: Apache-2.0
#include "sim/modules/server_module.hpp"

namespace memwall {

ServerModule::ServerModule(const sc_core::sc_module_name& name, Server& server,
                           ReplayModule& replay)
    : sc_module(name), server_(server), replay_(replay), alarm_("alarm") {
    SC_METHOD(wake);
    sensitive << alarm_.event();
    dont_initialize();
    replay.watch(*this);
}

}  // namespace memwall
