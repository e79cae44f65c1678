// SPDX-License-Identifier: Apache-2.0
#include "study/card_parts.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "workloads/shared_section.hpp"
#include "workloads/slice.hpp"

namespace memwall {
CardPart part_of(const Network& network, const StageLayers& stage) {
    CardPart part;
    part.whole = part.network = slice_network(network, stage.layers, network.name());
    part.cards = stage.cards;
    part.first = part.network.layers().front().name;
    part.last = part.network.layers().back().name;
    if (stage.cards == 1) {
        return part;
    }
    if (divisible_layer(part.network).valid()) {
        part.network = with_part_of_outputs(part.network, 0, stage.cards);
        return part;
    }
    const std::optional<SharedSection> share = share_section(part.network, stage.cards);
    ensure(share.has_value(), "a block that was found to be shared is shared");
    part.network = share->network;
    part.all_reduces = share->all_reduces;
    part.sent = share->sent;
    part.received = share->received;
    part.sums = share->sums;
    return part;
}

Bytes bytes_of(const Network& network, const std::vector<TensorId>& tensors) {
    Bytes sum;
    for (const TensorId tensor : tensors) {
        sum += network.tensor_bytes(tensor);
    }
    return sum;
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

const Component& card_memory(const Machine& machine) {
    const std::vector<ComponentId> drams = machine.of_kind(ComponentKind::dram);
    return machine.component(drams.empty() ? machine.find("core_memory") : drams.front());
}

Bytes card_capacity(const Machine& machine) {
    return card_memory(machine).capacity();
}

bool is_shared_buffer(const Component& component) {
    return component.kind == ComponentKind::sram && component.instances == 1;
}

Bytes shared_buffer(const Machine& machine) {
    Bytes most;
    if (card_memory(machine).kind == ComponentKind::dram) {
        for (const Component& component : machine.components()) {
            most = is_shared_buffer(component) ? std::max(most, component.capacity()) : most;
        }
    }
    return most;
}

Bytes card_room(const Machine& machine) {
    if (card_memory(machine).kind == ComponentKind::dram) {
        return card_capacity(machine);
    }
    const Component& sequencer = machine.component(machine.find("sequencer"));
    const std::int64_t cores = machine.component(machine.find("core_memory")).instances;
    const auto& starter = std::get<DmaConfig>(sequencer.config);
    return card_capacity(machine) - starter.program * starter.programs * cores;
}

Bytes lost_to_rows(const Network& network, const Machine& machine) {
    const Component& memory = card_memory(machine);
    if (memory.kind == ComponentKind::dram) {
        return Bytes(0);
    }
    std::int64_t blocks = 0;
    for (const Tensor& tensor : network.tensors()) {
        blocks += !tensor.alias && (tensor.is_weight() || tensor.persists()) ? 1 : 0;
    }
    return std::get<MemoryConfig>(memory.config).read_width * blocks * memory.instances;
}

void check_groups(std::int64_t items, const CardsConfig& cards) {
    if (items % cards.together != 0) {
        std::int64_t fewer = std::min(items, cards.together);
        while (items % fewer != 0) {
            --fewer;
        }
        throw InputError(std::to_string(items) + " users are no whole number of groups of " +
                         std::to_string(cards.together) +
                         " that go through a card together; --set machine.cards.together=" +
                         std::to_string(fewer) + " lets " + std::to_string(fewer) + " go together");
    }
}

}  // namespace memwall
