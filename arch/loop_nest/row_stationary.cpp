// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/row_stationary.hpp"

#include <algorithm>

namespace memwall {

void PassTimes::add(const OperandNetworks& networks, std::size_t operand, bool outputs, double in,
                    double out, double first, double visits) {
    const double width = networks.width[operand];
    const auto cycles = [&](double bytes) { return width > 0 ? bytes / width : 0; };
    if (networks.weights == operand && visits > 0) {
        weights += cycles(in);
        passes = visits;
        return;
    }
    streaming = std::max({streaming, cycles(in), cycles(out)});
    if (!outputs) {
        window += cycles(first);
    }
}

}  // namespace memwall
