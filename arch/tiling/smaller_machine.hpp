// SPDX-License-Identifier: Apache-2.0
// A machine with half as much of something: what is planned for it runs on the whole one too, and
// is a plan to compare with others.
#pragma once

#include "arch/core_work.hpp"
#include "arch/tiling/hierarchy.hpp"

namespace memwall {

/// What a smaller machine has half as much of.
enum class Halved {
    cores,
    operand_memory,
    accumulators,
    output_lanes,
    input_lanes,
    weight_loads  ///< of the arrays, in a time
};

/// The parts of a tiled machine that plans are made for, one of them halved.
class SmallerMachine {
public:
    SmallerMachine(const Hierarchy& hierarchy, const Cores& cores, Halved halved);
    SmallerMachine(const SmallerMachine&) = delete;
    SmallerMachine& operator=(const SmallerMachine&) = delete;
    SmallerMachine(SmallerMachine&&) = delete;
    SmallerMachine& operator=(SmallerMachine&&) = delete;
    ~SmallerMachine() = default;

    /// Whether the whole machine has enough to halve.
    [[nodiscard]] bool is_smaller() const { return is_smaller_; }
    [[nodiscard]] const Hierarchy& hierarchy() const { return hierarchy_; }
    [[nodiscard]] const Cores& cores() const { return cores_; }

private:
    void halve(const MemoryConfig*& memory);
    void halve_lanes(Halved halved);
    void halve_weight_loads();
    void use_array();

    Hierarchy hierarchy_;
    Cores cores_;
    MemoryConfig memory_;  ///< that is halved
    MacArrayConfig array_;
    bool is_smaller_ = false;
};

}  // namespace memwall
