// SPDX-License-Identifier: Apache-2.0
#include "study/replay_notice.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "base/error.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

/// Shipped machines replay a million steps in a second to a minute.
constexpr std::int64_t kManySteps = 500'000;
/// Fewer are not cut into so many tiles that writing all of them down takes long.
constexpr double kManyMacs = 1e12;
/// What a step of a round takes in a program, at least.
constexpr Bytes kStep = Bytes(200);
/// And at most, as measured on prompts of thousands of tokens, whose moves have few alike.
constexpr Bytes kLargeStep = Bytes(1'500);
constexpr Bytes kMuchMemory = Bytes(std::int64_t{1} << 30U);

/// "MemAvailable:   123 kB" of /proc/meminfo, "VmSize:" of /proc/self/status; nothing where there
/// is no such line.
std::optional<Bytes> kibibytes_of(const char* file, const std::string& key) {
    std::ifstream lines(file);
    std::string word;
    while (lines >> word) {
        std::int64_t count = 0;
        if (word == key && lines >> count) {
            return Bytes(count * 1024);
        }
    }
    return std::nullopt;
}

}  // namespace

Bytes free_memory() {
    constexpr Bytes kUnknown = Bytes(std::int64_t{1} << 62U);
    Bytes free = kibibytes_of("/proc/meminfo", "MemAvailable:").value_or(kUnknown);
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        const auto most = static_cast<std::int64_t>(
            std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(kUnknown.count())));
        const Bytes used = kibibytes_of("/proc/self/status", "VmSize:").value_or(Bytes(0));
        free = std::min(free, std::max(Bytes(0), Bytes(most) - used));
    }
    return free;
}

void check_replay_fits(std::int64_t steps, std::int64_t rounds, Bytes free) {
    const Bytes needed = kLargeStep * (steps / rounds);
    if (needed > free) {
        throw InputError("the replay has " + format_count(steps) + " steps and may need " +
                         format_bytes(needed) + " of memory, " + format_bytes(free) +
                         " are free; expected fewer tokens or a smaller batch, or --engine "
                         "analytic, which needs little");
    }
}

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
