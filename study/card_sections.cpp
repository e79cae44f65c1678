// SPDX-License-Identifier: Apache-2.0
#include "study/card_sections.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "study/card_parts.hpp"
#include "workloads/slice.hpp"

namespace memwall {
namespace {

class SectionMaker {
public:
    SectionMaker(const Network& network, const Machine& machine)
        : network_(network),
          machine_(machine),
          room_(card_room(machine)),
          all_(layers_on_cards(network)),
          finer_(cut_places(network, all_, Crossing::several)) {}

    std::vector<Section> run() {
        std::vector<std::size_t> ends = cut_places(network_, all_);
        ends.push_back(all_.size());
        std::size_t begin = 0;
        for (const std::size_t end : ends) {
            Section section = make(begin, end);
            if (fits_somewhere(section, room_)) {
                sections_.push_back(std::move(section));
            } else {
                cut(begin, end);
            }
            begin = end;
        }
        return std::move(sections_);
    }

private:
    /// MODEL: layers between two places where a single tensor crosses that no card holds are cut
    /// wherever no cache crosses. The host passes each tensor on to all cards that read it.
    void cut(std::size_t begin, std::size_t end) {
        for (const std::size_t place : finer_) {
            if (begin < place && place < end) {
                sections_.push_back(make(begin, place));
                begin = place;
            }
        }
        sections_.push_back(make(begin, end));
    }

    Section make(std::size_t begin, std::size_t end) {
        std::vector<bool> layers(all_.size());
        std::copy(all_.begin() + static_cast<std::ptrdiff_t>(begin),
                  all_.begin() + static_cast<std::ptrdiff_t>(end),
                  layers.begin() + static_cast<std::ptrdiff_t>(begin));
        Section section;
        section.network = slice_network(network_, layers, network_.name());
        section.layers = std::move(layers);
        section.shape =
            shapes_.try_emplace(shape_text(section.network), shapes_.size()).first->second;
        if (const LayerId last = divisible_layer(section.network); last.valid()) {
            section.divisible_outputs = section.network.layer(last).space.extent(Dim::K);
        }
        const std::int64_t groups = network_.batch() / machine_.parts().cards->together;
        section.weights = section.network.weight_bytes();
        section.state_of_user = Bytes(section.network.state_bytes().count() / network_.batch());
        section.activations = Bytes(section.network.peak_activation_bytes().count() / groups);
        section.lost = lost_to_rows(section.network, machine_);
        section.in = Bytes(bytes_of(section.network, section.network.inputs()).count() / groups);
        section.out = Bytes(bytes_of(section.network, section.network.outputs()).count() / groups);
        section.multiplies = section.network.macs() > 0;
        return section;
    }

    const Network& network_;
    const Machine& machine_;
    Bytes room_;
    std::vector<bool> all_;
    std::vector<std::size_t> finer_;
    std::map<std::string, int> shapes_;
    std::vector<Section> sections_;
};

}  // namespace

// MODEL: rows of embedding tables are looked up by the host, whose memory holds the tables; the
// first card gets the rows.
std::vector<bool> layers_on_cards(const Network& network) {
    std::vector<bool> on_cards;
    for (const Layer& layer : network.layers()) {
        const Operand* weights = layer.space.find(TensorRole::weights);
        on_cards.push_back(weights == nullptr || !weights->projection.gather ||
                           weights->projection.gather->grouped);
    }
    return on_cards;
}

std::vector<Section> card_sections(const Network& network, const Machine& machine) {
    return SectionMaker(network, machine).run();
}

bool fits_somewhere(const Section& section, Bytes room) {
    const Bytes beside = section.activations + section.lost;
    const std::int64_t widest = section.divisible_outputs > 1 ? kMostCards : 1;
    for (std::int64_t width = 1; width <= widest; ++width) {
        if (section.divisible_outputs % width == 0 &&
            Bytes(section.weights.count() / width) + beside <= room) {
            return true;
        }
    }
    return false;
}

}  // namespace memwall
