// SPDX-License-Identifier: Apache-2.0
#include "study/run_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.hpp"
#include "study/component_text.hpp"
#include "study/figures.hpp"
#include "study/late_text.hpp"
#include "study/pipeline_text.hpp"
#include "study/server_power.hpp"
#include "study/table.hpp"
#include "study/training_run.hpp"

namespace memwall {
namespace {

std::string time_text(Seconds time) {
    return time.count() == 0 ? "0" : format_seconds(time);
}

std::string energy_text(Joules energy) {
    return energy.count() == 0 ? "0" : format_joules(energy);
}

void add_energies(const RunResult& run, Table& table) {
    const Totals& totals = run.totals;
    const auto items = static_cast<double>(totals.items);
    table.add({"energy a " + totals.item, energy_text(totals.energy_per_item),
               "from " + format_joules(Joules(totals.energy_low.count() / items)) + " to " +
                   format_joules(Joules(totals.energy_high.count() / items)) +
                   " by the intervals of its coefficients"});
    for (const EnergyKind kind : kEnergyKinds) {
        const Joules energy(totals.by_kind[static_cast<std::size_t>(kind)].count() / items);
        table.add({"  " + words(kind), energy_text(energy), percent(share_of(run, kind))});
    }
}

std::string latency_note(const RunResult& run) {
    const Latency& latency = run.totals.latency;
    std::string note;
    if (run.totals.items_together < run.scenario.batch) {
        note = run.totals.items_together == 1
                   ? "of 1 " + run.totals.item + " at a time"
                   : fmt::format("of {} {}s that go together", run.totals.items_together,
                                 run.totals.item);
        if (const std::int64_t last = run.scenario.batch % run.totals.items_together; last > 0) {
            note += fmt::format(" ({} of the last group)", last);
        }
    }
    if (latency.most) {
        note += (note.empty() ? "" : "; ") + ("p50 " + format_seconds(*latency.p50)) + ", p99 " +
                format_seconds(*latency.p99) + ", max " + format_seconds(*latency.most);
    }
    return note;
}

/// Which peak a utilization is of. The steps of a language model may each have another clock.
std::string peak_note(const RunResult& run) {
    const auto& cap = run.totals.power_cap;
    if (!cap || cap->clock == cap->own_clock) {
        return "of the arrays' dense peak";
    }
    std::string own = "of the arrays' dense peak at " + format_hertz(cap->own_clock);
    if (run.scenario.phase == Phase::decode || run.scenario.phase == Phase::generate) {
        return own;
    }
    const double raised =
        static_cast<double>(cap->own_clock.count()) / static_cast<double>(cap->clock.count());
    return fmt::format("{}; {} of that at {}", own, percent(run.totals.utilization * raised),
                       format_hertz(cap->clock));
}

/// What a cap does to a run.
std::string cap_text(const RunResult& run, const ClockUnderCap& cap) {
    if (cap.holds) {
        return cap.clock == cap.own_clock ? "is not reached" : "leads to it";
    }
    return run.scenario.phase == Phase::single
               ? "acts on a steady stream alone (--phase offline): a single batch is over before "
                 "the clock falls"
               : "does not hold";
}

/// The first, the steady and the last ones of a stream.
void add_stream(const Totals& totals, Table& table) {
    const std::string each =
        totals.items_together == 1
            ? totals.item
            : fmt::format("{} {}s that go together", totals.items_together, totals.item);
    const StreamResult& stream = *totals.stream;
    table.add({"  fill", format_seconds(stream.fill),
               "from the first byte in to the first " + each + " out"});
    table.add({"  interval", format_seconds(stream.interval), "from end to end, then"});
    table.add({"  drain", format_seconds(stream.drain),
               "from the first byte of the last " + each + " in to its end"});
}

std::string totals_text(const RunResult& run) {
    const Totals& totals = run.totals;
    Table table({{"", Align::left}, {"", Align::right}, {"", Align::left}});
    table.add({"throughput", rate(totals.throughput), totals.item + "s/s"});
    table.add({"latency", format_seconds(totals.latency.mean), latency_note(run)});
    if (totals.stream) {
        add_stream(totals, table);
    }
    table.add({"power", format_watts(totals.power), totals.power_scope});
    if (const auto& cap = totals.power_cap) {
        table.add({"clock", format_hertz(cap->clock),
                   fmt::format("of {}; the cap of {} {}", format_hertz(cap->own_clock),
                               format_watts(cap->cap), cap_text(run, *cap))});
    }
    if (const auto& server = totals.server) {
        table.add({"power with servers", format_watts(server->power),
                   servers_text(*server) + "; from " + format_watts(server->power_low) + " to " +
                       format_watts(server->power_high)});
        table.add({"energy a " + totals.item + " with servers",
                   energy_text(server->energy_per_item), ""});
    }
    add_energies(run, table);
    table.add({"utilization", percent(totals.utilization), peak_note(run)});
    if (totals.arithmetic_intensity) {
        table.add(
            {"intensity", rate(*totals.arithmetic_intensity), "MACs a byte over the chip's edge"});
    }
    if (totals.area) {
        table.add({"area", fmt::format("{:.0f}", totals.area->count()), "mm2"});
    }
    const ItemFigures figures = item_figures(run);
    table.add(
        {"at its I/O lower bound", rate(figures.per_second_at_bound),
         totals.item + "s/s, " + format_joules(figures.energy_at_bound) + " a " + totals.item});
    // The columns have no titles: leave out the two lines of the head.
    const std::string text = table.text();
    return text.substr(text.find('\n', text.find('\n') + 1) + 1);
}

bool is_shown(const LayerResult& layer) {
    return layer.energy.count() > 0;
}

std::string layers_text(const RunResult& run) {
    Table table({{"layer", Align::left},
                 {"op", Align::left},
                 {"time"},
                 {"adds"},
                 {"bound by", Align::left},
                 {"utilization"},
                 {"energy a " + run.totals.item},
                 {"moving data"}});
    const auto items = static_cast<double>(run.totals.items);
    for (const LayerResult& layer : run.layers) {
        if (!is_shown(layer)) {
            continue;
        }
        const Joules moving = layer.by_kind[static_cast<std::size_t>(EnergyKind::data_movement)];
        table.add({layer.name, layer.op, layer.bound_by ? time_text(layer.end - layer.start) : "",
                   layer.adds.count() > 0 ? time_text(layer.adds) : "",
                   layer.bound_by ? name(*layer.bound_by) : "",
                   layer.macs > 0 ? percent(layer.utilization) : "",
                   energy_text(Joules(layer.energy.count() / items)),
                   percent(ratio(moving, layer.energy))});
    }
    return table.text();
}

std::string joined(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
        list += (list.empty() ? "" : ", ") + name;
    }
    return list;
}

/// "b1_q and 3 more layers"
std::string first_and_more(const std::vector<std::string>& layers) {
    return layers.front() +
           (layers.size() == 1 ? "" : fmt::format(" and {} more layers", layers.size() - 1));
}

/// What cards exchange that have a part of every layer each, and what they have room for.
std::string tensor_parallel_note(const Totals& totals, const TensorParallelResult& shared) {
    const double share = shared.collectives.count() / totals.window.count();
    std::string note = fmt::format(
        "note: {} cards have a part of every layer each, of which one was run for all; they "
        "exchange {}, which takes {} of the time",
        shared.cards, format_bytes(shared.sent), percent(share));
    if (!shared.undivided.empty()) {
        note += "; each does all of " + first_and_more(shared.undivided);
    }
    if (!shared.copied.empty()) {
        note += "; several do the same part of " + first_and_more(shared.copied);
    }
    return note + (shared.most_users > 0
                       ? fmt::format("; they have room for {} users\n", shared.most_users)
                       : "\n");
}

}  // namespace

