// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/dram_bursts.hpp"

#include "sim/dram_controller.hpp"

namespace memwall::bench {

const std::vector<BurstCase>& burst_cases() {
    constexpr std::int64_t kMebibyte = 1 << 20;
    static const std::vector<BurstCase> kCases = {
        {"a stream, by runs of row hits", false, kMebibyte, 1, 0},
        {"a stream, burst by burst", true, kMebibyte, 1, 0},
        {"pieces of 256 B, 1 KiB apart", false, 256, 4'096, 1'024},
        {"bursts in ever other rows", false, 32, 32'768, 131'072 + 1'024},
    };
    return kCases;
}

std::int64_t serve_bursts(const DramConfig& dram, const BurstCase& pattern, std::int64_t accesses) {
    constexpr std::int64_t kUnderWay = 8;
    DramController controller(dram, pattern.by_burst);
    const ClockDomain clock("clock", Hertz(1'000'000'000));
    const std::int64_t bytes = pattern.pieces > 1 ? pattern.stride * pattern.pieces : pattern.piece;
    std::int64_t sent = 0;
    Picoseconds now;
    std::vector<std::int32_t> done;
    const auto send = [&] {
        if (sent < accesses) {
            const DramAccess access{DramId(std::size_t{0}), sent * bytes,   Bytes(pattern.piece),
                                    pattern.pieces,         pattern.stride, false};
            controller.submit(static_cast<std::int32_t>(sent % kUnderWay), 0, access, clock, now);
            ++sent;
        }
    };
    for (std::int64_t a = 0; a < kUnderWay; ++a) {
        send();
    }
    controller.settle(now);
    while (controller.next_time() != kNever) {
        now = controller.next_time();
        done.clear();
        controller.advance(now, done);
        for (std::size_t a = 0; a < done.size(); ++a) {
            send();
        }
        controller.settle(now);
    }
    return controller.outcome(now).bursts;
}

}  // namespace memwall::bench
