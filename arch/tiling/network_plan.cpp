// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/network_plan.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "arch/tiling/layer_tiles.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "arch/tiling/residency.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// What a candidate of the search fixes for the whole network.
struct Candidate {
    std::int64_t weight_slot = 0;  ///< 0: all weights are resident
    std::int64_t stage = 0;        ///< 0: all activations are kept

    [[nodiscard]] std::int64_t tiles() const { return 2 * weight_slot + stage; }
};

DramPace pace(const DramConfig& dram, const ClockDomain& clock, double slowdown) {
    const auto hertz = static_cast<double>(clock.frequency().count());
    const auto cycles = [&](Picoseconds time) {
        return static_cast<double>(time.count()) * 1e-12 * hertz * slowdown;
    };
    return {&dram, dram.peak().count() / hertz / slowdown, cycles(dram.row_switch()),
            cycles(dram.turn_time())};
}

const Stack* stack_of(const std::vector<Stack>& stacks, std::size_t f) {
    const auto found = std::find_if(stacks.begin(), stacks.end(),
                                    [&](const Stack& stack) { return stack.contains(f); });
    return found == stacks.end() ? nullptr : &*found;
}

class Planner {
public:
    Planner(const Network& network, const Hierarchy& hierarchy, const ClockDomain& clock,
            PassPlanner& passes, const PlanAim& aim, std::vector<Stack> stacks)
        : network_(network),
          fused_(fuse_layers(network)),
          stacks_(std::move(stacks)),
          capacity_(aim.capacity.count()),
          starts_(aim.starts),
          dram_(pace(*hierarchy.dram_config, clock, aim.dram_slowdown)),
          given_(aim.given != nullptr ? *aim.given : GivenTilings{}),
          residency_(network, hierarchy, fused_, stacks_, given_),
          tiler_(network, fused_, dram_, passes, given_, aim.tiles, aim.passes),
          least_slot_(least_slot()) {
        for (const FusedLayer& fused : fused_) {
            const Layer& root = network.layer(fused.root);
            const Operand* weights = root.space.find(TensorRole::weights);
            const bool all = fused.weights.valid() && weights != nullptr &&
                             !weights->projection.gather;  // else what tiles draw
            weights_read_.push_back(
                all ? static_cast<double>(weight_bytes_read(network, fused, root.space.extents))
                    : 0);
        }
    }