std::string run_title(const RunResult& run) {
    const Scenario& scenario = run.scenario;
    std::string items =
        fmt::format("{} {}{}", scenario.items, run.totals.item, scenario.items == 1 ? "" : "s");
    if (scenario.warmup_items > 0) {
        items += fmt::format(" ({} counted)", scenario.counted_items());
    }
    if (const auto& load = scenario.language) {
        return fmt::format(
            "{} on {} at {}, {}: {} user{}{}{}, engine {}", run.network, run.machine, run.precision,
            name(scenario.phase), load->users, load->users == 1 ? "" : "s",
            load->prompt > 0
                ? fmt::format(", prompt of {} tokens{}", load->prompt,
                              load->chunk > 0 ? fmt::format(" in chunks of {}", load->chunk) : "")
                : "",
            load->output_tokens > 0
                ? fmt::format(", {} output token{} after {}", load->output_tokens,
                              load->output_tokens == 1 ? "" : "s", load->context)
                : "",
            run.engine);
    }
    if (const auto& training = scenario.training) {
        return fmt::format(
            "{} on {} at {}, {} with {}, batch {}{}, engine {}", run.network, run.machine,
            run.precision, name(scenario.phase), name(training->optimizer), scenario.batch,
            training->tokens > 0 ? fmt::format(" of {} tokens", training->tokens) : "", run.engine);
    }
    if (scenario.cold) {
        items += " from a cold start";
    }
    return fmt::format("{} on {} at {}, batch {}, {} of {}, engine {}", run.network, run.machine,
                       run.precision, scenario.batch, name(scenario.phase), items, run.engine);
}

