// SPDX-License-Identifier: Apache-2.0
#include "study/chip_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/error.hpp"
#include "sim/late_results.hpp"
#include "sim/result_read.hpp"
#include "study/execute.hpp"
#include "study/instances.hpp"
#include "study/laid_out.hpp"
#include "study/load.hpp"
#include "study/result_inputs.hpp"
#include "study/run_check.hpp"
#include "study/run_inputs.hpp"

namespace memwall {
namespace {

/// The network, machine and settings of a run, as its result tells them.
struct RunAgain {
    NetworkSource network;
    Machine machine;
    RunSettings settings;
};

/// What a scenario was asked for.
ScenarioRequest request_of(const Scenario& scenario) {
    ScenarioRequest request;
    request.phase = scenario.phase;
    if (!scenario.language) {
        request.batch = scenario.batch;
        request.items = scenario.items;
        request.warmup_items = scenario.warmup_items;
        request.cold = scenario.cold;
        return request;
    }
    const LanguageLoad& load = *scenario.language;
    request.users = load.users;
    if (scenario.phase == Phase::prefill) {
        request.prompt = load.prompt;
    } else {
        request.context = load.context;
        request.output_tokens = load.output_tokens;
    }
    return request;
}

/// Steps of a model have a mapping each, which their sum does not show.
void expect_one_step(const RunResult& run, const std::string& file) {
    if (!run.scenario.language) {
        return;
    }
    const LanguageLoad& load = *run.scenario.language;
    const bool token = run.scenario.phase == Phase::decode && load.output_tokens == 1;
    const bool prompt = run.scenario.phase == Phase::prefill && !load.in_chunks();
    if (!token && !prompt) {
        throw InputError("'" + file +
                         "' is of many steps of a language model, each with a mapping of its own; "
                         "expected a run of one: --phase decode with one output token, or "
                         "--phase prefill without --chunk");
    }
}

RunAgain read_again(const RunResult& run, const Result& result, const ChipRequest& request,
                    const Configs& configs, const std::string& file) {
    RunRequest named;
    const std::vector<InputFile>& files = result.provenance.inputs;
    named.network = input_again(ConfigKind::network, request.network, run.network, files, file);
    named.machine = input_again(ConfigKind::machine, request.machine, run.machine, files, file);
    named.overrides = sort_overrides(run.overrides);
    InputFiles inputs;
    auto [network, machine] = load_run_inputs(configs, named, inputs);
    RunSettings settings;
    settings.engine = parse_engine(run.engine);
    settings.effort = parse_effort(result.provenance.mapper_effort);
    const std::string own = at_precision(network.network(), "").precision;
    settings.precision = run.precision == own ? "" : run.precision;
    settings.scenario = request_of(run.scenario);
    return {std::move(network), std::move(machine), settings};
}

[[noreturn]] void throw_changed(const std::string& file, const std::string& what) {
    throw InputError("'" + file + "' is no result of these files any more: " + what +
                     "; run it again");
}

bool same(double was, double is) {
    constexpr double kSame = 1e-6;
    return std::abs(was - is) <= kSame * std::max(std::abs(was), std::abs(is));
}

/// Energies, times and counts of a layer; `chips` are counted in what was found. `sends_on`: what
/// leaves for another server is counted for it, too.
bool same_layer(const LayerResult& found, const LayerResult& now, std::int64_t chips,
                bool sends_on) {
    const auto share = static_cast<double>(chips);
    for (std::size_t k = 0; k < kEnergyKinds.size(); ++k) {
        const double was = found.by_kind[k].count() / share;
        const double is = now.by_kind[k].count();
        const bool link = sends_on && kEnergyKinds[k] == EnergyKind::data_movement && was > is;
        if (!link && !same(was, is)) {
            return false;
        }
    }
    double kinds = 0;
    for (const Joules each : found.by_kind) {
        kinds += each.count();
    }
    return same(found.energy.count(), kinds) && same(found.adds.count(), now.adds.count()) &&
           same((found.end - found.start).count(), (now.end - now.start).count()) &&
           same(found.utilization, now.utilization) &&
           same(static_cast<double>(found.macs), static_cast<double>(now.macs * chips)) &&
           same(static_cast<double>(found.stalls), static_cast<double>(now.stalls * chips));
}

/// `chips`: that are counted in what was found.
void expect_same(const ChipRun& chip, std::int64_t chips, bool sends_on, const std::string& file) {
    const std::vector<LayerResult>& found = chip.found.layers;
    const std::vector<LayerResult>& now = chip.now.layers;
    for (std::size_t l = 0; l < found.size(); ++l) {
        const bool last = l + 1 == found.size();
        if (l >= now.size() || !same_layer(found[l], now[l], chips, sends_on && last)) {
            throw_changed(file, "layer '" + found[l].name + "' comes out otherwise");
        }
    }
}

/// Of all chips, but for what servers around them draw.
void expect_same_totals(const Totals& found, const Totals& now, std::int64_t instances,
                        const std::string& file) {
    const auto share = static_cast<double>(instances);
    const auto expect = [&](const char* what, double was, double is) {
        if (!same(was, is)) {
            throw_changed(file, std::string("its ") + what + " comes out otherwise");
        }
    };
    expect("window", found.window.count(), now.window.count());
    expect("energy", found.energy.count(), now.energy.count() * share);
    expect("power", found.power.count(), now.power.count() * share);
    expect("throughput", found.throughput, now.throughput * share);
    expect("latency", found.latency.mean.count(), now.latency.mean.count());
}

bool is_on_cores(const RunResult& run) {
    return !run.scenario.training &&
           std::any_of(run.components.begin(), run.components.end(),
                       [](const ComponentResult& each) { return each.name == "model_network"; });
}

const RunResult& run_on_cores(const Result& result, const std::string& file) {
    const auto run = std::find_if(result.runs.begin(), result.runs.end(), is_on_cores);
    if (run == result.runs.end()) {
        throw InputError("'" + file + "' has no run on chips whose memory lies beside their cores");
    }
    return *run;
}

/// So many of a run's layers, with their places among each other.
std::vector<LayerResult> some_layers(const RunResult& run, std::size_t first, std::size_t count) {
    const auto begin = run.layers.begin() + static_cast<std::ptrdiff_t>(first);
    std::vector<LayerResult> layers(begin, begin + static_cast<std::ptrdiff_t>(count));
    for (LayerResult& layer : layers) {
        if (layer.fused_with) {
            layer.fused_with = *layer.fused_with - first;
        }
        move_late(layer.late, [&](std::size_t of) { return of - first; });
    }
    return layers;
}

bool same_stages(const PipelineResult& a, const PipelineResult& b) {
    return std::equal(a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(),
                      [](const StageResult& one, const StageResult& other) {
                          return one.first == other.first && one.last == other.last &&
                                 one.cards == other.cards;
                      });
}

/// All of the network on one chip, as frames.
ChipRun frames_again(const RunResult& found, RunAgain again, const std::string& file) {
    NetworkAtPrecision items =
        with_items(again.network.network(), again.settings.precision, found.scenario.batch);
    RunResult now = execute(again.network, again.machine, again.settings, {}, {});
    expect_same_totals(found.totals, now.totals, 1, file);
    const MapperOptions options = mapper_options(again.settings, again.machine, found.scenario);
    return {std::move(items.network),
            std::move(again.machine),
            options,
            found.machine,
            found,
            std::move(now)};
}

/// A step of a language model, or what the first card of a stage has of it or of frames.
ChipRun part_again(const RunResult& found, const RunAgain& again, std::size_t number,
                   const std::string& file) {
    LaidOut laid_out;
    Machine machine = one_instance(again.machine);
    const RunResult now = execute(again.network, machine, again.settings, {}, {{}, {}, &laid_out});
    expect_same_totals(found.totals, now.totals, instances_of(again.machine), file);
    std::string where = found.machine;
    if (found.totals.pipeline) {
        if (!now.totals.pipeline || !same_stages(*found.totals.pipeline, *now.totals.pipeline)) {
            throw_changed(file, "its stages come out otherwise");
        }
        where +=
            ", stage " + std::to_string(number + 1) + " of " + std::to_string(laid_out.stages());
    }
    std::size_t first = 0;
    for (std::size_t s = 0; s < number; ++s) {
        const CardPart part = laid_out.stage(s).part;
        first += part.network.layers().size() * static_cast<std::size_t>(part.cards);
    }
    const LaidOutStage stage = laid_out.stage(number);
    const std::size_t layers = stage.network.layers().size();
    if (first + layers > found.layers.size()) {
        throw_changed(file, "its layers come out otherwise");
    }
    MapperOptions options = mapper_options(again.settings, machine, stage.rounds);
    if (machine.parts().cards) {
        options.together = stage.together;
    }
    ChipRun chip{stage.network, std::move(machine), options, where, found, *stage.run};
    chip.found.layers = some_layers(found, first, layers);
    chip.now.layers = some_layers(*stage.run, 0, layers);
    return chip;
}

}  // namespace

ChipRun run_chip_again(const std::string& result_file, const ChipRequest& request,
                       const Configs& configs) {
    const Result result = read_result(read_result_text(result_file), result_file);
    const RunResult& found = run_on_cores(result, result_file);
    const auto& pipeline = found.totals.pipeline;
    if (request.stage && !pipeline) {
        throw InputError("--stage: '" + result_file + "' is of one chip, and has no stages");
    }
    const std::size_t stage = pipeline ? asked_stage(request.stage, *pipeline, found.machine) : 0;
    expect_one_step(found, result_file);
    RunAgain again = read_again(found, result, request, configs, result_file);
    ChipRun chip = pipeline || found.scenario.language
                       ? part_again(found, again, stage, result_file)
                       : frames_again(found, std::move(again), result_file);
    expect_same(chip, pipeline ? pipeline->instances : 1,
                pipeline && pipeline->stages[stage].between_servers, result_file);
    return chip;
}

}  // namespace memwall
