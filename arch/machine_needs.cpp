// SPDX-License-Identifier: Apache-2.0
#include "arch/machine_needs.hpp"

#include <algorithm>

namespace memwall {
namespace {

/// Instances; of a mesh its routers, which lie in the cores.
std::int64_t count_of(const Machine& machine, ComponentId id) {
    const Component& component = machine.component(id);
    const auto* mesh = std::get_if<MeshConfig>(&component.config);
    return mesh != nullptr ? mesh->columns * mesh->rows : component.instances;
}

}  // namespace

void MachineNeeds::missing(const std::string& what) {
    faults_.error(machine_.parts().where, subject() + what);
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
    if (part.valid() && count_of(machine_, part) != count_of(machine_, array)) {
        uneven_.push_back({part, array, false});
    }
}

void MachineNeeds::some_for_each(ComponentId part, ComponentId other) {
    if (part.valid() && count_of(machine_, part) % count_of(machine_, other) != 0) {
        uneven_.push_back({part, other, true});
    }
}

void MachineNeeds::throw_if_any() const {
    Diagnostics all = faults_;
    if (!uneven_.empty()) {
        all.error(common_place(), subject() + "as many instances " + uneven_text());
    }
    all.throw_if_any();
}

std::string MachineNeeds::subject() const {
    return "machine '" + machine_.name() + "': the " + mapper_ + " mapper needs ";
}

/// "'array' (256)", or of a mesh "'network' (256 routers)"
std::string MachineNeeds::counted(ComponentId id) const {
    const Component& component = machine_.component(id);
    return "'" + component.name + "' (" + std::to_string(count_of(machine_, id)) +
           (component.kind == ComponentKind::mesh ? " routers)" : ")");
}

SourceMark MachineNeeds::common_place() const {
    for (const ComponentId id : {uneven_.front().part, uneven_.front().other}) {
        if (std::all_of(uneven_.begin(), uneven_.end(),
                        [&](const Uneven& pair) { return pair.part == id || pair.other == id; })) {
            return machine_.component(id).instances_where;
        }
    }
    return machine_.parts().where;
}

/// "of 'operand_buffer' (256), 'vector' (256) as of 'array' (128)"
std::string MachineNeeds::uneven_text() const {
    std::string text;
    for (std::size_t u = 0; u < uneven_.size(); ++u) {
        const Uneven& pair = uneven_[u];
        const bool same = u > 0 && uneven_[u - 1].other == pair.other;
        text += (u == 0 ? "of " : same ? ", " : ", of ") + counted(pair.part);
        if (u + 1 == uneven_.size() || uneven_[u + 1].other != pair.other) {
            text += " as of " + counted(pair.other) + (pair.multiple ? ", or a multiple" : "");
        }
    }
    return text;
}

}  // namespace memwall
