// SPDX-License-Identifier: Apache-2.0
// What an engine finds out about a program: counts and times, before they become energies and a
// result.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/identifiers.hpp"
#include "base/quantity.hpp"

namespace memwall {

/// The resource that a time is owed to.
enum class Bound { compute, vector, dram, buffer, interconnect, link, host, latency };
inline constexpr std::size_t kBoundCount = 8;
const char* name(Bound bound);

/// Which rounds (passes of a batch over the network) are counted: those from `warmup` to the last.
struct Window {
    std::int64_t warmup = 0;  ///< rounds left out at the start
};

/// One layer in the last round of the window.
struct LayerOutcome {
    Picoseconds start;  ///< since that round's first input byte
    Picoseconds end;
    Bound bound_by = Bound::latency;
    bool path_known = false;  ///< false in the analytic engine and where causes are switched off
    Picoseconds exposed;      ///< on the critical path without computing; only if path_known
    Picoseconds queued;  ///< waiting for resources that others held, summed over the layer's steps
    std::int64_t stalls = 0;  ///< steps of the whole window that began after their start_at
    Picoseconds stalled;      ///< by how much, summed
    /// By how much the scheduled steps of the window were ready before start_at, least of all.
    Picoseconds slack;
};

/// What a step that began late waited for last: its unit, busy with another step; data, or that
/// another layer or step begins or ends; room that another step frees.
enum class LateCause : std::uint8_t { unit, data, room };
inline constexpr std::array kLateCauses = {LateCause::unit, LateCause::data, LateCause::room};
const char* name(LateCause cause);

/// Steps of the window of one layer and unit that began after their start_at since they waited for
/// the same. Of none: of_layer, what loads before the first round.
struct LateSteps {
    LayerId layer;
    UnitId unit;
    LateCause cause = LateCause::unit;
    LayerId of_layer;  ///< whose step was waited for
    UnitId of_unit;    ///< on which that ran
    std::int64_t steps = 0;
    Picoseconds most;  ///< that one of them was late
    Picoseconds sum;
};

/// One declared component over the window.
struct ComponentOutcome {
    Picoseconds busy_max;  ///< of its busiest instance; initiation only, union of intervals
    Picoseconds busy_mean;
    Bytes peak;  ///< most bytes ever held (memories), reserved ones included
};

/// What a DRAM's controllers did over the whole replay, loading and rounds before the window too.
struct DramOutcome {
    std::int64_t bursts = 0;
    std::int64_t row_hits = 0;
    std::int64_t row_misses = 0;  ///< each one activation
    std::int64_t refreshes = 0;
};

struct Outcome {
    std::vector<std::int64_t> counts;  ///< by RowId, over the window
    std::vector<std::int64_t>
        load_counts;  ///< by RowId, of the loading phase (LayerId -1), outside the window
    std::vector<LayerOutcome> layers;
    std::vector<LateSteps> late;  ///< sums of steps over a layer: its `stalls`
    std::vector<ComponentOutcome> components;
    /// Time in the window with a step of layer l in service that acts on component c, at
    /// [l * components + c]; shares out static energy. Of several steps the first has the time.
    std::vector<Picoseconds> busy_by_layer;
    std::vector<Picoseconds> round_start;  ///< first input byte of each round
    std::vector<Picoseconds> round_end;    ///< last output byte of each round
    Picoseconds load_end;                  ///< the loading phase ends
    /// The end of the last round before the window; without one, the end of loading or the first
    /// step of round 0, whichever comes first (without loading: 0).
    Picoseconds window_start;
    Picoseconds window_end;
    Picoseconds end;  ///< of the whole replay
    std::vector<DramOutcome> drams;
    /// Rows that a DRAM opened for accesses of the window: of layer l and DRAM d at [l * drams +
    /// d].
    std::vector<std::int64_t> activations;
    std::vector<std::int64_t> load_activations;  ///< the same of the loading phase, by DRAM
    /// Of a program that leaves out equal blocks of layers: how much the last two blocks before
    /// those differed in time, as a share.
    std::optional<double> repetition_error;
    std::int64_t steps = 0;
    std::int64_t events = 0;  ///< timed notifications of the kernel; 0 in the analytic engine
};

}  // namespace memwall
