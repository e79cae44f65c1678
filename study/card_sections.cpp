// SPDX-License-Identifier: Apache-2.0
#include "study/card_sections.hpp"

#include <algorithm>
#include <numeric>

#include "study/card_parts.hpp"
#include "workloads/shared_section.hpp"
#include "workloads/slice.hpp"

namespace memwall {

// MODEL: rows of embedding tables are looked up by the host, whose memory holds the tables; the
// first card gets the rows. GPUs, which hand on without a host, hold the tables themselves.
std::vector<bool> layers_on_cards(const Network& network, const Machine& machine) {
    const bool all = machine.parts().cards->linked_pipeline();
    std::vector<bool> on_cards;
    for (const Layer& layer : network.layers()) {
        const Operand* weights = layer.space.find(TensorRole::weights);
        on_cards.push_back(all || weights == nullptr || !weights->projection.gather ||
                           weights->projection.gather->grouped);
    }
    return on_cards;
}

CardSections::CardSections(const Network& network, const Machine& machine)
    : network_(network),
      machine_(machine),
      all_(layers_on_cards(network, machine)),
      finer_(cut_places(network, all_, Crossing::several)) {
    const Bytes room = card_room(machine);
    std::vector<std::size_t> ends = cut_places(network, all_);
    ends.push_back(all_.size());
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
        Section section = make(begin, end);
        Block block{sections_.size(), 0, section.network, section.shape};
        const bool by_outputs = section.divisible_outputs > 1;
        if (fits_somewhere(section, room)) {
            sections_.push_back(std::move(section));
        } else {
            cut(begin, end);
        }
        block.end = sections_.size();
        block_of_.resize(block.end, by_outputs ? std::nullopt : std::optional(blocks_.size()));
        if (!by_outputs) {
            blocks_.push_back(std::move(block));
        }
        begin = end;
    }
}

const Block* CardSections::block_with(std::size_t section) const {
    return block_of_[section] ? &blocks_[*block_of_[section]] : nullptr;
}

const Block* CardSections::block(std::size_t begin, std::size_t end) const {
    const Block* found = block_with(begin);
    return found != nullptr && found->begin == begin && found->end == end ? found : nullptr;
}

Bytes CardSections::needed(const Stage& stage, std::int64_t users, Bytes room) const {
    Bytes stays;
    Bytes passes;
    for (std::size_t u = stage.end; u-- > stage.begin && stays + passes <= room;) {
        const CardNeeds& needs = sections_[u].needs;
        stays +=
            Bytes(needs.weights.count() / stage.cards) + needs.state_of_user * users + needs.lost;
        passes = std::max(passes, needs.activations);
    }
    return stays + passes;
}

const std::optional<BlockShare>& CardSections::share(const Block& block, std::int64_t cards) const {
    const auto [place, fresh] = shares_.try_emplace({block.shape, cards});
    if (fresh && !machine_.parts().cards->linked_pipeline()) {
        if (const auto shared = share_section(block.network, cards)) {
            const std::int64_t groups = network_.batch() / machine_.parts().cards->together;
            place->second = {needs_of(shared->network), shared->all_reduces,
                             Bytes(shared->received.count() / groups)};
        }
    }
    return place->second;
}

// MODEL: layers between two places where a single tensor crosses that no card holds are cut
// wherever no cache crosses, or shared by cards, whichever is faster. The host passes each tensor
// on to all cards that read it.
void CardSections::cut(std::size_t begin, std::size_t end) {
    for (const std::size_t place : finer_) {
        if (begin < place && place < end) {
            sections_.push_back(make(begin, place));
            begin = place;
        }
    }
    sections_.push_back(make(begin, end));
}

Section CardSections::make(std::size_t begin, std::size_t end) {
    std::vector<bool> layers(all_.size());
    std::copy(all_.begin() + static_cast<std::ptrdiff_t>(begin),
              all_.begin() + static_cast<std::ptrdiff_t>(end),
              layers.begin() + static_cast<std::ptrdiff_t>(begin));
    Section section;
    section.network = slice_network(network_, layers, network_.name());
    section.layers = std::move(layers);
    section.shape = shapes_.try_emplace(shape_text(section.network), shapes_.size()).first->second;
    const LayerId last = divisible_layer(section.network);
    if (last.valid() && !machine_.parts().cards->linked_pipeline()) {
        section.divisible_outputs = section.network.layer(last).space.extent(Dim::K);
    }
    section.needs = needs_of(section.network);
    section.multiplies = section.network.macs() > 0;
    return section;
}

CardNeeds CardSections::needs_of(const Network& layers) const {
    const std::int64_t groups = network_.batch() / machine_.parts().cards->together;
    CardNeeds needs;
    needs.weights = layers.weight_bytes();
    needs.state_of_user = Bytes(layers.state_bytes().count() / network_.batch());
    needs.activations = Bytes(layers.peak_activation_bytes().count() / groups);
    needs.lost = lost_to_rows(layers, machine_);
    needs.in = Bytes(bytes_of(layers, layers.inputs()).count() / groups);
    needs.out = Bytes(bytes_of(layers, layers.outputs()).count() / groups);
    return needs;
}

std::vector<Seconds> seconds_of(const std::vector<Section>& sections, const RunResult& run) {
    std::map<std::string, Seconds> adds;
    for (const LayerResult& layer : run.layers) {
        adds[layer.name] = layer.adds;
    }
    std::map<int, std::vector<double>> by_shape;
    for (const Section& section : sections) {
        double seconds = 0;
        for (const Layer& layer : section.network.layers()) {
            seconds += adds.at(layer.name).count();
        }
        by_shape[section.shape].push_back(seconds);
    }
    std::vector<Seconds> means;
    for (const Section& section : sections) {
        const std::vector<double>& all = by_shape[section.shape];
        means.emplace_back(std::accumulate(all.begin(), all.end(), 0.0) /
                           static_cast<double>(all.size()));
    }
    return means;
}

bool fits_somewhere(const Section& section, Bytes room) {
    const Bytes beside = section.needs.activations + section.needs.lost;
    const std::int64_t widest = section.divisible_outputs > 1 ? kMostCards : 1;
    for (std::int64_t width = 1; width <= widest; ++width) {
        if (section.divisible_outputs % width == 0 &&
            Bytes(section.needs.weights.count() / width) + beside <= room) {
            return true;
        }
    }
    return false;
}

}  // namespace memwall