    NetworkPlan run() {
        std::vector<std::int64_t> sizes = {0};
        for (std::int64_t size = 1; size <= capacity_; size *= 2) {
            sizes.push_back(size);
        }
        std::vector<std::int64_t> slots = sizes;
        if (const std::int64_t given = given_slot(); given > 0) {
            slots.push_back(given);
        }
        std::vector<Draft> drafts;
        for (const std::int64_t slot : slots) {
            for (const std::int64_t stage : sizes) {
                const bool coarse = slot != 0 && slot < least_slot_;
                const bool coarse_stage = stage != 0 && stage < capacity_ / 256;
                if (!coarse && !coarse_stage && 2 * slot + stage <= capacity_) {
                    draft({slot, stage}, drafts);
                }
            }
        }
        std::optional<NetworkPlan> best;
        const double most = first_guess(drafts);
        for (const Draft& draft : drafts) {
            consider(draft, most, best);
        }
        if (!best) {
            refuse();
        }
        best->fused = fused_;
        best->stacks = stacks_;
        return std::move(*best);
    }

private:
    /// Bytes of the largest tile of weights that is given by hand; 0: none is.
    [[nodiscard]] std::int64_t given_slot() const {
        std::int64_t most = 0;
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            const GivenTiling* given = given_.find(f);
            const Operand* weights = network_.layer(fused_[f].root).space.find(TensorRole::weights);
            if (given != nullptr && given->tile && weights != nullptr) {
                most = std::max(
                    most,
                    most_bytes(weights->projection, weights->precision, *given->tile).count());
            }
        }
        return most;
    }

    /// Slots so small that a plan would have more tiles than this are left out: what they leave
    /// room for is nothing beside so many weights.
    [[nodiscard]] std::int64_t least_slot() const {
        constexpr std::int64_t kMostWeightTiles = 8'192;
        return std::max(
            capacity_ / 256,
            std::min(network_.weight_bytes().count() / kMostWeightTiles, capacity_ / 4));
    }

    /// What stays in the buffer is decided, the layers are not planned.
    struct Draft {
        Candidate candidate;
        std::vector<bool> kept;      ///< by tensor
        std::vector<bool> resident;  ///< by fused layer
        double least_traffic = 0;    ///< bytes through the DRAM in any tiling
    };

    void draft(const Candidate& candidate, std::vector<Draft>& drafts) const {
        const std::int64_t room = capacity_ - candidate.tiles();
        KeptActivations kept =
            residency_.keep_activations(room, candidate.tiles(), candidate.stage == 0);
        if (kept.all == (candidate.stage != 0) || !kept.must) {
            return;  // a stage that nobody needs, or a need without a stage
        }
        Draft made{candidate, std::move(kept.tensors),
                   residency_.keep_weights(room - kept.most.count())};
        bool streams = false;
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            streams = streams || (fused_[f].weights.valid() && !made.resident[f] &&
                                  stack_of(stacks_, f) == nullptr);
            made.least_traffic += least_traffic(made, f);
        }
        if (streams == (candidate.weight_slot != 0) && keeps_weights(made) && keeps_given(made)) {
            drafts.push_back(std::move(made));
        }
    }

    /// Whether the weights of stacks that do not come with them stay.
    [[nodiscard]] bool keeps_weights(const Draft& draft) const {
        return std::all_of(stacks_.begin(), stacks_.end(), [&](const Stack& stack) {
            for (std::size_t f = stack.begin; f < stack.end; ++f) {
                const TensorId weights = fused_[f].weights;
                if (weights.valid() && !draft.resident[f] && !stack.held_of(weights)) {
                    return false;
                }
            }
            return true;
        });
    }

    /// Whether the weights stay that are to, by hand.
    [[nodiscard]] bool keeps_given(const Draft& draft) const {
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            const auto given = given_.stays.find(fused_[f].weights);
            if (given != given_.stays.end() && given->second != draft.resident[f]) {
                return false;
            }
        }
        return true;
    }

    /// A time that the best plan does not pass: that of the draft with the least traffic and the
    /// largest tiles, and a little, so that it decides nothing between equals.
    double first_guess(const std::vector<Draft>& drafts) {
        double most = std::numeric_limits<double>::infinity();
        const auto least = std::min_element(
            drafts.rbegin(), drafts.rend(),
            [](const Draft& a, const Draft& b) { return a.least_traffic < b.least_traffic; });
        NetworkPlan plan;
        if (drafts.size() > 1 && plan_layers(*least, most, plan)) {
            most = plan.cycles_per_item * (1 + 1e-6);
        }
        return most;
    }

    void consider(const Draft& draft, double most, std::optional<NetworkPlan>& best) {
        NetworkPlan plan;
        if (best) {
            most = std::min(most, best->cycles_per_item * (1 + 1e-9));
        }
        if (!plan_layers(draft, most, plan)) {
            return;
        }
        if (!best || is_better(plan, *best)) {
            best = std::move(plan);
        }
    }

    /// Faster; of those that are as fast, with less traffic; of those, with less that is exposed.
    [[nodiscard]] static bool is_better(const NetworkPlan& plan, const NetworkPlan& best) {
        if (plan.cycles_per_item < best.cycles_per_item * (1 - 1e-9)) {
            return true;
        }
        if (plan.cycles_per_item > best.cycles_per_item * (1 + 1e-9) ||
            plan.dram_bytes_per_item > best.dram_bytes_per_item) {
            return false;
        }
        return plan.dram_bytes_per_item < best.dram_bytes_per_item ||
               plan.exposed_cycles < best.exposed_cycles;
    }

    /// Bytes that a layer moves through the DRAM in any tiling: streaming weights, and its result
    /// where it is not kept.
    [[nodiscard]] double least_traffic(const Draft& draft, std::size_t f) const {
        const TensorId output = fused_[f].output;
        return (draft.resident[f] ? 0 : weights_read_[f]) +
               (draft.kept[output.position()]
                    ? 0
                    : static_cast<double>(network_.tensor_bytes(output).count()));
    }

    [[nodiscard]] Streams streams_of(const Draft& draft, std::size_t f) const {
        Streams streams;
        streams.weights = fused_[f].weights.valid() && !draft.resident[f];
        for (const TensorId input : fused_[f].inputs) {
            streams.inputs.push_back(!draft.kept[input.position()]);
        }
        for (const TensorId operand : fused_[f].operands) {
            streams.operands = streams.operands || !draft.kept[operand.position()];
        }
        streams.outputs = !draft.kept[fused_[f].output.position()];
        streams.weight_slot = draft.candidate.weight_slot;
        streams.stage = draft.candidate.stage;
        return streams;
    }

    /// What of a plan takes its time together: a layer, or all those of a stack.
    struct Together {
        double core = 0;   ///< cycles
        double dram = 0;   ///< cycles, weights left out
        double start = 0;  ///< cycles
    };

    /// False where a layer does not fit.
    bool plan_layer(const Draft& draft, std::size_t f, NetworkPlan& plan, std::int64_t& stage) {
        LayerTiling& layer = plan.layers[f];
        layer.weights_resident = draft.resident[f];
        const Streams streams = streams_of(draft, f);
        const Stack* stack = stack_of(stacks_, f);
        if (stack == nullptr) {
            return tiler_.plan(f, streams, layer);
        }
        const Extents whole = network_.layer(fused_[f].root).space.extents;
        const auto moving = tiler_.plan_restarting(f, streams, stack->tile(f, whole), layer);
        stage = f == stack->begin ? Residency::stage_of(*stack, draft.candidate.tiles()) : stage;
        stage -= moving.value_or(0);  // all layers of a stack share it
        return moving && stage >= 0;
    }

    /// False where a layer does not fit, or where they take longer than `most` cycles an item
    /// before the last is planned: times only add up.
    bool plan_layers(const Draft& draft, double most, NetworkPlan& plan) {
        plan.kept = draft.kept;
        plan.layers.resize(fused_.size());
        plan.weights_stream = draft.candidate.weight_slot != 0;
        const auto items = static_cast<double>(network_.batch());
        double cycles = 0;
        double total = 0;
        double dram = 0;
        double to_come = draft.least_traffic;
        std::int64_t stage = 0;
        Together together;
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            if (!plan_layer(draft, f, plan, stage)) {
                return false;
            }
            const LayerTiling& layer = plan.layers[f];
            together.core += layer.core_cycles;
            together.dram += layer.dram_cycles - layer.weight_bytes / dram_.bytes_per_cycle;
            together.start = std::max(together.start, layer.start_cycles);
            total += layer.dram_bytes + layer.weight_bytes;
            dram += layer.dram_cycles;
            plan.exposed_cycles += layer.exposed_cycles;
            to_come -= least_traffic(draft, f);
            const Stack* stack = stack_of(stacks_, f);
            if (stack == nullptr || f + 1 == stack->end) {
                cycles += std::max(together.core, together.dram) +
                          (starts_ == Starts::exposed ? together.start : 0);
                together = {};
            }
            plan.cycles_per_item = std::max(cycles, dram) / items;
            if (plan.cycles_per_item > most ||
                (dram + to_come / dram_.bytes_per_cycle) / items > most * (1 + 1e-9)) {
                return false;
            }
        }
        plan.dram_bytes_per_item = total / items;
        return true;
    }

    /// Says by how much the layer that needs most does not fit.
    [[noreturn]] void refuse() const {
        std::int64_t worst = -1;
        std::size_t at = 0;
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            const Layer& root = network_.layer(fused_[f].root);
            Extents least = root.space.extents;
            for (const Dim dim : {Dim::N, Dim::G, Dim::H, Dim::K, Dim::D, Dim::P, Dim::Q}) {
                least[index(dim)] = 1;
            }
            for (const Dim dim : kReductionDims) {  // where sums can stay beside the arrays
                least[index(dim)] = root.macs() > 0 ? 1 : least[index(dim)];
            }
            std::int64_t sum = 0;
            for (const Operand& operand : root.space.operands) {
                sum += 2 * most_bytes(operand.projection, operand.precision, least).count();
            }
            if (sum > worst) {
                worst = sum;
                at = f;
            }
        }
        const std::string where = "layer '" + network_.layer(fused_[at].root).name + "'";
        throw InputError(worst > capacity_
                             ? where + " does not fit the global buffer: its smallest tile takes " +
                                   format_bytes(Bytes(worst)) + ", " +
                                   format_bytes(Bytes(worst - capacity_)) + " more than there is"
                             : "network '" + network_.name() +
                                   "' does not fit the buffers of the cores in any tiling");
    }

    const Network& network_;
    std::vector<FusedLayer> fused_;
    std::vector<Stack> stacks_;
    std::int64_t capacity_;
    Starts starts_;
    DramPace dram_;
    GivenTilings given_;
    Residency residency_;
    LayerTiler tiler_;
    std::int64_t least_slot_;
    std::vector<double> weights_read_;  ///< by fused layer: bytes that a round reads
};

}  // namespace

const Stack* NetworkPlan::stack_of(std::size_t f) const {
    return memwall::stack_of(stacks, f);
}

Bytes NetworkPlan::held(const Network& network, TensorId tensor) const {
    for (const Stack& stack : stacks) {
        if (const auto part = stack.held_of(tensor)) {
            return *part;
        }
    }
    return network.tensor_bytes(tensor);
}

NetworkPlan plan_network(const Network& network, const Hierarchy& hierarchy,
                         const ClockDomain& clock, PassPlanner& planner, const PlanAim& aim,
                         std::vector<Stack> stacks) {
    return Planner(network, hierarchy, clock, planner, aim, std::move(stacks)).run();
}

}  // namespace memwall
