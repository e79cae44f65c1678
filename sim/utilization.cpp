// SPDX-License-Identifier: Apache-2.0
#include "sim/utilization.hpp"

#include <algorithm>

#include "sim/assemble_result.hpp"

namespace memwall {
namespace {

/// The narrowest lanes that are wide enough for a precision; nullptr where there are none.
const ArrayShape* shape_for(const MacArrayConfig& array, Precision precision) {
    const ArrayShape* best = nullptr;
    for (const ArrayShape& shape : array.shapes) {
        if (shape.precision == precision) {
            return &shape;
        }
        if (bits(shape.precision) >= bits(precision) &&
            (best == nullptr || bits(shape.precision) < bits(best->precision))) {
            best = &shape;
        }
    }
    return best;
}

double sign(Action action) {
    switch (action) {
        case Action::mac:
        case Action::gated_mac:
            return 1;
        case Action::recomputed_mac:
            return -1;
        default:
            return 0;
    }
}

}  // namespace

double peak_macs_per_second(const Machine& machine, Precision precision) {
    double peak = 0;
    for (const ComponentId id : machine.of_kind(ComponentKind::mac_array)) {
        const Component& component = machine.component(id);
        const ArrayShape* shape = shape_for(std::get<MacArrayConfig>(component.config), precision);
        if (shape != nullptr) {
            peak += static_cast<double>(shape->macs_per_cycle() * component.instances) *
                    static_cast<double>(machine.clock(component.clock).frequency().count());
        }
    }
    return peak;
}

double seconds_at_peak(const LedgerRow& row, const Machine& machine) {
    if (!row.counted || sign(*row.counted) == 0) {
        return 0;
    }
    const double peak = peak_macs_per_second(machine, *row.precision);
    return peak > 0 ? sign(*row.counted) * static_cast<double>(row.count) / peak : 0;
}

double share_of_peak(double seconds, double time, std::int64_t machines) {
    return time > 0 ? std::min(1.0, seconds / time / static_cast<double>(machines)) : 0;
}

double utilization_of(const std::vector<LedgerRow>& rows, const Machine& machine, Seconds time,
                      std::int64_t machines) {
    double seconds = 0;
    for (const LedgerRow& row : rows) {
        seconds += seconds_at_peak(row, machine);
    }
    return share_of_peak(seconds, time.count(), machines);
}

}  // namespace memwall
