// SPDX-License-Identifier: Apache-2.0
// The result of runs, schema memwall.result/1, as plain structs: docs/result.md explains every
// field.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arch/action.hpp"
#include "arch/outcome.hpp"
#include "base/quantity.hpp"
#include "sim/ledger.hpp"
#include "sim/scenario.hpp"

namespace memwall {

inline constexpr const char* kResultSchema = "memwall.result/1";
/// Changes whenever the same input may give other numbers.
inline constexpr const char* kModelVersion = "18";

inline constexpr std::array<EnergyKind, 4> kEnergyKinds = {
    EnergyKind::arithmetic, EnergyKind::data_movement, EnergyKind::control,
    EnergyKind::static_energy};
inline constexpr std::array<Status, 4> kStatuses = {Status::published, Status::derived,
                                                    Status::assumed, Status::calibrated};

using EnergyByKind = std::array<Joules, kEnergyKinds.size()>;  ///< in the order of kEnergyKinds
using EnergyByStatus = std::array<Joules, kStatuses.size()>;   ///< in the order of kStatuses
using OperationCounts = std::array<std::int64_t, 6>;           ///< from Action::mac to vector

/// Seconds from an item's first input byte to its last output byte; between two tokens of one user
/// where a language model decodes.
struct Latency {
    Seconds mean;
    std::optional<Seconds> p50, p99, most;  ///< only where items differ
};

/// What the machine would do if the outermost memory saw no more than any schedule must move.
struct AtLowerBound {
    Seconds seconds;  ///< of the window
    Joules energy;
    Bytes bytes;  ///< at the outermost memory
};

/// The clock that a machine's power cap leads to.
struct ClockUnderCap {
    Watts cap;
    Hertz clock;
    Hertz own_clock;    ///< the machine's, which it would have without the cap
    bool holds = true;  ///< whether the steady power stays within the cap
};

/// How cards of a stage add up their partial sums.
struct StageExchange {
    std::int64_t all_reduces = 0;  ///< one after another
    Seconds way;                   ///< of the stage's latency, for what goes together
    Bytes sent;                    ///< by all of its cards, in a round of all users
};

/// How the interval of a stage divides, of cards whose memory lies beside their cores.
struct StageSplit {
    Seconds
        weights;   ///< read at the width of all core memories, or computed with if that is longer
    Seconds sums;  ///< what matrices take beside: partial sums and vectors on their way
    Seconds attention;  ///< products with keys and values
    Seconds norms;      ///< with softmax
    Seconds others;     ///< elementwise layers and the host link
    Seconds exchange;   ///< overheads of exchanges, or the link to another server where that waits
};

/// A part of the network on one of several cards.
struct StageResult {
    std::string first, last;  ///< layers
    std::int64_t cards = 1;   ///< that do equal parts of it at once
    Seconds interval;         ///< between the users' tokens, by what it computes and moves; with
                              ///< the overheads of its exchanges
    Seconds latency;          ///< of one alone, in and out of the card
    Bytes held;               ///< in the fullest card
    std::int64_t most_users = 0;  ///< whose caches fit
    /// What the way to the next stage, or back to the first, takes beside the hop where it leads
    /// from server to server; none: both are in one server, or no link between servers is said.
    std::optional<Seconds> between_servers{};
    std::optional<Seconds> over_link{};       ///< the same over a link between cards
    std::optional<StageExchange> exchange{};  ///< where its cards share matrices
    std::optional<StageSplit> split{};        ///< of the interval

