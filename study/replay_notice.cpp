// SPDX-License-Identifier: Apache-2.0
#include "study/replay_notice.hpp"

#include "base/parse.hpp"

namespace memwall {
namespace {

/// Shipped machines replay a million steps in a second to a minute.
constexpr std::int64_t kManySteps = 500'000;
/// Fewer are not cut into so many tiles that writing all of them down takes long.
constexpr double kManyMacs = 1e12;
/// What a step of a round takes in a program, at least.
constexpr Bytes kStep = Bytes(200);
constexpr Bytes kMuchMemory = Bytes(std::int64_t{1} << 30U);

}  // namespace

bool may_be_long(const Network& network) {
    double macs = 0;
    for (const Layer& layer : network.layers()) {
        macs += static_cast<double>(layer.macs());
    }
    return macs >= kManyMacs;
}

std::string replay_notice(std::int64_t steps, std::int64_t rounds) {
    if (steps < kManySteps) {
        return "";
    }
    const Bytes memory = kStep * (steps / rounds);
    const std::string needs =
        memory >= kMuchMemory ? ", and at least " + format_bytes(memory) + " of memory" : "";
    return "note: the replay has " + format_count(steps) + " steps and may take long" + needs +
           "; --engine analytic gives an estimate in seconds\n";
}

}  // namespace memwall
