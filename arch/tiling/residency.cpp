// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/residency.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>

namespace memwall {

Residency::Residency(const Network& network, const Hierarchy& hierarchy,
                     const std::vector<FusedLayer>& fused)
    : network_(network), hierarchy_(hierarchy), fused_(fused), outputs_(network.output_storage()) {
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

void Residency::find_activations() {
    for (const std::size_t t : by_density()) {
        const TensorId tensor(t);
        // The network's inputs and outputs cross its edge while other rounds run: two slots,
        // always.
        const bool edge = is_edge(tensor);
        if (network_.tensor(tensor).persists() || (edge && !hierarchy_.host.valid())) {
            all_may_stay_ = false;
        } else if (edge) {
            activations_.push_back({t, {0, fused_.size() - 1, network_.tensor_bytes(tensor) * 2}});
        } else {
            activations_.push_back({t, {first_[t], last_[t], network_.tensor_bytes(tensor)}});
        }
    }
}

KeptActivations Residency::keep_activations(std::int64_t room, bool must_keep_all) const {
    KeptActivations kept;
    kept.all = all_may_stay_;
    kept.tensors.assign(network_.tensors().size(), false);
    std::vector<Bytes> live(fused_.size());
    for (const auto& [tensor, life] : activations_) {
        Bytes most;
        for (std::size_t s = life.first; s <= life.last; ++s) {
            most = std::max(most, live[s] + life.bytes);
        }
        if (most.count() > room) {
            kept.all = false;
            if (must_keep_all) {
                break;
            }
            continue;
        }
        kept.tensors[tensor] = true;
        kept.most = std::max(kept.most, most);
        for (std::size_t s = life.first; s <= life.last; ++s) {
            live[s] += life.bytes;
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
            const auto read =
                static_cast<double>(weight_bytes_read(network_, fused_[f], root.space.extents));
            const auto bytes =
                static_cast<double>(network_.tensor_bytes(fused_[f].weights).count());
            worth[f] = {-read / bytes, static_cast<double>(root.macs()) / read};
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
    enum class Fate : std::uint8_t { open, streams, stays };
    std::vector<Fate> fates(network_.tensors().size());  // several layers may share one tensor
    std::vector<bool> resident(fused_.size(), false);
    for (const std::size_t f : weights_) {
        const std::int64_t bytes = network_.tensor_bytes(fused_[f].weights).count();
        Fate& fate = fates[fused_[f].weights.position()];
        if (fate == Fate::open) {
            fate = bytes <= room ? Fate::stays : Fate::streams;
            room -= fate == Fate::stays ? bytes : 0;
        }
        resident[f] = fate == Fate::stays;
    }
    return resident;
}

}  // namespace memwall
