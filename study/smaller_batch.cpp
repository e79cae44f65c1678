// SPDX-License-Identifier: Apache-2.0
#include "study/smaller_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "arch/wave_mapper.hpp"
#include "base/parse.hpp"
#include "base/quantity.hpp"
#include "study/figures.hpp"
#include "study/run_check.hpp"

namespace memwall {
namespace {

/// A smaller gain may be the model's error: its counted rows of frames on GPUs lie within 20 % of
/// what is published.
constexpr double kLeastGain = 1.2;

bool makes_frames_with_kernels(const RunResult& run, const Machine& machine) {
    const Scenario& scenario = run.scenario;
    const bool of_frames = scenario.phase == Phase::stream || scenario.phase == Phase::offline;
    return machine.parts().mapper == kWaveMapper && !machine.parts().cards && of_frames &&
           !scenario.language;
}

Bytes cache_of(const Machine& machine) {
    return machine.component(machine.of_kind(ComponentKind::cache).front()).capacity();
}

/// Ascending; below that of the run.
std::vector<std::int64_t> batches_around_fit(const Network& whole, Bytes cache) {
    const std::int64_t batch = whole.batch();
    const double frame =
        static_cast<double>(whole.peak_activation_bytes().count()) / static_cast<double>(batch);
    const auto held = static_cast<std::int64_t>(static_cast<double>(cache.count()) / frame);
    const std::int64_t below = power_of_two_up_to(std::clamp<std::int64_t>(held, 1, batch));
    std::vector<std::int64_t> batches = {below, 2 * below};
    batches.erase(std::lower_bound(batches.begin(), batches.end(), batch), batches.end());
    return batches;
}

RunResult at_batch(std::int64_t batch, const NetworkSource& source, const Machine& machine,
                   RunSettings settings) {
    settings.engine = Engine::analytic;
    settings.scenario.batch = batch;
    settings.scenario.items.reset();
    settings.scenario.warmup_items.reset();
    return execute(source, machine, settings, {}, {});
}

/// Of a frame.
Bytes activations_through_dram(const RunResult& run, const Machine& machine) {
    Bytes sum;
    for (const LayerResult& layer : run.layers) {
        for (const MemoryTraffic& memory : layer.traffic) {
            const ComponentId component = machine.find(memory.memory);
            if (machine.component(component).kind != ComponentKind::dram) {
                continue;
            }
            for (const TensorTraffic& tensor : memory.tensors) {
                if (tensor.tensor == TensorRole::inputs || tensor.tensor == TensorRole::outputs) {
                    sum += tensor.read + tensor.write;
                }
            }
        }
    }
    return Bytes(sum.count() / run.totals.items);
}

}  // namespace

std::optional<SmallerBatch> faster_smaller_batch(const RunResult& run, const NetworkSource& source,
                                                 const Machine& machine,
                                                 const RunSettings& settings) {
    if (!makes_frames_with_kernels(run, machine) || settings.mapping) {
        return std::nullopt;
    }
    const Network whole =
        with_items(source.network(), settings.precision, run.scenario.batch).network;
    const std::vector<std::int64_t> batches = batches_around_fit(whole, cache_of(machine));
    if (batches.empty()) {
        return std::nullopt;
    }
    const RunResult larger = settings.engine == Engine::analytic
                                 ? run
                                 : at_batch(run.scenario.batch, source, machine, settings);
    SmallerBatch best;
    best.than = larger.totals.throughput;
    best.activations_of_larger = activations_through_dram(larger, machine);
    for (const std::int64_t batch : batches) {
        const RunResult smaller = at_batch(batch, source, machine, settings);
        const Bytes activations = activations_through_dram(smaller, machine);
        if (smaller.totals.throughput > best.throughput &&
            activations < best.activations_of_larger) {
            best.batch = batch;
            best.throughput = smaller.totals.throughput;
            best.activations = activations;
        }
    }
    return best.throughput >= kLeastGain * best.than ? std::optional(best) : std::nullopt;
}

std::string smaller_batch_note(const RunResult& run, const Machine& machine,
                               const std::optional<SmallerBatch>& smaller) {
    if (!smaller) {
        return "";
    }
    const std::string& cache =
        machine.component(machine.of_kind(ComponentKind::cache).front()).name;
    return fmt::format(
        "note: {} is faster at batch {}: {} {}s/s, {} more; its {} of {} then holds more of what "
        "layers hand on, of which {} a {} pass the DRAM, at batch {} {}\n",
        run.machine, smaller->batch, rate(smaller->throughput), run.totals.item,
        percent(smaller->throughput / smaller->than - 1), cache, format_bytes(cache_of(machine)),
        format_bytes(smaller->activations), run.totals.item, run.scenario.batch,
        format_bytes(smaller->activations_of_larger));
}

}  // namespace memwall
