// SPDX-License-Identifier: Apache-2.0
// Quantities with units as types: adding bytes to cycles does not compile.
// Integer quantities use checked 64-bit arithmetic; a wrapped count is an internal error.
#pragma once

#include <bit>
#include <compare>
#include <concepts>
#include <cstdint>

namespace memwall {

/// Exact 64-bit arithmetic. Each throws InternalError on overflow.
std::int64_t throw_overflow(const char* operation, std::int64_t a, std::int64_t b);

constexpr std::int64_t checked_add(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? throw_overflow("+", a, b) : sum;
}

constexpr std::int64_t checked_subtract(std::int64_t a, std::int64_t b) {
    std::int64_t difference = 0;
    return __builtin_sub_overflow(a, b, &difference) ? throw_overflow("-", a, b) : difference;
}

constexpr std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
    std::int64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? throw_overflow("*", a, b) : product;
}

/// The smallest q with q * b >= a, for a >= 0 and b > 0.
constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
    return a / b + (a % b != 0 ? 1 : 0);
}

/// The largest power of two that is no more, for a >= 0; of 0 it is 0.
constexpr std::int64_t power_of_two_up_to(std::int64_t a) {
    return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(a)));
}

/// A number of one unit. `Tag` names the unit; `Rep` is std::int64_t (exact) or double.
template <class Tag, class Rep>
class Quantity {
public:
    using rep = Rep;
    static constexpr bool exact = std::same_as<Rep, std::int64_t>;

    constexpr Quantity() = default;
    constexpr explicit Quantity(Rep value) : value_(value) {}

    /// The bare number, in the unit that the type names.
    [[nodiscard]] constexpr Rep count() const { return value_; }

    friend constexpr auto operator<=>(Quantity, Quantity) = default;

    constexpr Quantity& operator+=(Quantity other) { return *this = *this + other; }
    constexpr Quantity& operator-=(Quantity other) { return *this = *this - other; }

    friend constexpr Quantity operator+(Quantity a, Quantity b) {
        if constexpr (exact) {
            return Quantity(checked_add(a.value_, b.value_));
        } else {
            return Quantity(a.value_ + b.value_);
        }
    }
    friend constexpr Quantity operator-(Quantity a, Quantity b) {
        if constexpr (exact) {
            return Quantity(checked_subtract(a.value_, b.value_));
        } else {
            return Quantity(a.value_ - b.value_);
        }
    }
    friend constexpr Quantity operator*(Quantity a, Rep factor) {
        if constexpr (exact) {
            return Quantity(checked_multiply(a.value_, factor));
        } else {
            return Quantity(a.value_ * factor);
        }
    }
    friend constexpr Quantity operator*(Rep factor, Quantity a) { return a * factor; }

    /// The ratio of two quantities of one unit has no unit.
    friend constexpr double ratio(Quantity a, Quantity b) {
        return static_cast<double>(a.value_) / static_cast<double>(b.value_);
    }

private:
    Rep value_{};
};

using Bytes = Quantity<struct BytesTag, std::int64_t>;
using Cycles = Quantity<struct CyclesTag, std::int64_t>;
using Picoseconds = Quantity<struct PicosecondsTag, std::int64_t>;
using Hertz = Quantity<struct HertzTag, std::int64_t>;
using Seconds = Quantity<struct SecondsTag, double>;
using Joules = Quantity<struct JoulesTag, double>;
using Watts = Quantity<struct WattsTag, double>;
using Volts = Quantity<struct VoltsTag, double>;
using BytesPerSecond = Quantity<struct BytesPerSecondTag, double>;
using Millimetres = Quantity<struct MillimetresTag, double>;
using SquareMillimetres = Quantity<struct SquareMillimetresTag, double>;

constexpr Watts operator/(Joules energy, Seconds time) {
    return Watts(energy.count() / time.count());
}
constexpr Joules operator*(Watts power, Seconds time) {
    return Joules(power.count() * time.count());
}
constexpr Joules operator*(Seconds time, Watts power) {
    return power * time;
}
constexpr Seconds operator/(Bytes bytes, BytesPerSecond rate) {
    return Seconds(static_cast<double>(bytes.count()) / rate.count());
}
constexpr Seconds to_seconds(Picoseconds time) {
    return Seconds(static_cast<double>(time.count()) * 1e-12);
}

}  // namespace memwall
