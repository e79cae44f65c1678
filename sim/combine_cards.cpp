// SPDX-License-Identifier: Apache-2.0
#include "sim/combine_cards.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <variant>

#include "arch/card_links.hpp"
#include "base/error.hpp"
#include "sim/assemble_result.hpp"
#include "sim/late_results.hpp"
#include "sim/layer_results.hpp"
#include "sim/utilization.hpp"

namespace memwall {
namespace {

/// Rows of all cards, their layers one card behind the other; then the time without a layer.
class CardLedger {
public:
    CardLedger(const Machine& machine, std::vector<LedgerRow>& rows)
        : machine_(machine), rows_(rows) {}

    void add(const RunResult& run, std::size_t first_layer) {
        for (const LedgerRow& row : run.ledger) {
            if (row.layer.valid()) {
                rows_.push_back(row);
                rows_.back().layer = LayerId(first_layer + row.layer.position());
            } else {
                add_idle(row);
            }
        }
    }

    void wait(double seconds) {
        std::vector<LedgerRow> waiting;
        append_idle_power(machine_, seconds, waiting);
        for (const LedgerRow& row : waiting) {
            add_idle(row);
        }
    }

    void finish() {
        for (auto& [key, row] : idle_) {
            rows_.push_back(row);
        }
    }

private:
    void add_idle(const LedgerRow& row) {
        const auto key = std::make_tuple(row.component.position(), row.action,
                                         row.tensor ? static_cast<int>(*row.tensor) : -1,
                                         row.precision ? static_cast<int>(*row.precision) : -1);
        const auto [place, fresh] = idle_.emplace(key, row);
        if (!fresh) {
            LedgerRow& sum = place->second;
            sum.count += row.count;
            sum.seconds += row.seconds;
            sum.energy += row.energy;
            sum.low += row.low;
            sum.high += row.high;
        }
    }