/// Where users queue on cards, a layer's time says more than what it takes one user.
static std::string queueing_note(const RunResult& run) {
    if (!run.totals.pipeline) {
        return "";
    }
    Seconds latency(0);
    for (const StageResult& stage : run.totals.pipeline->stages) {
        latency = std::max(latency, stage.latency);
    }
    const auto took = [](const LayerResult& layer) { return layer.end - layer.start; };
    const auto longest = std::max_element(
        run.layers.begin(), run.layers.end(),
        [&](const LayerResult& a, const LayerResult& b) { return took(a) < took(b); });
    return took(*longest) <= latency
               ? ""
               : fmt::format(
                     "note: the time of a layer is from its first input to its last result on a "
                     "card full of users: {}, {}, waits for its turn behind users before\n",
                     longest->name, format_seconds(took(*longest)));
}

std::string run_notes(const RunResult& run) {
    std::string notes;
    if (!run.kept_precision.empty()) {
        const bool mixed = run.precision == "mixed";
        notes += "note: " + (mixed ? "--precision" : run.precision) + " leaves alone " +
                 joined(run.kept_precision) + "\n";
    }
    if (!run.dense_pruned_layers.empty()) {
        notes += fmt::format(
            "note: {} {}: {} pruned layer{} no gain\n", run.machine,
            run.sparse_support.empty()
                ? "has no support for sparse weights"
                : "passes over zeros of weights pruned to " + run.sparse_support + " alone",
            run.dense_pruned_layers.size(),
            run.dense_pruned_layers.size() == 1 ? " takes" : "s take");
    }
    if (!run.wider_lanes.empty()) {
        notes += fmt::format("note: {} lacks lanes for some precisions and multiplies {}\n",
                             run.machine, joined(run.wider_lanes));
    }
    for (const DramRate& rate : run.dram_rates) {
        notes += "note: on " + run.machine + " " + dram_rate_text(rate) + "\n";
    }
    if (!run.trained_at.empty()) {
        notes += "note: " + changed_text(run.trained_at) + "\n";
    }
    std::string parts;
    for (const Status status : kStatuses) {
        const Joules energy = run.totals.by_status[static_cast<std::size_t>(status)];
        if (energy.count() > 0) {
            parts += (parts.empty() ? "" : ", ") + percent(ratio(energy, run.totals.energy)) + " " +
                     name(status);
        }
    }
    notes +=
        "note: energy on " + run.machine + " by where its coefficients come from: " + parts + "\n";
    if (const auto& memory = run.totals.training) {
        notes += "note: the step needs " + format_bytes(memory->total()) + ": parameters " +
                 format_bytes(memory->parameters) + ", fp32 copies " +
                 format_bytes(memory->masters) + ", optimizer state " +
                 format_bytes(memory->optimizer) + ", activations and gradients at once " +
                 format_bytes(memory->peak_live) + " (saved for the backward pass " +
                 format_bytes(memory->saved) + ")\n";
    }
    if (const auto& shared = run.totals.tensor_parallel) {
        notes += tensor_parallel_note(run.totals, *shared);
    }
    if (run.totals.stalls > 0) {
        notes += late_text(run);
    }
    if (const auto& extrapolation = run.scenario.extrapolation) {
        std::string contexts;
        for (const std::int64_t context : extrapolation->contexts) {
            contexts += (contexts.empty() ? "" : ", ") + std::to_string(context);
        }
        notes += fmt::format(
            "note: {} were run at contexts {}; the others lie on straight lines between, "
            "which without {} would miss it by {:.2f} %\n",
            run.scenario.phase == Phase::prefill ? "chunks of the prompt" : "decode steps",
            contexts, extrapolation->checked, 100 * extrapolation->error);
    }
    if (const auto& repeated = run.scenario.repeated) {
        notes += fmt::format(
            "note: the {} layers from {} on stand for {} equal blocks behind them; in time they "
            "differ from the block before by {:.3f} %\n",
            repeated->layers, repeated->stands, repeated->blocks, 100 * repeated->error);
    }
    if (const auto& composed = run.scenario.composed) {
        notes += fmt::format(
            "note: {} of {} cards were run; the others do the same as one of these, which another "
            "one of them misses by {:.3f} %; the way over all cards is composed\n",
            composed->run, composed->cards, 100 * composed->error);
    }
    return notes + queueing_note(run);
}

/// Layers that the table leaves out.
static std::string silent_note(const RunResult& run) {
    std::size_t silent = 0;
    for (const LayerResult& layer : run.layers) {
        silent += is_shown(layer) || layer.op == "none" ? 0 : 1;
    }
    return silent == 0
               ? ""
               : fmt::format("note: layers without energy of their own, not shown: {}\n", silent);
}

std::string run_report(const RunResult& run) {
    const std::string stages = pipeline_text(run);
    return run_title(run) + "\n\n" + totals_text(run) + "\n" + stages +
           (stages.empty() ? "" : "\n") + layers_text(run) + "\n" + run_notes(run) +
           silent_note(run);
}

}  // namespace memwall
