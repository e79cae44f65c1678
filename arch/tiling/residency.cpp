// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/residency.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>

namespace memwall {

Residency::Residency(const Network& network, const Hierarchy& hierarchy,
                     const std::vector<FusedLayer>& fused, const std::vector<Stack>& stacks,
                     const GivenTilings& given)
    : network_(network),
      hierarchy_(hierarchy),
      fused_(fused),
      stacks_(stacks),
      given_(given.stays),
      outputs_(network.output_storage()) {
    const std::size_t tensors = network_.tensors().size();
    first_.assign(tensors, kNever);
    last_.assign(tensors, 0);
    readers_.assign(tensors, 0);
    const auto touch = [&](TensorId tensor, std::size_t at) {
        const std::size_t t = tensor.position();
        first_[t] = first_[t] == kNever ? at : std::min(first_[t], at);
        last_[t] = std::max(last_[t], at);
    };
    for (std::size_t f = 0; f < fused_.size(); ++f) {
        for (const TensorId input : fused_[f].inputs) {
            touch(input, f);
            ++readers_[input.position()];
        }
        for (const TensorId operand : fused_[f].operands) {
            touch(operand, f);
            ++readers_[operand.position()];
        }
        touch(fused_[f].output, f);
    }
    find_activations();
    weights_ = by_reading();
}

bool Residency::is_edge(TensorId tensor) const {
    const Tensor& of = network_.tensor(tensor);
    const bool leaves = readers_[tensor.position()] == 0 || outputs_[tensor.position()];
    return of.kind == TensorKind::input || (leaves && !of.persists());
}

/// Tensors that are activations, those first whose keeping saves most for each byte and step.
std::vector<std::size_t> Residency::by_density() const {
    std::vector<std::size_t> order;
    for (std::size_t t = 0; t < first_.size(); ++t) {
        if (first_[t] != kNever) {
            order.push_back(t);
        }
    }
    const auto density = [&](std::size_t t) {
        const auto steps = static_cast<double>(last_[t] - first_[t] + 1);
        return (1.0 + static_cast<double>(readers_[t])) / steps;
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return density(a) > density(b); });
    return order;
}

/// In a stack all layers run at once.
Lifetime Residency::life(std::size_t tensor) const {
    Lifetime life{first_[tensor], last_[tensor], network_.tensor_bytes(TensorId(tensor))};
    for (const Stack& stack : stacks_) {
        if (stack.contains(life.first)) {
            life.first = stack.begin;
        }
        if (stack.contains(life.last)) {
            life.last = stack.end - 1;
        }
    }
    return life;
}

std::optional<bool> Residency::given(TensorId tensor) const {
    const auto found = given_.find(tensor);
    return found == given_.end() ? std::nullopt : std::optional(found->second);
}

void Residency::find_activations() {
    for (const std::size_t t : by_density()) {
        const TensorId tensor(t);
        const auto holds = [&](const Stack& stack) { return stack.held_of(tensor).has_value(); };
        if (std::any_of(stacks_.begin(), stacks_.end(), holds)) {
            continue;
        }
        // The network's inputs and outputs cross its edge while other rounds run: two slots,
        // always.
        const bool edge = is_edge(tensor);
        if (network_.tensor(tensor).persists() || (edge && !hierarchy_.host.valid()) ||
            given(tensor) == false) {
            all_may_stay_ = false;
        } else if (edge) {
            activations_.push_back({t, {0, fused_.size() - 1, network_.tensor_bytes(tensor) * 2}});
        } else {
            activations_.push_back({t, life(t)});
        }
    }
    std::stable_partition(activations_.begin(), activations_.end(),
                          [&](const Activation& of) { return given(TensorId(of.tensor)) == true; });
}

// MODEL: a stack takes the room of other layers' tiles, which neither come nor go while it runs.
std::int64_t Residency::stage_of(const Stack& stack, std::int64_t tiles) {
    return std::max(tiles - stack.held_bytes().count(), stack.moving.count());
}