    const Machine& machine_;
    std::vector<LedgerRow>& rows_;
    std::map<std::tuple<std::size_t, std::string, int, int>, LedgerRow> idle_;
};

void append_layers(const CardShare& card, std::vector<LayerResult>& layers) {
    const std::size_t first = layers.size();
    const std::vector<LayerResult>& own = card.run->layers;
    ensure(own.size() == card.layers.size() + 1 && own.back().name == kIdleLayer,
           "a card's run has its layers and the time without one");
    for (std::size_t l = 0; l < card.layers.size(); ++l) {
        LayerResult layer = own[l];
        layer.name = card.layers[l];
        layer.start = layer.start + card.start;
        layer.end = layer.end + card.start;
        if (layer.fused_with) {
            layer.fused_with = *layer.fused_with + first;
        }
        move_late(layer.late, [&](std::size_t of) { return of + first; });
        layers.push_back(std::move(layer));
    }
}

/// Names of a card's layers as the network has them, behind those of the cards before.
void append_names(const CardShare& card, const std::vector<std::string>& own,
                  std::vector<std::string>& names) {
    for (std::size_t l = 0; l < card.layers.size(); ++l) {
        if (std::find(own.begin(), own.end(), card.run->layers[l].name) != own.end()) {
            names.push_back(card.layers[l]);
        }
    }
}

/// What was said of the layers of all cards.
void append_notes(const CardShare& card, RunResult& combined) {
    append_names(card, card.run->kept_precision, combined.kept_precision);
    append_names(card, card.run->dense_pruned_layers, combined.dense_pruned_layers);
    for (const std::string& lanes : card.run->wider_lanes) {
        const auto place =
            std::lower_bound(combined.wider_lanes.begin(), combined.wider_lanes.end(), lanes);
        if (place == combined.wider_lanes.end() || *place != lanes) {
            combined.wider_lanes.insert(place, lanes);
        }
    }
}

/// What the last layer of a card hands on over links; the card's layers are the last ones.
void add_transfers(const CardShare& card, const Machine& machine, RunResult& combined) {
    for (const CardTransfer& sent : card.handed_on) {
        const LedgerRow row = transfer_row(LayerId(combined.layers.size() - 1), sent.link,
                                           sent.precision, sent.bytes, machine);
        LayerResult& layer = combined.layers.back();
        layer.energy += row.energy;
        layer.by_kind[static_cast<std::size_t>(row.kind)] += row.energy;
        combined.ledger.push_back(row);
    }
}

/// A link is busy with what cards send over it.
void set_busy_link(ComponentId id, std::int64_t instances, const std::vector<CardShare>& cards,
                   const Machine& machine, std::vector<ComponentResult>& components) {
    if (!id.valid()) {
        return;
    }
    const auto& link = std::get<LinkConfig>(machine.component(id).config);
    ComponentResult& result = components[id.position()];
    result.instances = instances;
    Seconds busy(0);
    for (const CardShare& card : cards) {
        for (const CardTransfer& sent : card.handed_on) {
            if (sent.link == id) {
                const Seconds sends = sent.bytes / link.bandwidth;
                result.busy_max = std::max(result.busy_max, sends);
                busy += sends;
            }
        }
    }
    result.busy_mean = Seconds(busy.count() / static_cast<double>(instances));
}

/// The links between servers are one a server, those between cards one a card.
void set_busy_links(const std::vector<CardShare>& cards, std::int64_t all_cards,
                    const Machine& machine, std::vector<ComponentResult>& components) {
    const auto& server = machine.parts().server;
    set_busy_link(server_link(machine), server ? ceil_divide(all_cards, server->cards) : 0, cards,
                  machine, components);
    set_busy_link(pipeline_link(machine), all_cards, cards, machine, components);
}

LayerResult idle_layer(const std::vector<LedgerRow>& ledger) {
    LayerResult idle;
    idle.name = kIdleLayer;
    idle.op = kNoOp;
    for (const LedgerRow& row : ledger) {
        if (!row.layer.valid()) {
            idle.energy += row.energy;
            idle.by_kind[static_cast<std::size_t>(row.kind)] += row.energy;
        }
    }
    return idle;
}

std::vector<ActionResult> actions_of(ComponentId id, const std::vector<LedgerRow>& ledger) {
    std::vector<ActionResult> actions;
    for (const LedgerRow& row : ledger) {
        if (row.component == id) {
            add_action(row, actions);
        }
    }
    return actions;
}

std::vector<ComponentResult> components_of(const std::vector<CardShare>& cards,
                                           std::int64_t all_cards,
                                           const std::vector<LedgerRow>& ledger) {
    std::vector<ComponentResult> components = cards.front().run->components;
    for (std::size_t c = 0; c < components.size(); ++c) {
        ComponentResult& component = components[c];
        component.instances *= all_cards;
        if (component.capacity) {
            component.capacity = *component.capacity * all_cards;
        }
        component.actions = actions_of(ComponentId(c), ledger);
        component.energy = Joules(0);
        for (const ActionResult& action : component.actions) {
            component.energy += action.energy;
        }
        Seconds mean(0);
        for (const CardShare& card : cards) {
            component.busy_max = std::max(component.busy_max, card.run->components[c].busy_max);
            mean += card.run->components[c].busy_mean;
        }
        component.busy_mean = Seconds(mean.count() / static_cast<double>(all_cards));
    }
    return components;
}

/// What all cards did and needed, but for energies.
void add_totals(const std::vector<CardShare>& cards, Totals& totals) {
    double outside = 0;
    totals.macs = totals.stalls = totals.steps = totals.events = 0;
    totals.operations = {};
    totals.stream.reset();
    totals.load_energy = Joules(0);
    totals.at_lower_bound.bytes = Bytes(0);
    for (const CardShare& card : cards) {
        const Totals& own = card.run->totals;
        totals.macs = checked_add(totals.macs, own.macs);
        for (std::size_t o = 0; o < totals.operations.size(); ++o) {
            totals.operations[o] = checked_add(totals.operations[o], own.operations[o]);
        }
        for (std::size_t m = 0; m < totals.peak_memory.size(); ++m) {
            totals.peak_memory[m].second =
                std::max(totals.peak_memory[m].second, own.peak_memory[m].second);
        }
        if (own.arithmetic_intensity && *own.arithmetic_intensity > 0) {
            outside += static_cast<double>(own.macs) / *own.arithmetic_intensity;
        }
        if (totals.power_cap) {
            ClockUnderCap& lowest = *totals.power_cap;
            lowest.clock = std::min(lowest.clock, own.power_cap->clock);
            lowest.holds = lowest.holds && own.power_cap->holds;
        }
        totals.load_seconds = std::max(totals.load_seconds, own.load_seconds);
        totals.load_energy += own.load_energy;
        totals.at_lower_bound.bytes += own.at_lower_bound.bytes;
        totals.stalls += own.stalls;
        totals.steps += own.steps;
        totals.events += own.events;
    }
    totals.arithmetic_intensity.reset();
    if (outside > 0) {
        totals.arithmetic_intensity = static_cast<double>(totals.macs) / outside;
    }
}

}  // namespace

Seconds PipelineResult::slowest() const {
    Seconds slowest(0);
    for (const StageResult& stage : stages) {
        slowest = std::max(slowest, stage.interval);
    }
    return slowest;
}

std::int64_t PipelineResult::most_users() const {
    std::int64_t most = 0;
    for (const StageResult& stage : stages) {
        const bool fewer = stage.most_users > 0 && (most == 0 || stage.most_users < most);
        most = fewer ? stage.most_users : most;
    }
    return most;
}

// MODEL: a card draws its leakage and clock power all the time, also while it waits for its
// neighbours.
RunResult combine_cards(const std::vector<CardShare>& cards, std::int64_t all_cards,
                        const Machine& machine, Seconds window) {
    ensure(!cards.empty() && static_cast<std::int64_t>(cards.size()) <= all_cards,
           "a pipeline has a card for each part");
    RunResult combined = *cards.front().run;
    combined.layers.clear();
    combined.ledger.clear();
    for (auto* names :
         {&combined.kept_precision, &combined.dense_pruned_layers, &combined.wider_lanes}) {
        names->clear();
    }
    CardLedger ledger(machine, combined.ledger);
    double waiting = window.count() * static_cast<double>(all_cards);
    for (const CardShare& card : cards) {
        ledger.add(*card.run, combined.layers.size());
        append_layers(card, combined.layers);
        append_notes(card, combined);
        add_transfers(card, machine, combined);
        waiting -= card.run->totals.window.count();
    }
    ledger.wait(std::max(0.0, waiting));
    ledger.finish();
    combined.layers.push_back(idle_layer(combined.ledger));
    combined.components = components_of(cards, all_cards, combined.ledger);
    set_busy_links(cards, all_cards, machine, combined.components);
    Totals& totals = combined.totals;
    add_totals(cards, totals);
    sum_energies(combined.ledger, totals);
    totals.window = totals.seconds = window;
    totals.cycles = Cycles(std::llround(
        window.count() * static_cast<double>(machine.clocks().front().frequency().count())));
    totals.utilization = utilization_of(combined.ledger, machine, window, all_cards);
    totals.power = totals.energy / window;
    totals.at_lower_bound.seconds = window;
    totals.at_lower_bound.energy = totals.energy;
    if (totals.area) {
        totals.area = SquareMillimetres(totals.area->count() * static_cast<double>(all_cards));
    }
    if (totals.power_cap) {
        totals.power_cap->cap = totals.power_cap->cap * static_cast<double>(all_cards);
    }
    check_sums(combined);
    return combined;
}

}  // namespace memwall
