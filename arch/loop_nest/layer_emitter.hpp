// SPDX-License-Identifier: Apache-2.0
// The steps of one mapped layer: what goes down to the arrays, what is computed, and the way of
// sums and results up.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "arch/loop_nest/nest_emitter.hpp"
#include "arch/step_image.hpp"
#include "arch/tiling/ring.hpp"

namespace memwall {

/// A box whose words lie apart, some channels of every group, as boxes of one group each.
std::vector<Box> boxes_without_gaps(const Projection& projection, const Box& box);

class LayerEmitter {
public:
    LayerEmitter(NestEmitter& program, std::size_t position);
    void run();

private:
    /// Two levels between which tiles of an operand move step by step.
    struct Channel {
        std::size_t operand = 0;
        std::size_t parent = 0, child = 0;
        bool streams = false;    ///< past the innermost moved level: a share of it every step
        bool halo = false;       ///< only new words are moved: a share at every change
        std::int64_t moves = 0;  ///< in all
        std::int64_t done = 0;
        Ring ring;
        NestEmitter::Worker* worker = nullptr;  ///< that fills it, once it has
        TokenId back;                           ///< of an operand that is brought up to date
    };
    /// A level where results are summed up, from the innermost moved one outwards.
    struct Sums {
        std::size_t parent = 0, child = 0;
        TokenId free, loaded, full, drained;
        std::int64_t visits = 0;
        std::int64_t loads = 0;
        std::size_t begun = 0;        ///< the step in which the visit began: with all its instances
        bool reserved = false;        ///< the visit has its place
        bool waits_for_load = false;  ///< the visit goes on with what was there
        std::map<std::vector<std::int64_t>, std::int64_t> drain_of;  ///< by tile
        std::int64_t slots = 2;
    };

    void list_channels();
    void list_inner(const BoundaryTraffic& traffic);
    [[nodiscard]] double multiplied_density() const;
    void fetch(std::size_t step, Channel& channel);
    void load_sums(std::size_t step, std::size_t k);
    void compute(std::size_t step);
    void bring_back(std::size_t step);
    void finish(RoundStep& step) const;
    [[nodiscard]] std::int64_t find_instances_at_work() const;
    [[nodiscard]] Cycles computing_time(std::size_t step) const;
    void count_points(StepBody& body, std::int64_t points);
    [[nodiscard]] RoundStep ramp_up(std::size_t step, const NestEmitter::Worker& worker) const;
    void drain(std::size_t step, std::size_t k);
    void stream_sums_back(std::size_t step);
    void stream_results(std::size_t step);
    void wait_and_post_sums(std::size_t step, RoundStep& work);
    TokenId run_epilogues(const Box& tile, std::int64_t words, std::size_t level,
                          const RoundWait& ready);
    [[nodiscard]] std::vector<Flow> flows_up(std::size_t step, const Sums& sums) const;

    [[nodiscard]] bool starts(std::size_t step, std::size_t level, const Projection& of) const {
        return steps_.changes(step, level, of);
    }
    [[nodiscard]] bool ends(std::size_t step, std::size_t level, const Projection& of) const {
        return step + 1 == steps_.size() || steps_.changes(step + 1, level, of);
    }
    /// Whether a level's tile is at the beginning or at the end of what is summed over.
    [[nodiscard]] bool sums_begin(std::size_t step, std::size_t level) const;
    [[nodiscard]] bool sums_end(std::size_t step, std::size_t level) const;
    [[nodiscard]] bool first_in_visit(std::size_t step) const;
    [[nodiscard]] std::vector<std::int64_t> key(std::size_t step, std::size_t level) const;
    [[nodiscard]] std::int64_t arriving(std::size_t step, std::size_t level,
                                        const Projection& projection) const;
    [[nodiscard]] std::string at(std::size_t level) const;
    /// The i-th of n nearly equal parts of `total`.
    static std::int64_t share(std::int64_t total, std::int64_t i, std::int64_t n) {
        return total / n + (i < total % n ? 1 : 0);
    }
    void add_dram(StepBody& body, const Flow& flow, TensorId tensor, const Region& region,
                  bool write) const;
    void wait_for_layer_before(AgentId agent, RoundStep& step);
    void add_inner_counts(StepBody& body, std::size_t step);
    [[nodiscard]] Place place(std::size_t level, std::int64_t lane) const;
    [[nodiscard]] StepImage moved_image(std::size_t step, const Channel& channel) const;
    [[nodiscard]] StepImage computed_image(std::size_t step, bool begins, bool loaded) const;
    [[nodiscard]] StepImage sums_image(std::size_t step, std::size_t k, bool down, bool last) const;

    NestEmitter& out_;
    const MappedNest& mapped_;
    const Layer& root_;
    const IterationSpace& space_;
    std::size_t position_;
    NestSteps steps_;
    std::vector<Channel> channels_;
    std::vector<Sums> sums_;
    std::vector<Flow> inner_;       ///< of the whole layer
    PortLoads inner_loads_;         ///< of the whole layer, below the moved levels
    std::vector<AgentId> started_;  ///< agents that waited for the layer before
    std::size_t out_operand_;
    std::int64_t instances_at_work_;    ///< lanes of several instances that work at once
    TokenId brought_up_;                ///< by each step that computes, where state changes
    double density_;                    ///< share of the inputs that lanes multiply
    TokenId streamed_back_, computed_;  ///< where no moved level keeps the results
    NestEmitter::Worker* computes_ = nullptr;
    NestEmitter::Worker* streams_results_ = nullptr;
    NestEmitter::Worker* streams_sums_ = nullptr;
};

}  // namespace memwall
