// SPDX-License-Identifier: Apache-2.0
// What a mapper hands to an engine: steps done by agents, ordered by tokens. The only language
// between arch and sim.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "arch/action.hpp"
#include "arch/identifiers.hpp"
#include "base/quantity.hpp"

namespace memwall {

/// A list that mostly has no more than `Usual` entries, which then lie in it.
template <class Entry, std::size_t Usual>
using ShortList = boost::container::small_vector<Entry, Usual>;

class StepLoops;   // arch/step_loops.hpp: turns that a source repeats
struct StepImage;  // arch/step_image.hpp: the numbers a step moves or computes, for the executor

/// How often a step adds to one counter, summed over the lanes of its group.
struct ActionCount {
    RowId row;
    std::int64_t count = 0;

    friend bool operator==(const ActionCount&, const ActionCount&) = default;
};

/// A change of what a memory holds: `reserved` bytes when the step starts, `released` when it
/// completes.
struct OccupancyChange {
    ComponentId memory;
    std::int64_t reserved = 0;
    std::int64_t released = 0;

    friend bool operator==(const OccupancyChange&, const OccupancyChange&) = default;
};

/// The bytes that a move puts on one link. A multicast or reduction tree names each of its links
/// once.
struct LinkUse {
    LinkId link;
    Bytes bytes;

    friend bool operator==(const LinkUse&, const LinkUse&) = default;
};

/// The part of a move that a DRAM serves: `pieces` runs of `piece` bytes, `stride` apart, or each
/// in a row of a table that data choose (piece_address()).
struct DramAccess {
    DramId dram;
    std::int64_t address = 0;
    Bytes piece;
    std::int64_t pieces = 1;
    std::int64_t stride = 0;
    bool write = false;
    std::int64_t table = 0;  ///< rows, `stride` apart, of which each piece draws one; 0: in turn
    std::int64_t draw = 0;   ///< the number of the first draw

    friend bool operator==(const DramAccess&, const DramAccess&) = default;
};

enum class Combine { none, sum, max, concat };
enum class MoveMode { write, accumulate };
enum class MovePattern { dense, strided, gather };

/// Bytes from memories to memories: one flow over all of `links` at once, beside what DRAM does.
struct Move {
    ShortList<ComponentId, 2> sources;
    ShortList<ComponentId, 2> destinations;
    Combine combine = Combine::none;
    MoveMode mode = MoveMode::write;
    MovePattern pattern = MovePattern::dense;
    Bytes delivered;             ///< at all destinations, stored (encoded) bytes
    std::vector<LinkUse> links;  ///< may be empty: then it takes `occupies`
    ShortList<DramAccess, 1> dram;
    Cycles occupies;  ///< the least time that its unit is taken (set-up, issue)
    Cycles latency;   ///< from the last byte sent to the last byte there: hops, pipeline

    friend bool operator==(const Move&, const Move&) = default;
};

/// A box of a layer's iteration space on a group of identical lanes.
struct Compute {
    Cycles occupies;        ///< of the slowest lane: initiation, without the pipeline's depth
    Cycles latency;         ///< the pipeline's depth
    Cycles lanes_occupied;  ///< summed over the lanes

    friend bool operator==(const Compute&, const Compute&) = default;
};

/// Whether a step crosses the network's own edge: the first byte of an input, the last of an
/// output.
enum class NetworkEdge : std::uint8_t { none, input, output };

/// What a step does, shared by all steps that do the same. Counts are sums over the lanes, times
/// are the slowest lane's.
struct StepBody {
    std::variant<Move, Compute> what;
    UnitId unit;  ///< whose server it takes
    /// A round begins with the start of its first `input` step and ends with the completion of its
    /// last `output` step; a program without such steps: with its first and last step.
    NetworkEdge edge = NetworkEdge::none;
    std::vector<ActionCount> actions;
    ShortList<OccupancyChange, 1> occupancy;
    std::shared_ptr<const StepImage> image;  ///< null in grouped programs

