// SPDX-License-Identifier: Apache-2.0
#include "study/floorplan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "arch/spatial_mapper.hpp"
#include "base/error.hpp"
#include "study/chip_run.hpp"
#include "study/pipeline_text.hpp"

namespace memwall {
namespace {

constexpr double kKibibyte = 1024;
constexpr double kMilliwatt = 1e-3;

const std::vector<std::string>& by_names() {
    static const std::vector<std::string> kNames = {"traffic", "power"};
    return kNames;
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
    LayerOnCores(const ChipRun& chip, const SpatialActivity& activity)
        : machine_(chip.machine), activity_(activity), found_(chip.found), now_(chip.now) {}

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
        double in_cores = 0;                    ///< J of what goes through together
        std::array<double, kMeshes> of_mesh{};  ///< the same
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
        const double passes = static_cast<double>(now_.scenario.counted_items()) /
                              static_cast<double>(activity_.sub_batch);
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
            into += row.energy.count() / passes;
        }
        return energies;
    }

    [[nodiscard]] double standing() const {
        double watts = 0;
        for (std::size_t c = 0; c < machine_.components().size(); ++c) {
            const Component& component = machine_.components()[c];
            if (beside_cores(ComponentId(c))) {
                watts += component.standing_power();
            }
        }
        return watts;
    }

    const Machine& machine_;
    const SpatialActivity& activity_;
    const RunResult& found_;
    const RunResult& now_;
};

/// A layer by its name on the chip, or in the result, which tells cards with parts of one apart.
std::size_t layer_named(const std::string& name, const SpatialActivity& activity,
                        const Network& on_chip, const RunResult& run) {
    std::vector<std::string> names;
    for (std::size_t f = 0; f < activity.layers.size(); ++f) {
        for (const std::size_t l : group_of(activity, f, run)) {
            const std::string& own = on_chip.layers()[l].name;
            if (own == name || run.layers[l].name == name) {
                return f;
            }
            names.push_back(own);
        }
    }
    throw InputError("--layer: network '" + run.network + "' has no layer '" + name +
                     "' that runs on the cores" +
                     (run.totals.pipeline ? " of this stage; the stages are " +
                                                stage_list(run.totals.pipeline->stages)
                                          : "") +
                     suggestion(name, names));
}

/// The figures of the layer asked for, or of the one with the busiest core.
std::pair<std::size_t, std::vector<double>> chosen(const LayerOnCores& layers,
                                                   const SpatialActivity& activity,
                                                   const ChipRun& chip,
                                                   const FloorplanRequest& request) {
    const auto cores_of = [&](std::size_t f) {
        return request.by == FloorplanBy::traffic ? layers.traffic(f) : layers.power(f);
    };
    if (!request.layer.empty()) {
        const std::size_t f = layer_named(request.layer, activity, chip.network, chip.found);
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

}  // namespace

FloorplanBy parse_floorplan_by(const std::string& text) {
    const auto found = std::find(by_names().begin(), by_names().end(), text);
    if (found == by_names().end()) {
        throw InputError("--by: expected traffic or power, found '" + text + "'" +
                         suggestion(text, by_names()));
    }
    return FloorplanBy(found - by_names().begin());
}

ChipFloorplans::ChipFloorplans(ChipRun chip)
    : chip_(std::move(chip)),
      activity_(map_activity(chip_.network, chip_.machine, chip_.options)) {}

Floorplan ChipFloorplans::of(const FloorplanRequest& request) const {
    const RunResult& found = chip_.found;
    auto [f, cores] = chosen(LayerOnCores(chip_, activity_), activity_, chip_, request);
    return {fmt::format("{} on {} at {}: {}", found.network, chip_.where, found.precision,
                        chip_.network.layer(activity_.layers[f]).name),
            request.by == FloorplanBy::traffic ? "sent on by its router (KiB)" : "power (mW)",
            activity_.columns, std::move(cores)};
}

}  // namespace memwall
