// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/samples.hpp"

#include <numeric>
#include <utility>

namespace memwall {
namespace {

/// A generator of its own for each entry of each path, so that any point can be made by itself.
SeededDraw draw_for(std::uint64_t seed, std::size_t path, std::int64_t entry) {
    SeededDraw outer(seed);
    SeededDraw middle(outer.bits() + path);
    return SeededDraw(middle.bits() + static_cast<std::uint64_t>(entry));
}

std::vector<std::uint32_t> shuffled(std::int64_t count, SeededDraw draw) {
    std::vector<std::uint32_t> parts(static_cast<std::size_t>(count));
    std::iota(parts.begin(), parts.end(), 0U);
    for (std::size_t last = parts.size(); last > 1; --last) {
        std::swap(parts[last - 1],
                  parts[static_cast<std::size_t>(draw.below(static_cast<std::int64_t>(last)))]);
    }
    return parts;
}

}  // namespace

std::uint64_t SeededDraw::bits() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
}

double SeededDraw::fraction() {
    constexpr double kScale = 1.0 / 9007199254740992.0;  // 53 bits
    return static_cast<double>(bits() >> 11U) * kScale;
}

std::int64_t SeededDraw::below(std::int64_t size) {
    return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(size));
}

SampledAxis::SampledAxis(std::vector<Choices> choices, SampleMethod method, std::int64_t count,
                         std::uint64_t seed)
    : choices_(std::move(choices)), count_(count), seed_(seed) {
    for (std::size_t path = 0; method == SampleMethod::latin_hypercube && path < choices_.size();
         ++path) {
        parts_.push_back(shuffled(count, draw_for(seed, path, -1)));
    }
}

std::vector<std::string> SampledAxis::paths() const {
    std::vector<std::string> paths;
    for (const Choices& choices : choices_) {
        paths.push_back(choices.path);
    }
    return paths;
}

void SampledAxis::add(std::int64_t entry, Settings& settings) const {
    for (std::size_t path = 0; path < choices_.size(); ++path) {
        double position = draw_for(seed_, path, entry).fraction();
        if (!parts_.empty()) {
            position = (parts_[path][static_cast<std::size_t>(entry)] + position) /
                       static_cast<double>(count_);
        }
        settings.push_back(choices_[path].drawn(position));
    }
}

}  // namespace memwall
