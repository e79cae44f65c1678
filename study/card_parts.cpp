// SPDX-License-Identifier: Apache-2.0
#include "study/card_parts.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "workloads/slice.hpp"

namespace memwall {
namespace {

/// Layers between two places where a single tensor crosses.
struct Unit {
    std::vector<bool> layers;
    Network network;
    std::int64_t divisible_outputs = 1;  ///< of the layer that cards may divide; 1: of none
    Seconds seconds;                     ///< that it adds to a round of one group
};

/// MODEL: rows of embedding tables are looked up by the host, whose memory holds the tables; the
/// first card gets the rows.
std::vector<bool> layers_on_cards(const Network& network) {
    std::vector<bool> on_cards;
    for (const Layer& layer : network.layers()) {
        const Operand* weights = layer.space.find(TensorRole::weights);
        on_cards.push_back(weights == nullptr || !weights->projection.gather ||
                           weights->projection.gather->grouped);
    }
    return on_cards;
}

class Divider {
public:
    Divider(const Network& network, const Machine& machine) : network_(network), machine_(machine) {
        const std::vector<bool> all = layers_on_cards(network);
        std::vector<std::size_t> ends = cut_places(network, all);
        ends.push_back(all.size());
        std::size_t begin = 0;
        for (const std::size_t end : ends) {
            Unit unit;
            unit.layers.resize(all.size());
            std::copy(all.begin() + static_cast<std::ptrdiff_t>(begin),
                      all.begin() + static_cast<std::ptrdiff_t>(end),
                      unit.layers.begin() + static_cast<std::ptrdiff_t>(begin));
            unit.network = slice_network(network, unit.layers, network.name());
            if (const LayerId last = divisible_layer(unit.network); last.valid()) {
                unit.divisible_outputs = unit.network.layer(last).space.extent(Dim::K);
            }
            units_.push_back(std::move(unit));
            begin = end;
        }
    }

    Division run(const WholeRun& whole) {
        if (!room_for(network_.batch())) {
            refuse();
        }
        weigh(whole(slice_network(network_, layers_on_cards(network_), network_.name())));
        const CardsConfig& cards = *machine_.parts().cards;
        const auto stages =
            partition_chain(units_.size(), cards.count, to_seconds(cards.hop), kSlack,
                            [&](std::size_t begin, std::size_t end, std::int64_t width) {
                                return time(begin, end, width);
                            });
        ensure(stages.has_value(), "what has room has a partition");
        Division division;
        for (const Stage& stage : *stages) {
            division.push_back({layers_of(stage), stage.cards});
        }
        return division;
    }

private:
    /// By so much layers of one kind differ with what runs around them.
    static constexpr double kSlack = 0.01;

    /// What each unit adds to a round.
    void weigh(const RunResult& whole) {
        std::map<std::string, Seconds> adds;
        for (const LayerResult& layer : whole.layers) {
            adds[layer.name] = layer.adds;
        }
        const auto rounds = static_cast<double>(whole.totals.items_together);
        const auto together = static_cast<double>(machine_.parts().cards->together);
        ensure(rounds == together, "a whole run has groups as large as cards have");
        for (Unit& unit : units_) {
            for (const Layer& layer : unit.network.layers()) {
                unit.seconds += adds.at(layer.name);
            }
        }
    }

    /// Weights, caches of `users` and the most activations, where `width` cards share them. What a
    /// core's own room adds to that shows when the part is mapped.
    [[nodiscard]] bool fits(std::size_t begin, std::size_t end, std::int64_t width,
                            std::int64_t users) const {
        double bytes = 0;
        double activations = 0;
        for (std::size_t u = begin; u < end; ++u) {
            const Network& unit = units_[u].network;
            const auto together = static_cast<double>(machine_.parts().cards->together);
            const auto batch = static_cast<double>(unit.batch());
            bytes += static_cast<double>(unit.weight_bytes().count()) / static_cast<double>(width);
            bytes += static_cast<double>(unit.state_bytes().count()) / batch *
                     static_cast<double>(users);
            activations =
                std::max(activations, static_cast<double>(unit.peak_activation_bytes().count()) /
                                          batch * together);
        }
        for (std::size_t u = begin; u < end; ++u) {
            bytes += static_cast<double>(lost_to_rows(units_[u].network, machine_).count());
        }
        return bytes + activations <= static_cast<double>(card_room(machine_).count());
    }

    /// Whether `width` cards can do equal parts of the units at once: of outputs of the last one;
    /// those before have no weights, and every card does them.
    [[nodiscard]] bool divisible(std::size_t begin, std::size_t end, std::int64_t width) const {
        return width == 1 ||
               (units_[end - 1].divisible_outputs % width == 0 &&
                std::all_of(units_.begin() + static_cast<std::ptrdiff_t>(begin),
                            units_.begin() + static_cast<std::ptrdiff_t>(end) - 1,
                            [](const Unit& unit) { return unit.network.macs() == 0; }));
    }

    [[nodiscard]] std::optional<Seconds> time(std::size_t begin, std::size_t end,
                                              std::int64_t width) const {
        if (!divisible(begin, end, width) || !fits(begin, end, width, network_.batch())) {
            return std::nullopt;
        }
        Seconds sum(0);
        for (std::size_t u = begin; u < end; ++u) {
            const std::int64_t parts = u + 1 == end ? width : 1;
            sum += Seconds(units_[u].seconds.count() / static_cast<double>(parts));
        }
        return std::max(sum, transfer(begin, end, width));
    }