KeptActivations Residency::keep_activations(std::int64_t room, std::int64_t tiles,
                                            bool must_keep_all) const {
    KeptActivations kept;
    kept.all = all_may_stay_;
    kept.tensors.assign(network_.tensors().size(), false);
    std::vector<Bytes> live(fused_.size());
    const auto keep = [&](const Lifetime& life) {
        Bytes most;
        for (std::size_t s = life.first; s <= life.last; ++s) {
            most = std::max(most, live[s] + life.bytes);
        }
        if (most.count() > room) {
            return false;
        }
        kept.most = std::max(kept.most, most);
        for (std::size_t s = life.first; s <= life.last; ++s) {
            live[s] += life.bytes;
        }
        return true;
    };
    for (const Stack& stack : stacks_) {
        const std::int64_t all = stack.held_bytes().count() + stage_of(stack, tiles);
        kept.must = kept.must && keep({stack.begin, stack.end - 1,
                                       Bytes(std::max<std::int64_t>(all - tiles, 0))});
        for (const auto& [tensor, bytes] : stack.held) {
            kept.tensors[tensor.position()] = true;
        }
    }
    for (const auto& [tensor, life] : activations_) {
        if (keep(life)) {
            kept.tensors[tensor] = true;
            continue;
        }
        kept.all = false;
        kept.must = kept.must && given(TensorId(tensor)) != true;
        if (must_keep_all) {
            break;
        }
    }
    return kept;
}

/// Fused layers that have weights, those of which a round reads the largest share first, then those
/// with the least time for reading.
std::vector<std::size_t> Residency::by_reading() const {
    std::vector<std::size_t> order;
    std::vector<std::pair<double, double>> worth(fused_.size());
    for (std::size_t f = 0; f < fused_.size(); ++f) {
        if (fused_[f].weights.valid()) {
            const Layer& root = network_.layer(fused_[f].root);
            const bool stacked = std::any_of(stacks_.begin(), stacks_.end(),
                                             [&](const Stack& of) { return of.contains(f); });
            const auto read =
                static_cast<double>(weight_bytes_read(network_, fused_[f], root.space.extents));
            const auto bytes =
                static_cast<double>(network_.tensor_bytes(fused_[f].weights).count());
            worth[f] = {stacked ? -std::numeric_limits<double>::infinity() : -read / bytes,
                        static_cast<double>(root.macs()) / read};
            order.push_back(f);
        }
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return worth[a] < worth[b]; });
    return order;
}

// MODEL: a training step changes its weights and its state: they are read from the DRAM where
// they are used, and go back there.
std::vector<bool> Residency::keep_weights(std::int64_t room) const {
    room = network_.trains() ? -1 : room;
    std::vector<std::size_t> order = weights_;
    std::stable_partition(order.begin(), order.end(),
                          [&](std::size_t f) { return given(fused_[f].weights) == true; });
    enum class Fate : std::uint8_t { open, streams, stays };
    std::vector<Fate> fates(network_.tensors().size());  // several layers may share one tensor
    std::vector<bool> resident(fused_.size(), false);
    for (const std::size_t f : order) {
        const auto comes = [&](const Stack& stack) {
            return stack.contains(f) && stack.held_of(fused_[f].weights);
        };
        if (std::any_of(stacks_.begin(), stacks_.end(), comes)) {
            continue;
        }
        const std::int64_t bytes = network_.tensor_bytes(fused_[f].weights).count();
        Fate& fate = fates[fused_[f].weights.position()];
        if (fate == Fate::open) {
            fate = bytes <= room && given(fused_[f].weights) != false ? Fate::stays : Fate::streams;
            room -= fate == Fate::stays ? bytes : 0;
        }
        resident[f] = fate == Fate::stays;
    }
    return resident;
}

}  // namespace memwall
