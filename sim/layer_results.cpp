// SPDX-License-Identifier: Apache-2.0
#include "sim/layer_results.hpp"

#include <algorithm>
#include <numeric>

#include "sim/utilization.hpp"

namespace memwall {

bool is_memory(ComponentKind kind) {
    return kind == ComponentKind::dram || kind == ComponentKind::sram ||
           kind == ComponentKind::cache || kind == ComponentKind::register_file;
}

namespace {

TensorTraffic& traffic_at(LayerResult& layer, const std::string& memory, TensorRole tensor) {
    auto there =
        std::find_if(layer.traffic.begin(), layer.traffic.end(),
                     [&](const MemoryTraffic& traffic) { return traffic.memory == memory; });
    if (there == layer.traffic.end()) {
        there = layer.traffic.insert(there, {memory, {}});
    }
    for (TensorTraffic& traffic : there->tensors) {
        if (traffic.tensor == tensor) {
            return traffic;
        }
    }
    there->tensors.push_back({tensor, {}, {}});
    return there->tensors.back();
}

void add_row(const LedgerRow& row, const Machine& machine, LayerResult& layer) {
    layer.energy += row.energy;
    layer.by_kind[static_cast<std::size_t>(row.kind)] += row.energy;
    const Component& component = machine.component(row.component);
    const bool read = row.counted == Action::read;
    if (is_memory(component.kind) && (read || row.counted == Action::write)) {
        TensorTraffic& traffic = traffic_at(layer, component.name, *row.tensor);
        (read ? traffic.read : traffic.write) += Bytes(row.count);
    }
}

/// Whose steps did the work of a layer: its own, or those of the layer that it is an epilogue of or
/// folded into, through all of them.
LayerId worker(const RunInput& input, LayerId id) {
    const Layer& layer = input.network.layer(id);
    if (layer.folded_into.valid()) {
        return worker(input, layer.folded_into);
    }
    if (input.mapping.layers[id.position()].fused && layer.epilogue_of.valid()) {
        return worker(input, layer.epilogue_of);
    }
    return id;
}

/// Why steps of a layer began late.
std::vector<LateResult> late_steps(const RunInput& input, LayerId id) {
    const std::vector<Unit>& units = input.mapping.program.units;
    std::vector<LateResult> late;
    for (const LateSteps& steps : input.outcome.late) {
        if (steps.layer != id) {
            continue;
        }
        LateResult& mine = late.emplace_back();
        mine.unit = units[steps.unit.position()].name;
        mine.steps = steps.steps;
        mine.most = to_seconds(steps.most);
        mine.sum = to_seconds(steps.sum);
        mine.cause = steps.cause;
        if (steps.of_layer.valid()) {
            mine.of_layer = steps.of_layer.position();
        }
        if (steps.of_unit.valid()) {
            mine.of_unit = units[steps.of_unit.position()].name;
        }
    }
    return late;
}

void set_times(const RunInput& input, LayerId id, std::vector<LayerResult>& layers) {
    LayerResult& result = layers[id.position()];
    const LayerOutcome& own = input.outcome.layers[id.position()];
    const bool ran = own.end > Picoseconds(0);
    const LayerOutcome& outcome = ran ? own : input.outcome.layers[worker(input, id).position()];
    result.start = to_seconds(outcome.start);
    result.end = to_seconds(outcome.end);
    result.bound_by = outcome.bound_by;
    if (outcome.path_known) {
        result.exposed = ran ? to_seconds(outcome.exposed) : Seconds(0);
    }
    if (ran) {
        result.queued = to_seconds(outcome.queued);
        result.stalls = outcome.stalls;
        result.late = late_steps(input, id);
    } else if (outcome.end == Picoseconds(0)) {
        // Nothing runs for it: it is done when what it renames is there.
        for (const LayerId before : input.network.predecessors(id)) {
            result.end = std::max(result.end, layers[before.position()].end);
        }
        result.start = result.end;
    }
}

/// Passes over the network in the window; several a batch where a part of it runs at a time.
std::int64_t counted_program_rounds(const RunInput& input) {
    return input.scenario.counted_items() / input.mapping.program.items_per_round;
}

/// Time of the window in which the arrays work for a layer.
double array_seconds(const RunInput& input, std::size_t layer) {
    const std::vector<Component>& components = input.machine.components();
    double seconds = 0;
    for (std::size_t c = 0; c < components.size(); ++c) {
        if (components[c].kind == ComponentKind::mac_array) {
            seconds +=
                to_seconds(input.outcome.busy_by_layer[layer * components.size() + c]).count();
        }
    }
    return seconds;
}

/// What a layer's arrays take in a round to have weights shifted in, also while others are used.
Seconds shifting_time(const RunInput& input, std::size_t layer) {
    if (input.mapping.layers[layer].shifting == 0) {
        return Seconds(0);
    }
    for (const ComponentId array : input.machine.of_kind(ComponentKind::mac_array)) {
        const ClockDomain& clock = input.machine.clock(input.machine.component(array).clock);
        return Seconds(static_cast<double>(input.mapping.layers[layer].shifting) /
                       static_cast<double>(clock.frequency().count()));
    }
    return Seconds(0);
}

void set_bound(const RunInput& input, LayerId id, LayerResult& result) {
    const LayerMapping& mapping = input.mapping.layers[id.position()];
    result.bound_applies = mapping.bound_applies;
    result.mapping = mapping.summary;
    if (const LayerId host = worker(input, id); host != id) {
        result.fused_with = host.position();
    }
    if (input.mapping.outermost.valid()) {
        result.lower_bound = {input.machine.component(input.mapping.outermost).name,
                              mapping.bound.bytes() * counted_program_rounds(input)};
    }
}

}  // namespace

/// In the order of their ends, each layer adds the time since the end before; the first one, since
/// the end of the round before. Fused layers end with their host.
void set_added_times(const Outcome& outcome, std::vector<LayerResult>& layers) {
    std::vector<Seconds> ends(layers.size());
    for (std::size_t l = 0; l < ends.size(); ++l) {
        Seconds& end = ends[layers[l].fused_with.value_or(l)];
        end = std::max(end, layers[l].end);
    }
    std::vector<std::size_t> by_end(ends.size());
    std::iota(by_end.begin(), by_end.end(), std::size_t{0});
    std::stable_sort(by_end.begin(), by_end.end(),
                     [&](std::size_t a, std::size_t b) { return ends[a] < ends[b]; });
    Seconds latest(0);
    if (outcome.round_end.size() > 1) {
        const Picoseconds before = outcome.round_end[outcome.round_end.size() - 2];
        latest = std::max(latest, to_seconds(before - outcome.round_start.back()));
    }
    for (const std::size_t l : by_end) {
        layers[l].adds = std::max(Seconds(0), ends[l] - latest);
        latest = std::max(latest, ends[l]);
    }
}

std::size_t layer_of(const LedgerRow& row, const std::vector<LayerResult>& layers) {
    return row.layer.valid() ? row.layer.position() : layers.size() - (row.load ? 2 : 1);
}

std::vector<LayerResult> make_layers(const RunInput& input, const std::vector<LedgerRow>& ledger) {
    const std::size_t count = input.network.layers().size();
    const bool cold = input.scenario.cold;
    std::vector<LayerResult> layers(count + (cold ? 2 : 1));
    std::vector<double> at_peak(count);
    for (const LedgerRow& row : ledger) {
        add_row(row, input.machine, layers[layer_of(row, layers)]);
        if (row.layer.valid()) {
            at_peak[row.layer.position()] += seconds_at_peak(row, input.machine);
        }
    }
    const auto rounds = static_cast<double>(counted_program_rounds(input));
    for (std::size_t l = 0; l < count; ++l) {
        const Layer& layer = input.network.layers()[l];
        LayerResult& result = layers[l];
        result.name = layer.name;
        result.op = layer.op;
        result.macs = checked_multiply(layer.macs(), input.scenario.counted_rounds());
        set_times(input, LayerId(l), layers);
        set_bound(input, LayerId(l), result);
        result.computing = Seconds(array_seconds(input, l) / rounds);
        result.shifting = shifting_time(input, l);
        const double time = result.end.count() - result.start.count();
        result.utilization = share_of_peak(at_peak[l] / rounds, time);
    }
    set_added_times(input.outcome, layers);
    if (cold) {
        layers[count].name = kLoadLayer;
        layers[count].op = kNoOp;
    }
    layers.back().name = kIdleLayer;
    layers.back().op = kNoOp;
    return layers;
}

}  // namespace memwall