    /// Of what a group of users brings to the card and takes away, whichever takes longer.
    [[nodiscard]] Seconds transfer(std::size_t begin, std::size_t end, std::int64_t width) const {
        const auto bytes = [](const Network& network, const std::vector<TensorId>& tensors) {
            Bytes sum;
            for (const TensorId tensor : tensors) {
                sum += network.tensor_bytes(tensor);
            }
            return static_cast<double>(sum.count());
        };
        const Network& first = units_[begin].network;
        const Network& last = units_[end - 1].network;
        const double most = std::max(bytes(first, first.inputs()),
                                     bytes(last, last.outputs()) / static_cast<double>(width));
        const Component& host = machine_.component(machine_.find("host"));
        const std::int64_t groups = network_.batch() / machine_.parts().cards->together;
        return Seconds(most / static_cast<double>(groups) /
                       static_cast<double>(std::get<LinkConfig>(host.config).bandwidth.count()));
    }

    [[nodiscard]] std::vector<bool> layers_of(const Stage& stage) const {
        std::vector<bool> layers(network_.layers().size());
        for (std::size_t u = stage.begin; u < stage.end; ++u) {
            std::transform(layers.begin(), layers.end(), units_[u].layers.begin(), layers.begin(),
                           [](bool a, bool b) { return a || b; });
        }
        return layers;
    }

    /// Whether `users` find room, whatever the time.
    [[nodiscard]] bool room_for(std::int64_t users) const {
        const auto any = [&](std::size_t begin, std::size_t end,
                             std::int64_t width) -> std::optional<Seconds> {
            return divisible(begin, end, width) && fits(begin, end, width, users)
                       ? std::optional(Seconds(1))
                       : std::nullopt;
        };
        return partition_chain(units_.size(), machine_.parts().cards->count, Seconds(0), 0, any)
            .has_value();
    }

    [[noreturn]] void refuse() const {
        std::string why;
        if (!room_for(0)) {
            why = "; their memories hold " +
                  format_bytes(card_capacity(machine_) * machine_.parts().cards->count) +
                  ", its weights take " + format_bytes(network_.weight_bytes());
        } else {
            std::int64_t enough = 0;
            std::int64_t too_many = network_.batch();
            while (too_many - enough > 1) {
                const std::int64_t middle = enough + (too_many - enough) / 2;
                (room_for(middle) ? enough : too_many) = middle;
            }
            why = ": the caches of " + std::to_string(network_.batch()) +
                  " users do not; those of " + std::to_string(enough) + " would";
        }
        const Component& memory = machine_.component(machine_.find("core_memory"));
        throw InputError({Diagnostic{memory.capacity_where,
                                     "network '" + network_.name() + "' does not fit the " +
                                         std::to_string(machine_.parts().cards->count) +
                                         " cards of machine '" + machine_.name() + "'" + why}});
    }

    const Network& network_;
    const Machine& machine_;
    std::vector<Unit> units_;
};

}  // namespace

Division divide_over_cards(const Network& network, const Machine& machine, const WholeRun& run) {
    return Divider(network, machine).run(run);
}

CardPart part_of(const Network& network, const StageLayers& stage) {
    CardPart part;
    part.network = slice_network(network, stage.layers, network.name());
    part.cards = stage.cards;
    part.first = part.network.layers().front().name;
    part.last = part.network.layers().back().name;
    if (stage.cards > 1) {
        part.network = with_part_of_outputs(part.network, 0, stage.cards);
    }
    return part;
}

std::string shape_text(const Network& network) {
    std::string text = std::to_string(network.batch());
    for (const Layer& layer : network.layers()) {
        text += ";" + layer.op + (layer.no_work ? "-" : "");
        for (const std::int64_t extent : layer.space.extents) {
            text += "," + std::to_string(extent);
        }
        for (const Operand& operand : layer.space.operands) {
            text += "|" + std::to_string(static_cast<int>(operand.role)) + name(operand.precision) +
                    std::to_string(operand.tensor.position());
            for (const Axis& axis : operand.projection.axes) {
                text += "," + std::to_string(axis.extent) + "+" + std::to_string(axis.offset);
            }
        }
    }
    return text;
}

Bytes card_capacity(const Machine& machine) {
    return machine.component(machine.find("core_memory")).capacity();
}

Bytes card_room(const Machine& machine) {
    const Component& sequencer = machine.component(machine.find("sequencer"));
    const std::int64_t cores = machine.component(machine.find("core_memory")).instances;
    return card_capacity(machine) - std::get<DmaConfig>(sequencer.config).program * 2 * cores;
}

Bytes lost_to_rows(const Network& network, const Machine& machine) {
    const Component& memory = machine.component(machine.find("core_memory"));
    std::int64_t blocks = 0;
    for (const Tensor& tensor : network.tensors()) {
        blocks += !tensor.alias && (tensor.is_weight() || tensor.persists()) ? 1 : 0;
    }
    return std::get<MemoryConfig>(memory.config).read_width * blocks * memory.instances;
}

}  // namespace memwall
