// SPDX-License-Identifier: Apache-2.0
#include "study/floorplan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "arch/spatial_mapper.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "sim/result_read.hpp"
#include "study/execute.hpp"
#include "study/interrupt.hpp"
#include "study/load.hpp"
#include "study/run_check.hpp"
#include "study/run_inputs.hpp"

namespace memwall {
namespace {

constexpr Bytes kLargestResult(std::int64_t{1} << 30);
constexpr double kKibibyte = 1024;
constexpr double kMilliwatt = 1e-3;

const std::vector<std::string>& by_names() {
    static const std::vector<std::string> kNames = {"traffic", "power"};
    return kNames;
}

/// The network, machine and settings of a run, as its result tells them.
struct RunAgain {
    NetworkSource network;
    Machine machine;
    RunSettings settings;
};

RunAgain read_again(const RunResult& run, const Result& result, const FloorplanRequest& request,
                    const Configs& configs) {
    RunRequest named;
    named.network = request.network.empty() ? run.network : request.network;
    named.machine = request.machine.empty() ? run.machine : request.machine;
    named.overrides = sort_overrides(run.overrides);
    InputFiles inputs;
    auto [network, machine] = load_run_inputs(configs, named, inputs);
    RunSettings settings;
    settings.engine = Engine::analytic;
    settings.effort = parse_effort(result.provenance.mapper_effort);
    const std::string own = at_precision(network.network(), "").precision;
    settings.precision = run.precision == own ? "" : run.precision;
    const Scenario& scenario = run.scenario;
    settings.scenario.phase = scenario.phase;
    settings.scenario.batch = scenario.batch;
    settings.scenario.items = scenario.items;
    settings.scenario.warmup_items = scenario.warmup_items;
    settings.scenario.cold = scenario.cold;
    return {std::move(network), std::move(machine), settings};
}

/// Arithmetic and the moving of data: the same with both engines.
Joules work_energy(const LayerResult& layer) {
    return layer.by_kind[static_cast<std::size_t>(EnergyKind::arithmetic)] +
           layer.by_kind[static_cast<std::size_t>(EnergyKind::data_movement)];
}

void expect_same(const RunResult& found, const RunResult& now, const std::string& file) {
    constexpr double kSame = 1e-6;
    for (std::size_t l = 0; l < found.layers.size(); ++l) {
        const double was = work_energy(found.layers[l]).count();
        const double is = l < now.layers.size() ? work_energy(now.layers[l]).count() : -1;
        if (std::abs(was - is) > kSame * std::max(was, is)) {
            throw InputError("'" + file + "' is no result of these files any more: layer '" +
                             found.layers[l].name + "' comes out otherwise; run it again");
        }
    }
}

/// The layers that run as one from `f` on: positions in the network.
std::vector<std::size_t> group_of(const SpatialActivity& activity, std::size_t f,
                                  const RunResult& run) {
    std::vector<std::size_t> group;
    const std::size_t root = activity.layers[f].position();
    for (std::size_t l = 0; l < run.layers.size(); ++l) {
        if (l == root || run.layers[l].fused_with == root) {
            group.push_back(l);
        }
    }
    return group;
}

/// What a layer does in the cores of a chip.
class LayerOnCores {
public:
    LayerOnCores(const RunAgain& again, const SpatialActivity& activity, const RunResult& found,
                 const RunResult& now)
        : machine_(again.machine), activity_(activity), found_(found), now_(now) {}

    [[nodiscard]] std::vector<double> traffic(std::size_t f) const {
        std::vector<double> cores;
        for (const CoreActivity& core : activity_.cores[f]) {
            cores.push_back(static_cast<double>(core.traffic()) / kKibibyte);
        }
        return cores;
    }

