// SPDX-License-Identifier: Apache-2.0
// Samples of a space: random, or a Latin hypercube. Both depend on the seed and nothing else.
#pragma once

#include <cstdint>
#include <vector>

#include "study/sweep/axis.hpp"

namespace memwall {

/// A sequence of numbers that is the same on every machine: SplitMix64 (Steele, Lea, Flood: Fast
/// splittable pseudorandom number generators, OOPSLA 2014).
class SeededDraw {
public:
    explicit SeededDraw(std::uint64_t seed) : state_(seed) {}
    std::uint64_t bits();
    /// From 0 to 1, 1 not included.
    double fraction();
    /// From 0 to `size` - 1.
    std::int64_t below(std::int64_t size);

private:
    std::uint64_t state_;
};

enum class SampleMethod { random, latin_hypercube };

/// `count` points of the space of some paths. `latin_hypercube`: each path takes a value in every
/// one of `count` equal parts of its range, once (McKay, Beckman, Conover: A comparison of three
/// methods for selecting values of input variables, Technometrics 21(2), 1979).
class SampledAxis final : public SweepAxis {
public:
    SampledAxis(std::vector<Choices> choices, SampleMethod method, std::int64_t count,
                std::uint64_t seed);
    [[nodiscard]] std::int64_t size() const override { return count_; }
    [[nodiscard]] std::vector<std::string> paths() const override;
    void add(std::int64_t entry, Settings& settings) const override;

private:
    std::vector<Choices> choices_;
    std::int64_t count_;
    std::uint64_t seed_;
    /// Of each path, the part of its range that an entry falls in; empty for random samples.
    std::vector<std::vector<std::uint32_t>> parts_;
};

}  // namespace memwall
