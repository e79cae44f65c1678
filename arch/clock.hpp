// SPDX-License-Identifier: Apache-2.0
// Clock domains: cycle n is round(n * 10^12 / f) ps, computed in 128 bits and never accumulated.
#pragma once

#include <numeric>
#include <string>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {

/// A clock of f Hz. Edges fall at round(n * 10^12 / f) picoseconds, n = 0, 1, 2, ...
class ClockDomain {
    __extension__ using Wide = __int128;

public:
    ClockDomain(std::string name, Hertz frequency) : name_(std::move(name)), frequency_(frequency) {
        ensure(frequency.count() > 0, "a clock's frequency is above zero");
        if (kPicosecondsPerSecond % frequency.count() == 0) {
            period_ = static_cast<std::int64_t>(kPicosecondsPerSecond / frequency.count());
        }
    }

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] Hertz frequency() const { return frequency_; }

    /// The time of edge n.
    [[nodiscard]] Picoseconds time_of(Cycles n) const {
        if (period_ > 0) {
            return Picoseconds(checked_multiply(n.count(), period_));
        }
        const Wide f = frequency_.count();
        const Wide scaled = static_cast<Wide>(n.count()) * kPicosecondsPerSecond;
        return Picoseconds(static_cast<std::int64_t>((scaled + f / 2) / f));
    }

    /// The first edge at or after `time`: what crossing into this domain rounds up to.
    [[nodiscard]] Cycles edge_at_or_after(Picoseconds time) const {
        if (period_ > 0 && time.count() >= 0) {
            return Cycles(ceil_divide(time.count(), period_));
        }
        const Wide f = frequency_.count();
        auto n =
            static_cast<std::int64_t>(static_cast<Wide>(time.count()) * f / kPicosecondsPerSecond);
        while (n > 0 && time_of(Cycles(n - 1)) >= time) {
            --n;
        }
        while (time_of(Cycles(n)) < time) {
            ++n;
        }
        return Cycles(n);
    }

    /// The edge `duration` cycles after the first edge at or after `start`.
    [[nodiscard]] Picoseconds after(Picoseconds start, Cycles duration) const {
        return time_of(edge_at_or_after(start) + duration);
    }

    /// Edges lie alike around times that are a multiple of this apart.
    [[nodiscard]] Picoseconds edges_repeat_after() const {
        constexpr auto second = static_cast<std::int64_t>(kPicosecondsPerSecond);
        return Picoseconds(second / std::gcd(second, frequency_.count()));
    }

private:
    static constexpr Wide kPicosecondsPerSecond = 1'000'000'000'000;
    std::string name_;
    Hertz frequency_;
    std::int64_t period_ = 0;  ///< where it is a whole number of picoseconds: no wide division
};

}  // namespace memwall
