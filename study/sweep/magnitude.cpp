// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/magnitude.hpp"

#include <array>
#include <type_traits>
#include <utility>

#include "base/parse.hpp"

namespace memwall {
namespace {

template <class T>
std::optional<double> as_number(std::string_view text) {
    const Parsed<T> parsed = parse_as<T>(text);
    const auto* value = std::get_if<0>(&parsed);
    if (value == nullptr) {
        return std::nullopt;
    }
    if constexpr (std::is_arithmetic_v<T>) {
        return static_cast<double>(*value);
    } else {
        return static_cast<double>(value->count());
    }
}

}  // namespace

std::optional<Magnitude> read_magnitude(std::string_view text) {
    const std::array<std::pair<const char*, std::optional<double> (*)(std::string_view)>, 11> kinds{
        {{"count", as_number<std::int64_t>},
         {"number", as_number<double>},
         {"bytes", as_number<Bytes>},
         {"bytes a second", as_number<BytesPerSecond>},
         {"cycles", as_number<Cycles>},
         {"hertz", as_number<Hertz>},
         {"seconds", as_number<Seconds>},
         {"joules", as_number<Joules>},
         {"watts", as_number<Watts>},
         {"millimetres", as_number<Millimetres>},
         {"square millimetres", as_number<SquareMillimetres>}}};
    for (const auto& [kind, parse] : kinds) {
        if (const auto value = parse(text)) {
            return Magnitude{kind, *value};
        }
    }
    return std::nullopt;
}

}  // namespace memwall
