// SPDX-License-Identifier: Apache-2.0
#include "arch/machine_needs.hpp"

#include <algorithm>

namespace memwall {

void MachineNeeds::missing(const std::string& what) {
    faults_.error(machine_.parts().where,
                  "machine '" + machine_.name() + "': the " + mapper_ + " mapper needs " + what);
}

void MachineNeeds::misplaced(ComponentId memory, const std::string& what) {
    const Component& component = machine_.component(memory);
    faults_.error(component.capacity_where, "machine '" + machine_.name() + "', component '" +
                                                component.name + "': the " + mapper_ + " mapper " +
                                                what);
}

void MachineNeeds::connection(ComponentId a, ComponentId b) {
    if (!a.valid() || !b.valid()) {
        return;
    }
    const std::vector<ComponentId> neighbours = machine_.neighbours(a);
    if (std::find(neighbours.begin(), neighbours.end(), b) == neighbours.end()) {
        missing("a connection of '" + machine_.component(a).name + "' and '" +
                machine_.component(b).name + "'");
    }
}

void MachineNeeds::one_for_each(ComponentId part, ComponentId array) {
    if (part.valid() && machine_.component(part).instances != machine_.component(array).instances) {
        missing("as many instances of '" + machine_.component(part).name + "' as of '" +
                machine_.component(array).name + "'");
    }
}

}  // namespace memwall
