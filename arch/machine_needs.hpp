// SPDX-License-Identifier: Apache-2.0
// What a mapper needs of a machine, and the faults of one that lacks it.
#pragma once

#include <string>
#include <vector>

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
    /// A part that is there has as many instances as the cores' array, or a mesh as many routers.
    void one_for_each(ComponentId part, ComponentId array);
    /// A part has as many instances as another, or a multiple.
    void some_for_each(ComponentId part, ComponentId other);
    /// Throws InputError with all of them. Numbers that do not go together are one fault, told at
    /// the component that all of them have in common.
    void throw_if_any() const;

private:
    /// So many parts, of which there are to be as many as of another, or a multiple.
    struct Uneven {
        ComponentId part, other;
        bool multiple = false;
    };
    [[nodiscard]] std::string subject() const;
    [[nodiscard]] std::string counted(ComponentId id) const;
    [[nodiscard]] SourceMark common_place() const;
    [[nodiscard]] std::string uneven_text() const;

    const Machine& machine_;
    std::string mapper_;
    Diagnostics faults_;
    std::vector<Uneven> uneven_;
};

}  // namespace memwall
