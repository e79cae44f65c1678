// SPDX-License-Identifier: Apache-2.0
#include "arch/machine_training.hpp"

#include <algorithm>
#include <variant>

#include "base/error.hpp"

namespace memwall {
namespace {

bool keeps_activations(const Machine& machine) {
    return std::any_of(machine.components().begin(), machine.components().end(),
                       [](const Component& component) {
                           const auto* memory = std::get_if<MemoryConfig>(&component.config);
                           return memory != nullptr && memory->nest.resident;
                       });
}

}  // namespace

void check_trains(const Machine& machine) {
    const auto refuse = [&](const std::string& why) {
        throw InputError("machine '" + machine.name() + "' cannot train: " + why);
    };
    if (machine.parts().mapper == "spatial") {
        refuse(
            "its mapper keeps no optimiser state, and has no way to put new weights where its "
            "arrays read them");
    }
    if (keeps_activations(machine)) {
        refuse("its activations are resident on the chip, and new weights have no way to its dram");
    }
}

}  // namespace memwall
