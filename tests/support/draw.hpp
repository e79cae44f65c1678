// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers for generated cases: the same on every machine and with every library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace memwall::test {

class Draw {
public:
    explicit Draw(std::uint32_t seed) : generator_(seed) {}

    /// A whole number from `least` to `most`, both included.
    std::int64_t operator()(std::int64_t least, std::int64_t most) {
        const auto choices = static_cast<std::uint32_t>(most - least + 1);
        return least + static_cast<std::int64_t>(generator_() % choices);
    }
    /// True in `percent` of 100 cases.
    bool chance(std::int64_t percent) { return (*this)(1, 100) <= percent; }
    template <class T>
    const T& one_of(const std::vector<T>& choices) {
        return choices[static_cast<std::size_t>(
            (*this)(0, static_cast<std::int64_t>(choices.size()) - 1))];
    }

private:
    std::mt19937
        generator_;  // its sequence is fixed by the standard; those of distributions are not
};

}  // namespace memwall::test