    /// From its end to the next stage, beside the hop.
    [[nodiscard]] Seconds way() const {
        return between_servers.value_or(over_link.value_or(Seconds(0)));
    }
};

/// What limits a pipeline of cards.
struct PipelineResult {
    std::int64_t cards = 0;      ///< of the machine; those without a stage draw their power too
    std::int64_t instances = 1;  ///< of the model, on equal parts of the cards; the stages of one
    std::vector<StageResult> stages;
    Seconds round_trip;         ///< of one token alone, hops and overheads included
    Seconds hop;                ///< what is added between two cards
    Seconds overhead;           ///< added to each stage's interval and latency: CardsConfig
    bool by_round_trip = true;  ///< else the slowest stage limits
    Watts static_power;         ///< of all cards: leakage and clock trees
    Watts dynamic_power;        ///< the rest
    [[nodiscard]] Seconds slowest() const;  ///< interval
    /// From one group to the next in the slowest stage.
    [[nodiscard]] Seconds turn() const { return slowest() + overhead; }
    [[nodiscard]] std::int64_t most_users() const;
};

/// A steady stream, by what goes through the machine together: a frame, a batch or a part of one.
struct StreamResult {
    Seconds fill;      ///< from the first input byte of the first one to its last output byte
    Seconds interval;  ///< from end to end, in the mean over the window
    Seconds drain;     ///< from the first input byte of the last one to its last output byte
};

/// What cards exchange that have a part of every layer each.
struct TensorParallelResult {
    std::int64_t cards = 0;
    Seconds collectives;                 ///< of the window
    Bytes sent;                          ///< by all cards in the window
    std::int64_t most_users = 0;         ///< that memory has room for; 0: there are no caches
    std::vector<std::string> undivided;  ///< layers with MACs that every card does whole
    std::vector<std::string> copied;     ///< those of which several cards do the same part
};

/// What the servers around the cards draw, beside all other figures of a result.
struct ServerResult {
    double servers = 0;  ///< in which the cards are, by their shares of them
    Watts host, fans, network;
    Watts power;                  ///< with the cards
    Watts power_low, power_high;  ///< by the intervals of both
    Joules energy_per_item;       ///< with the cards
};

struct Totals {
    Seconds seconds;  ///< the whole replay
    Cycles cycles;    ///< the same, of `clock`
    std::string clock;
    Latency latency;
    std::optional<StreamResult> stream;  ///< of the phase stream, but on pipelines of cards
    std::optional<Seconds> first_token;  ///< of a prefill: until the prompts are read
    double throughput = 0;               ///< items a second
    std::string item;                    ///< "frame", "token" or "prompt_token"
    Watts power;
    std::string power_scope;
    std::optional<ClockUnderCap> power_cap;  ///< of machines that have one
    std::optional<ServerResult> server;      ///< of machines that say what is around them
    Joules energy, energy_low, energy_high;
    EnergyByKind by_kind{};
    EnergyByStatus by_status{};
    Seconds window;
    std::int64_t items = 0;
    std::int64_t items_together = 1;  ///< the batch, or the equal parts that it runs in
    Joules energy_per_item;
    std::int64_t macs = 0;
    OperationCounts operations{};
    double utilization = 0;
    std::optional<double> arithmetic_intensity;  ///< MACs a byte over the chip's edge
    std::vector<std::pair<std::string, Bytes>> peak_memory;
    std::optional<SquareMillimetres> area;
    Seconds load_seconds;
    Joules load_energy;
    AtLowerBound at_lower_bound;
    std::optional<PipelineResult> pipeline;               ///< of machines with several cards
    std::optional<TensorParallelResult> tensor_parallel;  ///< of others with several cards
    std::optional<TrainingMemory> training;  ///< of a training step: what it needs, by kind
    std::int64_t stalls = 0;                 ///< scheduled steps that began late
    std::int64_t steps = 0;
    std::int64_t events = 0;
};

struct TensorTraffic {
    TensorRole tensor = TensorRole::weights;
    Bytes read, write;
};

struct MemoryTraffic {
    std::string memory;
    std::vector<TensorTraffic> tensors;
};

/// Scheduled steps of a layer that began late since they waited for the same.
struct LateResult {
    std::string unit;  ///< that they run on: a network on the chip, its arrays
    std::int64_t steps = 0;
    Seconds most;  ///< that one of them was late
    Seconds sum;
    LateCause cause = LateCause::unit;    ///< what they waited for last
    std::optional<std::size_t> of_layer;  ///< whose step that was, by position; none: loading
    std::string of_unit;                  ///< that this ran on
};

/// A layer over the window. The last one, and of a cold start the one before it, has no layer: op
/// "none", names "(idle)" and "(load)".
struct LayerResult {
    std::string name;
    std::string op;
    std::int64_t macs = 0;
    Seconds start, end;  ///< in the last batch, from its first input byte
    Seconds adds;        ///< to the batch: from the latest end before its own, to its own
    Seconds shifting;    ///< weights into a systolic array, a round; in no result file
    Seconds computing;   ///< of its arrays, a round, filling them included; in no result file
    std::optional<Bound> bound_by;
    double utilization = 0;
    std::optional<Seconds> exposed;
    Seconds queued;
    std::int64_t stalls = 0;
    std::vector<LateResult> late;  ///< their steps add up to `stalls`
    Joules energy;
    EnergyByKind by_kind{};
    std::vector<MemoryTraffic> traffic;
    std::optional<std::pair<std::string, Bytes>> lower_bound;  ///< memory and bytes
    bool bound_applies = false;
    std::string mapping;                    ///< how it was mapped, in words
    std::optional<std::size_t> fused_with;  ///< the layer that it runs at the end of, by position
};

/// Rows of the ledger with the same action, tensor and precision at one component.
struct ActionResult {
    std::string action;
    std::optional<TensorRole> tensor;
    std::optional<Precision> precision;
    std::string unit;
    std::int64_t count = 0;
    double seconds = 0;
    Joules energy;
    EnergyKind kind = EnergyKind::static_energy;
    Status status = Status::assumed;
};

struct ComponentResult {
    std::string name;
    std::string kind;
    std::int64_t instances = 1;
    std::optional<Bytes> capacity;  ///< of a memory, all instances together
    Seconds busy_max, busy_mean;
    Joules energy;
    std::vector<ActionResult> actions;
};

/// A DRAM whose stated bandwidth is more than a quarter off that of its type.
struct DramRate {
    std::string dram;
    BytesPerSecond stated;
    BytesPerSecond own;  ///< of as many channels at the type's clock
};

struct RunResult {
    std::string machine;
    std::string network;
    std::string engine;  ///< "analytic" or "systemc"
    std::string precision;
    std::vector<std::string> kept_precision;  ///< layers that the policy leaves alone
    /// Layers with pruned weights whose zeros the machine stores and multiplies like other words.
    std::vector<std::string> dense_pruned_layers;
    /// Of pruned weights the zeros that the machine passes over: "2:4"; "": none.
    std::string sparse_support;
    /// Precisions that the array has no lanes of, and the wider ones in use: "int4 at int8".
    std::vector<std::string> wider_lanes;
    /// Of a training step: precisions of the network that layers cannot be trained in, and those in
    /// use instead: "int8 at bf16".
    std::vector<std::string> trained_at;
    std::vector<DramRate> dram_rates;
    std::vector<std::string> overrides;  ///< of this run alone
    Scenario scenario;
    Totals totals;
    std::vector<LayerResult> layers;
    std::vector<ComponentResult> components;
    std::vector<LedgerRow> ledger;
};

struct InputFile {
    std::string path;  ///< relative to its configs folder, else the bare file name
    std::string sha256;
};

/// What a result was made from; nothing of where or when.
struct ResultProvenance {
    std::string version;
    std::string model_version = kModelVersion;
    std::vector<InputFile> inputs;
    std::vector<std::string> overrides;
    std::int64_t seed = 0;
    std::string mapper_effort;
    /// Mappings that were looked at when an interrupt cut the search short; nothing: none did.
    std::optional<std::int64_t> search_cut_after{};
};

struct Result {
    ResultProvenance provenance;
    std::vector<RunResult> runs;
    std::vector<std::string> findings;  ///< of comparisons: what was found, a sentence each
};

}  // namespace memwall
