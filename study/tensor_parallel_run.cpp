// SPDX-License-Identifier: Apache-2.0
#include "study/tensor_parallel_run.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "sim/equal_cards.hpp"
#include "workloads/collective.hpp"
#include "workloads/tensor_parallel.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMostCards = 64;  ///< so many are tried

const Component& dram_of(const Machine& machine) {
    return machine.component(machine.of_kind(ComponentKind::dram).front());
}

/// Weights, and the caches of so many of the batch.
Bytes held(const Network& part, std::int64_t users) {
    return part.weight_bytes() + Bytes(part.state_bytes().count() / part.batch() * users);
}

/// "64, 8" of the extents of what is divided first: heads, or outputs, of layers with weights.
std::string extents_of(const Network& network, bool heads) {
    std::set<std::int64_t, std::greater<>> extents;
    for (const Layer& layer : network.layers()) {
        const Operand* weights = layer.space.find(TensorRole::weights);
        if (weights != nullptr && relevant(weights->projection, Dim::H) == heads) {
            extents.insert(layer.space.extent(heads ? Dim::H : Dim::K));
        }
    }
    std::string list;
    for (const std::int64_t extent : extents) {
        list += (list.empty() ? "" : ", ") + format_count(extent);
    }
    return list;
}

/// "2, 4, 8": numbers of cards that divide all layers, or some where none divides all.
std::string dividing_counts(const Network& network) {
    std::string all;
    std::string some;
    for (std::int64_t cards = 2; cards <= kMostCards; ++cards) {
        const TensorParallelPart part = tensor_parallel_part(network, cards);
        const auto add = [&](std::string& list) {
            list += (list.empty() ? "" : ", ") + std::to_string(cards);
        };
        if (part.undivided.empty()) {
            add(all);
        }
        if (part.network.macs() < network.macs()) {
            add(some);
        }
    }
    return all.empty() ? some : all;
}

/// Cards of which each would do the whole network are a mistake.
void check_division(const Network& network, const Network& part, const Machine& machine) {
    const CardsConfig& cards = *machine.parts().cards;
    if (cards.count == 1 || part.macs() < network.macs() || network.macs() == 0) {
        return;
    }
    const std::string heads = extents_of(network, true);
    const std::string features = extents_of(network, false);
    const std::string counts = dividing_counts(network);
    throw InputError({Diagnostic{
        cards.count_where, std::to_string(cards.count) + " cards of machine '" + machine.name() +
                               "' divide no layer of network '" + network.name() + "': " +
                               (heads.empty() ? "" : "neither its heads (" + heads + ") nor ") +
                               (heads.empty() ? "not " : "") + "its output features (" + features +
                               ")" + (counts.empty() ? "" : "; expected 1, " + counts)}});
}

/// The least number of cards, of those with which a division is tried, whose memories hold the
/// network.
std::optional<std::int64_t> enough_cards(const Network& network, const Machine& machine) {
    for (std::int64_t cards = 1; cards <= kMostCards; ++cards) {
        const Network part = tensor_parallel_part(network, cards).network;
        if (held(part, part.batch()) <= dram_of(machine).capacity()) {
            return cards;
        }
    }
    return std::nullopt;
}

/// What is missing is told before anything is mapped; activations are the mapper's to place.
void check_room(const Network& network, const Network& part, const Machine& machine) {
    const Component& dram = dram_of(machine);
    if (held(part, part.batch()) <= dram.capacity()) {
        return;
    }
    std::string why =
        "network '" + network.name() + "' does not fit " +
        std::to_string(machine.parts().cards->count) + " cards of machine '" + machine.name() +
        "': each has " + format_bytes(part.weight_bytes()) + " of weights" +
        (part.state_bytes() > Bytes(0) ? " and " + format_bytes(part.state_bytes()) + " of caches"
                                       : "") +
        ", and " + format_bytes(dram.capacity()) + " of memory";
    if (part.weight_bytes() <= dram.capacity()) {
        const Bytes room = dram.capacity() - part.weight_bytes();
        const std::int64_t users = room.count() / (part.state_bytes().count() / part.batch());
        why += "; the caches of " + std::to_string(users) + " users would fit";
    }
    if (const auto cards = enough_cards(network, machine)) {
        why += "; " + std::to_string(*cards) + " cards would hold it";
    }
    throw InputError({Diagnostic{dram.capacity_where, why}});
}

TensorParallelResult exchanged(const RunResult& card, const Machine& machine) {
    TensorParallelResult result;
    result.cards = machine.parts().cards->count;
    for (const LayerResult& layer : card.layers) {
        if (collective_of(layer.op)) {
            result.collectives += layer.adds;
        }
    }
    result.collectives =
        Seconds(result.collectives.count() * static_cast<double>(card.scenario.counted_rounds()));
    const ComponentId link = machine.find(machine.parts().cards->link);
    for (const LedgerRow& row : card.ledger) {
        if (row.component == link && row.counted == Action::transfer) {
            result.sent += Bytes(row.count) * result.cards;
        }
    }
    return result;
}

/// So many users fit beside the weights, with caches and activations as large as these have.
std::int64_t most_users(const Network& part, const RunResult& card, const Machine& machine) {
    const Component& dram = dram_of(machine);
    for (const auto& [memory, peak] : card.totals.peak_memory) {
        if (memory == dram.name && part.state_bytes() > Bytes(0)) {
            const Bytes of_users = peak - part.weight_bytes();
            const Bytes room = dram.capacity() - part.weight_bytes();
            return room.count() / ceil_divide(of_users.count(), part.batch());
        }
    }
    return 0;
}

}  // namespace

RunResult run_tensor_parallel(const Network& network, const Machine& machine,
                              const CardPartRunner& run) {
    const std::int64_t cards = machine.parts().cards->count;
    TensorParallelPart part = tensor_parallel_part(network, cards);
    check_division(network, part.network, machine);
    check_room(network, part.network, machine);
    RunResult card = run(part.network);
    TensorParallelResult result = exchanged(card, machine);
    result.most_users = most_users(part.network, card, machine);
    result.undivided = std::move(part.undivided);
    result.copied = std::move(part.copied);
    card.totals.tensor_parallel = std::move(result);
    card.totals.power_scope = std::to_string(cards) + (cards == 1 ? " card" : " cards");
    return of_equal_cards(std::move(card), cards);
}

Network part_on_card(const Network& network, const Machine& machine) {
    const auto& cards = machine.parts().cards;
    return cards && cards->tensor_parallel() ? tensor_parallel_part(network, cards->count).network
                                             : network;
}

}  // namespace memwall