    // MODEL: in a floor plan the energy of a mesh lies at the routers by the bytes that they send
    // on, and all other energy of a layer's work in its cores by their parts of it. Leakage and
    // clock trees of what is beside the cores are spread evenly; the frame buffer and the host link
    // are in no core.
    [[nodiscard]] std::vector<double> power(std::size_t f) const {
        const std::vector<CoreActivity>& cores = activity_.cores[f];
        const std::vector<std::size_t> group = group_of(activity_, f, found_);
        const double seconds = duration(group);
        const Energies energies = energies_of(group);
        std::array<double, kMeshes> hops{};
        double work = 0;
        for (const CoreActivity& core : cores) {
            work += static_cast<double>(core.work);
            for (std::size_t m = 0; m < kMeshes; ++m) {
                hops[m] += static_cast<double>(core.hops[m]);
            }
        }
        std::vector<double> watts;
        for (const CoreActivity& core : cores) {
            double joules =
                work > 0 ? energies.in_cores * static_cast<double>(core.work) / work : 0;
            for (std::size_t m = 0; m < kMeshes; ++m) {
                joules += hops[m] > 0
                              ? energies.of_mesh[m] * static_cast<double>(core.hops[m]) / hops[m]
                              : 0;
            }
            watts.push_back((joules / seconds + standing() / static_cast<double>(cores.size())) /
                            kMilliwatt);
        }
        return watts;
    }

    /// Whether a layer's beginning and end are known.
    [[nodiscard]] bool takes_time(std::size_t f) const {
        return duration(group_of(activity_, f, found_)) > 0;
    }

private:
    struct Energies {
        double in_cores = 0;                    ///< J a round
        std::array<double, kMeshes> of_mesh{};  ///< J a round
    };

    [[nodiscard]] double duration(const std::vector<std::size_t>& group) const {
        double begin = found_.layers[group.front()].start.count();
        double end = begin;
        for (const std::size_t l : group) {
            if (found_.layers[l].bound_by) {
                begin = std::min(begin, found_.layers[l].start.count());
                end = std::max(end, found_.layers[l].end.count());
            }
        }
        return end - begin;
    }

    [[nodiscard]] bool beside_cores(ComponentId id) const {
        const std::string& name = machine_.component(id).name;
        return name != "host" && name != "frame_buffer";
    }

    [[nodiscard]] Energies energies_of(const std::vector<std::size_t>& group) const {
        const std::array<ComponentId, kMeshes> meshes = meshes_of(Chip(machine_));
        const auto rounds = static_cast<double>(now_.scenario.counted_rounds());
        Energies energies;
        for (const LedgerRow& row : now_.ledger) {
            if (!row.layer.valid() || !row.counted || !beside_cores(row.component) ||
                std::find(group.begin(), group.end(), row.layer.position()) == group.end()) {
                continue;
            }
            const auto mesh = std::find(meshes.begin(), meshes.end(), row.component);
            double& into = mesh == meshes.end()
                               ? energies.in_cores
                               : energies.of_mesh[static_cast<std::size_t>(mesh - meshes.begin())];
            into += row.energy.count() / rounds;
        }
        return energies;
    }

    [[nodiscard]] double standing() const {
        double watts = 0;
        for (std::size_t c = 0; c < machine_.components().size(); ++c) {
            const Component& component = machine_.components()[c];
            if (beside_cores(ComponentId(c))) {
                watts += component.static_power.value + component.clock_power.value;
            }
        }
        return watts;
    }

