// SPDX-License-Identifier: Apache-2.0
#include "study/show_mapped.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "study/interrupt.hpp"
#include "study/tensor_parallel_run.hpp"

namespace memwall {
namespace {

std::string required(const CommandLine& command, const std::string& option,
                     const std::string& value) {
    if (value.empty()) {
        throw InputError("show " + command.words.front() + ": missing " + option + " NAME");
    }
    return value;
}

/// What is mapped onto one card of a machine says so where it does not fit.
template <class Map>
auto on_one_card(const Machine& machine, const Map& map) {
    try {
        return map();
    } catch (const DoesNotFit&) {
        const auto& cards = machine.parts().cards;
        if (!cards || cards->tensor_parallel()) {
            throw;
        }
        throw InputError("show takes one card of machine '" + machine.name() + "', which has " +
                         std::to_string(cards->count) +
                         ", and the network does not fit one; `run` divides it");
    }
}

/// The lane of --core X,Y.
std::optional<std::size_t> asked_core(const std::optional<std::string>& core,
                                      const SpatialMemory& memory) {
    if (!core) {
        return std::nullopt;
    }
    const std::string& text = *core;
    const std::size_t comma = text.find(',');
    const auto x = parse_count(text.substr(0, comma));
    const auto y = parse_count(comma == std::string::npos ? "" : text.substr(comma + 1));
    const auto cores = static_cast<std::int64_t>(memory.memories.cores.size());
    const auto* column = std::get_if<std::int64_t>(&x);
    const auto* row = std::get_if<std::int64_t>(&y);
    if (column == nullptr || row == nullptr || *column < 0 || *column >= memory.columns ||
        *row < 0 || *row >= cores / memory.columns) {
        throw InputError("--core: expected a column from 0 to " +
                         std::to_string(memory.columns - 1) + " and a row from 0 to " +
                         std::to_string(cores / memory.columns - 1) + ", such as 0,0; found '" +
                         text + "'");
    }
    return static_cast<std::size_t>(*row * memory.columns + *column);
}

}  // namespace

void ShowMapped::read() {
    const std::string network_name = required(command_, "--network", request_.network);
    const std::string machine_name = required(command_, "--machine", request_.machine);
    auto [network, machine] = loaded_both([&] { return networks_.network(network_name); },
                                          [&] { return networks_.machine(machine_name); });
    network_.emplace(std::move(network));
    machine_.emplace(std::move(machine));
}

MapperOptions ShowMapped::mapper_options() const {
    MapperOptions options;
    options.effort = request_.settings.effort;
    options.objective = request_.settings.objective;
    options.cancelled = interrupted;
    return options;
}

Shown ShowMapped::mapping() {
    read();
    MapperOptions options = mapper_options();
    options.given = load_mapping_config(configs_, command_.mapping, inputs_);
    options.threads = request_.settings.threads;
    if (network_->trains()) {
        options.rounds = 1;
    } else {
        network_ = part_on_card(*network_, *machine_);
    }
    mapping_ = on_one_card(*machine_, [&] { return map_network(*network_, *machine_, options); });
    return show_mapping(*network_, *machine_, mapping_);
}

Shown ShowMapped::memory() {
    read();
    const std::string& mapper = machine_->parts().mapper;
    if (mapper != kSpatialMapper) {
        throw InputError("show memory: machine '" + machine_->name() + "' has the mapper '" +
                         mapper + "'; only the mapper '" + kSpatialMapper +
                         "' places what lies in each core");
    }
    memory_ =
        on_one_card(*machine_, [&] { return map_memory(*network_, *machine_, mapper_options()); });
    return show_memory(*network_, *machine_, memory_, asked_core(command_.core, memory_));
}

}  // namespace memwall
