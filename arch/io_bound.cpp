// SPDX-License-Identifier: Apache-2.0
#include "arch/io_bound.hpp"

#include <algorithm>
#include <cmath>

namespace memwall {

std::int64_t segment_bound_words(std::int64_t macs, std::int64_t storage_words,
                                 std::int64_t window_reuse) {
    if (macs <= 0 || storage_words <= 0) {
        return 0;
    }
    const auto f = static_cast<double>(macs);
    const auto s = static_cast<double>(storage_words);
    const double root = std::sqrt(static_cast<double>(window_reuse));
    const auto bound = [&](double t) {
        const double segment = root * std::pow((s + t) / 3, 1.5);
        return t * (std::ceil(f / segment * (1 - 1e-12)) - 1);
    };
    // The bound holds for every T: any choice is valid, a good one is near 2 S.
    double best = 0;
    for (double t = s / 4; t <= 16 * s; t *= 1.05) {
        best = std::max(best, bound(t));
    }
    best = std::max(best, bound(2 * s));
    return static_cast<std::int64_t>(best);
}

IoBound io_lower_bound(const IterationSpace& space, Bytes capacity) {
    IoBound bound;
    if (!space.has_operands()) {
        return bound;
    }
    const Box box = space.box();
    double widths = 1;  // product of the operands' bytes a word
    std::int64_t reuse = 1;
    double words_per_byte_of_outputs = 1;
    for (const Operand& operand : space.operands) {
        const std::int64_t touched = touched_words(operand.projection, box);
        bound.compulsory += stored_bytes(touched, operand.precision) * (operand.updated ? 2 : 1);
        if (operand.role != TensorRole::outputs) {
            widths *= bits(operand.precision) / 8.0;
        } else {
            // Partial sums are never kept narrower than the result is stored.
            words_per_byte_of_outputs = bits(operand.precision) / 8.0;
        }
        if (operand.role == TensorRole::inputs) {
            reuse = std::max(reuse, window_reuse(operand.projection, box));
        }
    }
    if (space.macs() > 0) {
        // MODEL: mixed precision: 2 F sqrt(b_I b_W b_O) / sqrt(R S) - 2 S, with the stored width of
        // the outputs for that of sums, which keeps the bound valid.
        const double root = std::sqrt(widths * words_per_byte_of_outputs);
        const auto s = static_cast<double>(capacity.count());
        const double bytes = 2 * static_cast<double>(space.macs()) * root /
                                 std::sqrt(static_cast<double>(reuse) * s) -
                             2 * s;
        bound.segment = Bytes(static_cast<std::int64_t>(std::max(0.0, bytes)));
    }
    return bound;
}

}  // namespace memwall
