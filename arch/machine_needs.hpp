// SPDX-License-Identifier: Apache-2.0
// What a mapper needs of a machine, and the faults of one that lacks it.
#pragma once

#include <string>

#include "arch/machine.hpp"
#include "base/error.hpp"

namespace memwall {

/// Collects everything that is missing, each told at the machine's place in its file.
class MachineNeeds {
public:
    MachineNeeds(const Machine& machine, std::string mapper)
        : machine_(machine), mapper_(std::move(mapper)) {}

    /// "machine 'M': the tiling mapper needs WHAT"
    void missing(const std::string& what);
    /// The same of a memory that is where the mapper has no use for it, told at that memory:
    /// "machine 'M', component 'MEMORY': the tiling mapper WHAT"
    void misplaced(ComponentId memory, const std::string& what);
    /// Two parts that are there must be connected; nothing where one is not.
    void connection(ComponentId a, ComponentId b);
    /// A part that is there has as many instances as the cores' array.
    void one_for_each(ComponentId part, ComponentId array);
    /// Throws InputError with all of them.
    void throw_if_any() const { faults_.throw_if_any(); }

private:
    const Machine& machine_;
    std::string mapper_;
    Diagnostics faults_;
};

}  // namespace memwall