    const Machine& machine_;
    const SpatialActivity& activity_;
    const RunResult& found_;
    const RunResult& now_;
};

std::size_t layer_named(const std::string& name, const SpatialActivity& activity,
                        const RunResult& run) {
    std::vector<std::string> names;
    for (std::size_t f = 0; f < activity.layers.size(); ++f) {
        for (const std::size_t l : group_of(activity, f, run)) {
            if (run.layers[l].name == name) {
                return f;
            }
            names.push_back(run.layers[l].name);
        }
    }
    throw InputError("--layer: network '" + run.network + "' has no layer '" + name +
                     "' that runs on the cores" + suggestion(name, names));
}

/// The figures of the layer asked for, or of the one with the busiest core.
std::pair<std::size_t, std::vector<double>> chosen(const LayerOnCores& layers,
                                                   const SpatialActivity& activity,
                                                   const RunResult& run,
                                                   const FloorplanRequest& request) {
    const auto cores_of = [&](std::size_t f) {
        return request.by == FloorplanBy::traffic ? layers.traffic(f) : layers.power(f);
    };
    if (!request.layer.empty()) {
        const std::size_t f = layer_named(request.layer, activity, run);
        if (request.by == FloorplanBy::power && !layers.takes_time(f)) {
            throw InputError("--by power: layer '" + request.layer + "' takes no time of its own");
        }
        return {f, cores_of(f)};
    }
    std::pair<std::size_t, std::vector<double>> busiest;
    double most = -1;
    for (std::size_t f = 0; f < activity.layers.size(); ++f) {
        if (request.by == FloorplanBy::power && !layers.takes_time(f)) {
            continue;
        }
        std::vector<double> cores = cores_of(f);
        const double core = *std::max_element(cores.begin(), cores.end());
        if (core > most) {
            most = core;
            busiest = {f, std::move(cores)};
        }
    }
    ensure(most >= 0, "some layer of a run takes time");
    return busiest;
}

/// Of frames on one chip.
const RunResult& run_on_cores(const Result& result, const std::string& file) {
    for (const RunResult& run : result.runs) {
        const bool meshes =
            std::any_of(run.components.begin(), run.components.end(),
                        [](const ComponentResult& each) { return each.name == "model_network"; });
        if (meshes && !run.totals.pipeline && !run.scenario.language && !run.scenario.training) {
            return run;
        }
    }
    throw InputError("'" + file +
                     "' has no run of frames on one chip whose memory lies beside its cores");
}

}  // namespace

FloorplanBy parse_floorplan_by(const std::string& text) {
    const auto found = std::find(by_names().begin(), by_names().end(), text);
    if (found == by_names().end()) {
        throw InputError("--by: expected traffic or power, found '" + text + "'" +
                         suggestion(text, by_names()));
    }
    return FloorplanBy(found - by_names().begin());
}

Floorplan floorplan_of(const std::string& result_file, const FloorplanRequest& request,
                       const Configs& configs) {
    const Result result = read_result(
        read_file_whole(result_file, result_file, "a result as JSON", kLargestResult), result_file);
    const RunResult& found = run_on_cores(result, result_file);
    const RunAgain again = read_again(found, result, request, configs);
    const RunResult now = execute(again.network, again.machine, again.settings, {}, {});
    expect_same(found, now, result_file);
    const NetworkAtPrecision items =
        with_items(again.network.network(), again.settings.precision, found.scenario.batch);
    MapperOptions options;
    options.effort = again.settings.effort;
    options.cancelled = interrupted;
    options.rounds = found.scenario.rounds();
    const SpatialActivity activity = map_activity(items.network, again.machine, options);
    if (request.by == FloorplanBy::power && activity.sub_batch != found.scenario.batch) {
        throw InputError(fmt::format(
            "--by power: the batch of {} goes through the chip in parts of {}, so that no layer "
            "has a time of its own; expected a run of a smaller batch",
            found.scenario.batch, activity.sub_batch));
    }
    const LayerOnCores layers(again, activity, found, now);
    auto [f, cores] = chosen(layers, activity, found, request);
    const std::string& layer = found.layers[activity.layers[f].position()].name;
    const bool traffic = request.by == FloorplanBy::traffic;
    return {fmt::format("{} on {} at {}: {}", found.network, found.machine, found.precision, layer),
            traffic ? "sent on by its router (KiB)" : "power (mW)", activity.columns,
            std::move(cores)};
}

}  // namespace memwall
