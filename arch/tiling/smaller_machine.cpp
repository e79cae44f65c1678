// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/smaller_machine.hpp"

namespace memwall {

SmallerMachine::SmallerMachine(const Hierarchy& hierarchy, const Cores& cores, Halved halved)
    : hierarchy_(hierarchy), cores_(cores) {
    switch (halved) {
        case Halved::cores:
            is_smaller_ = hierarchy.cores > 1;
            hierarchy_.cores /= is_smaller_ ? 2 : 1;
            return;
        case Halved::operand_memory:
            halve(hierarchy_.operands_config);
            return;
        case Halved::accumulators:
            halve(hierarchy_.accumulators_config);
            return;
        case Halved::output_lanes:
        case Halved::input_lanes:
            halve_lanes(halved);
            return;
        case Halved::weight_loads:
            halve_weight_loads();
    }
}

void SmallerMachine::halve(const MemoryConfig*& memory) {
    is_smaller_ = memory != nullptr && memory->capacity.count() > 1;
    if (is_smaller_) {
        memory_ = *memory;
        memory_.capacity = Bytes(memory->capacity.count() / 2);
        memory = &memory_;
    }
}

void SmallerMachine::halve_lanes(Halved halved) {
    array_ = *hierarchy_.array_config;
    for (ArrayShape& shape : array_.shapes) {
        std::int64_t& lanes = halved == Halved::output_lanes ? shape.outputs : shape.inputs;
        is_smaller_ = is_smaller_ || lanes > 1;
        lanes = std::max<std::int64_t>(1, lanes / 2);
    }
    use_array();
}

void SmallerMachine::halve_weight_loads() {
    array_ = *hierarchy_.array_config;
    is_smaller_ = array_.weight_load.count() > 0;
    array_.weight_load = array_.weight_load * 2;
    use_array();
}

void SmallerMachine::use_array() {
    hierarchy_.array_config = &array_;
    cores_.array_config = &array_;
}

}  // namespace memwall