    friend bool operator==(const StepBody&, const StepBody&) = default;
};

/// Wait until `token` has been posted `count` times in all. Tokens only ever grow.
struct TokenWait {
    TokenId token;
    std::int64_t count = 0;
};

enum class PostAt { start, end };

struct TokenPost {
    TokenId token;
    std::int64_t count = 1;
    PostAt at = PostAt::end;
};

/// One doing of a body, for one item, in its place in the order. Starts at the latest of
/// `start_at`, its tokens and its unit; frees its unit when its service ends; completes, and posts,
/// `latency` later.
struct Step {
    const StepBody* body = nullptr;  ///< owned by the source, valid as long as that
    LayerId layer;  ///< none: the step loads what stays, before or beside the first round
    /// The pass over the network (the round) that it works for, counted from 0.
    std::int64_t item = 0;
    std::vector<TokenWait> waits;
    std::vector<TokenPost> posts;
    /// Static schedules: the start in cycles of the program's clock after `epoch` was posted its
    /// `epoch_count`-th time. A later start is a stall. Negative: not scheduled.
    Cycles start_at = Cycles(-1);
    TokenId epoch;
    std::int64_t epoch_count = 0;
};

/// What an agent does next.
struct Next {
    enum class Kind { step, wait_until, wait_for, done };
    Kind kind = Kind::done;
    Step step;          ///< for step; its vectors are reused from call to call
    Picoseconds until;  ///< for wait_until
    TokenWait token;    ///< for wait_for
};

/// Where steps come from: plain C++, its own seeded randomness, no SystemC; the only place where
/// what happens next may depend on time.
class StepSource {
public:
    virtual ~StepSource() = default;
    /// Called when `agent` may go on: at the start, when its unit's service of the last step ended,
    /// or when what it waited for has come. Fills `next` (cleared by the callee).
    virtual void next(AgentId agent, Picoseconds now, Next& next) = 0;
    /// Called when a step has completed, before its tokens are posted.
    virtual void completed(AgentId /*agent*/, const Step& /*step*/, Picoseconds /*now*/) {}
    /// What it does again and again, where that depends on nothing but tokens; then a step may be
    /// asked for while the one before is served. nullptr: unknown.
    virtual StepLoops* loops() { return nullptr; }
};

/// One or many identical lanes that do the same on disjoint regions, one step at a time.
struct Agent {
    std::string name;
    int priority = 0;  ///< in one instant the lower goes first
    std::int64_t lanes = 1;
};

/// What serves steps one after another: the lanes of a component as a group, or one lane.
struct Unit {
    std::string name;
    ComponentId component;
    std::int64_t lane = -1;    ///< -1: all its instances together
    std::int64_t servers = 1;  ///< how many steps at once
};

/// What a program does to the outermost memory and keeps, so that results can be checked against
/// bounds.
struct LayerPromise {
    std::int64_t macs_per_item = 0;
    bool bound_applies = false;  ///< nothing of the layer is kept across its ends
};

/// Blocks of layers that a program leaves out, since they do what the block before them does.
struct Repetition {
    std::size_t first = 0;   ///< layer that begins the block that stands for those left out
    std::size_t layers = 0;  ///< of a block; as many after it, `left_out` times, are left out
    std::int64_t left_out = 0;
};

/// A mapped network. The engine makes one source a run.
struct Program {
    std::vector<Agent> agents;
    std::vector<Unit> units;
    std::vector<std::string> tokens;  ///< names, for messages
    std::vector<TokenId>
        room_tokens;  ///< whose posts say that room is free, not that data is there
    ActionTable actions;
    std::vector<OccupancyChange> resident;  ///< reserved for the whole run
    std::vector<LayerPromise> layers;
    ClockId clock;                     ///< of `start_at`
    std::int64_t items_per_round = 1;  ///< items that one pass over the network yields (the batch)
    std::int64_t rounds = 1;
    std::optional<Repetition> repetition;  ///< only where MapperOptions::repetition allows it
    std::function<std::unique_ptr<StepSource>()> make_source;
};

}  // namespace memwall
