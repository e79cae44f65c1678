// SPDX-License-Identifier: Apache-2.0
// What the last round tells of each layer: its span, its waits, and what it would need of each
// resource alone.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arch/late_steps.hpp"
#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

class LayerTally {
public:
    LayerTally(const Program& program, const Machine& machine);

    /// A step of the last round starts at `now`.
    void started(const Step& step, Picoseconds now);
    void completed(LayerId layer, Picoseconds now);
    void queued(LayerId layer, Picoseconds time);
    /// When a scheduled step could have started, should have, and did.
    struct StartTimes {
        Picoseconds ready, scheduled, start;
    };
    /// A scheduled step of the window starts; `waited`: what let it.
    void scheduled(const Step& step, const StartTimes& times, const WaitedFor& waited);

    /// Fills all of the layers but what causes tell; `origin` is the last round's first input byte.
    void write(Outcome& outcome, Picoseconds origin) const;

    /// The kind of the resource that the layer needs longest, nothing else running.
    [[nodiscard]] Bound longest_need(std::size_t layer) const;

private:
    struct Span {
        Picoseconds start = Picoseconds(INT64_MAX);
        Picoseconds end;
        Picoseconds queued;
        std::int64_t stalls = 0;
        Picoseconds stalled;
        Picoseconds slack = Picoseconds(INT64_MAX);
        std::vector<Picoseconds> needs;  ///< by resource_place()
    };
    void need(const Step& step);

    const Program& program_;
    const Machine& machine_;
    std::vector<Span> spans_;
    LateTally late_;
};

}  // namespace memwall
