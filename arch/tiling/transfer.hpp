// SPDX-License-Identifier: Apache-2.0
// The moves of a memory hierarchy: bytes, links, DRAM accesses and counters of each kind of
// transfer.
#pragma once

#include "arch/placement.hpp"
#include "arch/program_builder.hpp"
#include "arch/step_image.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/scheduled_cache.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A part of a tensor on its way, and whose counters it adds to.
struct Cargo {
    TensorId tensor;  ///< as the layer sees it
    Region region;
    Bytes bytes;
    LayerId layer;
    TensorRole role = TensorRole::inputs;
    Precision precision = Precision::int8;
    std::int64_t drawn = 0;  ///< rows of a gather, scattered over the table; 0: no gather
};

/// What the cores get of a cargo.
struct Delivery {
    Bytes all;   ///< of all cores together
    Bytes most;  ///< of the core that gets most
};

class Transfers {
public:
    /// `addresses`: whether accesses to the DRAM say where; else they are alike more often.
    /// `cache`: before the DRAM; nullptr where there is none.
    Transfers(const Network& network, const Hierarchy& hierarchy, ProgramBuilder& builder,
              bool addresses, ScheduledCache* cache);

    /// Gives tensors that lie in the DRAM all the time their addresses.
    void place_in_dram(const std::vector<TensorId>& tensors);
    /// The same for tensors that live from step to step: those that do not meet share a place.
    /// Returns the bytes that all of them take.
    Bytes place_in_dram(const std::vector<TensorId>& tensors,
                        const std::vector<Lifetime>& lifetimes);
    /// Throws InputError where all that was placed does not fit, with the bytes that are missing.
    void check_fits() const;

    /// From the DRAM to the global buffer, past the cache: before the first round.
    StepBody load(const Cargo& cargo, UnitId unit) const;
    /// Between the DRAM, or the cache before it, and the global buffer: sets what a step does.
    void fetch(RoundStep& step, const Cargo& cargo, UnitId unit);
    void store(RoundStep& step, const Cargo& cargo, UnitId unit);
    /// From the global buffer to the cores.
    StepBody feed(const Cargo& cargo, const Delivery& delivered, UnitId unit) const;
    /// From the cores to the global buffer.
    StepBody drain(const Cargo& cargo, Bytes sums_read, Precision accumulator, UnitId unit) const;
    /// Partial sums from core to core until one has them all.
    StepBody reduce(const Cargo& cargo, std::int64_t additions, UnitId unit) const;
    /// Over the host link into the DRAM, past the cache: before the first round.
    StepBody receive_weights(const Cargo& cargo, UnitId unit) const;
    /// Over the host link, to or from `memory`: the global buffer or the DRAM, through the cache
    /// before it. Sets what a step does.
    void receive(RoundStep& step, const Cargo& cargo, ComponentId memory, UnitId unit);
    void send(RoundStep& step, const Cargo& cargo, ComponentId memory, UnitId unit);

    /// Where a part of a tensor lies in the DRAM.
    [[nodiscard]] DramAccess access(const Cargo& cargo) const;
    [[nodiscard]] static Place place(ComponentId memory) { return {memory, -1}; }

private:
    [[nodiscard]] DramAccess dram_access(const Cargo& cargo, bool write) const;
    [[nodiscard]] DramAccess dram_access(const CacheSpill& spill, bool write) const;
    [[nodiscard]] Bytes bytes_read(const Cargo& cargo) const;
    [[nodiscard]] ComponentId outer(bool cached) const;
    ScheduledCache::Access look_up(const Cargo& cargo, bool write);
    template <class Make>
    void set_bodies(RoundStep& step, const Cargo& cargo, bool write, const Make& make);
    StepBody fetch_body(const Cargo& cargo, UnitId unit, const DramSide* side) const;
    StepBody store_body(const Cargo& cargo, UnitId unit, const DramSide* side) const;
    StepBody receive_body(const Cargo& cargo, ComponentId memory, UnitId unit,
                          const DramSide* side) const;
    StepBody send_body(const Cargo& cargo, ComponentId memory, UnitId unit,
                       const DramSide* side) const;
    void read_outer(Move& move, StepBody& body, const Cargo& cargo, const DramSide* side) const;
    void write_outer(Move& move, StepBody& body, const Cargo& cargo, const DramSide* side) const;
    void write_back(Move& move, StepBody& body, const Cargo& cargo, const DramSide& side) const;
    void cross_bus(Move& move, StepBody& body, const Cargo& cargo) const;
    void add_link(Move& move, LinkId link, Bytes bytes) const;
    void count(StepBody& body, const Cargo& cargo, ComponentId component, Action action,
               Bytes bytes) const;
    [[nodiscard]] Cycles host_latency() const;

    const Network& network_;
    const Machine& machine_;
    const Hierarchy& hierarchy_;
    ProgramBuilder& builder_;
    bool addresses_;
    ScheduledCache* cache_;
    std::vector<std::int64_t> address_;  ///< by tensor
    Allocator dram_;
};

}  // namespace memwall
