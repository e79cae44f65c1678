// SPDX-License-Identifier: Apache-2.0
#include "sim/modules/component_modules.hpp"

#include "base/error.hpp"

namespace memwall {

TransferModule::TransferModule(const sc_core::sc_module_name& name, FlowNetwork& flows,
                               const Machine& machine, ReplayModule& replay)
    : ServerModule(name, flows, replay),
      machine_(machine),
      bound_(machine.components().size(), false) {}

void TransferModule::bind(ComponentId component) {
    ensure(!bound_[component.position()], "a component binds its links once");
    bound_[component.position()] = true;
}

void TransferModule::end_of_elaboration() {
    for (const Link& link : machine_.links()) {
        ensure(bound_[link.component.position()], "every link belongs to a module");
    }
}

}  // namespace memwall
