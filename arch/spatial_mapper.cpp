// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial_mapper.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "arch/core_work.hpp"
#include "arch/machine_training.hpp"
#include "arch/spatial/design.hpp"
#include "base/error.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

Cores cores_of(const Chip& chip) {
    Cores cores;
    cores.array = chip.array;
    cores.vector = chip.vector;
    cores.operands = chip.core_memory;
    cores.weights = chip.weight_buffer;
    cores.accumulators = chip.accumulators;
    cores.array_config = chip.array_config;
    cores.vector_config = chip.vector_config;
    cores.read_width = chip.core_memory_config->read_width;
    cores.by_expert = true;
    return cores;
}

/// A way to run `network`, a batch or a part of one, over the chip.
struct Choice {
    Network network;
    std::vector<FusedLayer> fused;
    std::vector<SpatialPlan> plans;
    SpatialDesign design;

    [[nodiscard]] double seconds_per_item() const {
        return to_seconds(design.steady.round).count() / static_cast<double>(network.batch());
    }
};

/// How many splits of each layer are tried, plan by plan. More effort tries all that less does, so
/// it is never slower.
std::vector<std::size_t> beams_of(Effort effort) {
    switch (effort) {
        case Effort::quick:
            return {3};
        case Effort::normal:
            return {3, 6};
        case Effort::thorough:
            return {3, 6, 12, 24};
    }
    fail("unknown effort");
}

bool faster(const Choice& choice, const Choice& than) {
    return choice.seconds_per_item() < than.seconds_per_item() * (1 - 1e-9);
}

/// A chip with its mesh and vector units.
struct PlainChip {
    MeshConfig mesh;
    VectorUnitConfig vector;
    Chip chip;
};

// MODEL: what a split costs is estimated. So that more hardware is not slower by a wrong estimate,
// splits are also priced as on plainer chips: with links of partial sums no wider than two of the
// activations', with no more vector lanes than eight a result that the array hands out a cycle, and
// with the largest powers of two of columns and rows. The fastest is taken.
std::vector<std::unique_ptr<PlainChip>> plain_chips(const Chip& chip) {
    std::vector<std::unique_ptr<PlainChip>> plain;
    const auto add = [&] {
        plain.push_back(
            std::make_unique<PlainChip>(PlainChip{*chip.mesh, *chip.vector_config, chip}));
        plain.back()->chip.mesh = &plain.back()->mesh;
        plain.back()->chip.vector_config = &plain.back()->vector;
        return plain.back().get();
    };
    const Bytes width = chip.mesh->link_width * 2;
    if (chip.partial_sum_width > width) {
        add()->chip.partial_sum_width = width;
    }
    std::int64_t results = 0;
    for (const ArrayShape& shape : chip.array_config->shapes) {
        results = std::max(results, shape.outputs);
    }
    if (chip.vector_config->lanes > results * 8) {
        add()->vector.lanes = results * 8;
    }
    const std::int64_t columns = power_of_two_up_to(chip.mesh->columns);
    const std::int64_t rows = power_of_two_up_to(chip.mesh->rows);
    if (columns != chip.mesh->columns || rows != chip.mesh->rows) {
        PlainChip& smaller = *add();
        smaller.mesh.columns = columns;
        smaller.mesh.rows = rows;
        smaller.chip.cores = columns * rows;
    }
    return plain;
}

/// Finds the fastest of the plans that the effort allows and the memories hold.
class ItemsMapper {
public:
    /// `parts`: of the batch, one after another.
    ItemsMapper(const Network& network, std::int64_t parts, const Machine& machine,
                const Chip& chip, const Cores& cores, const MapperOptions& options)
        : network_(network),
          parts_(parts),
          machine_(machine),
          chip_(chip),
          cores_(cores),
          options_(options),
          fused_(fuse_layers(network)) {}

    Choice run() {
        try_plans(chip_, 1);
        for (const auto& plain : plain_chips(chip_)) {
            try_plans(plain->chip, 1);
        }
        if (crowded_ && network_.state_bytes() > Bytes(0)) {
            const std::exception_ptr uneven = std::exchange(refusal_, nullptr);
            try_plans(chip_, even_cache_share());
            if (!best_) {
                try_plans(chip_, 0);
            }
            refusal_ = refusal_ ? refusal_ : uneven;  // that of even caches says more
        }
        if (!best_) {
            std::rethrow_exception(refusal_);
        }
        return std::move(*best_);
    }

private:
    /// `planned_on`: the chip, or one that splits are priced on in its place.
    void try_plans(const Chip& planned_on, double cache_share) {
        for (std::vector<SpatialPlan>& plans :
             plan_splits(network_, fused_, machine_, planned_on, cores_of(planned_on),
                         beams_of(options_.effort), cache_share, options_)) {
            throw_if_cancelled(options_);
            if (std::any_of(tried_.begin(), tried_.end(),
                            [&](const auto& tried) { return same_splits(tried, plans); })) {
                continue;
            }
            tried_.push_back(plans);
            try_plan(std::move(plans));
        }
    }

    void try_plan(std::vector<SpatialPlan> plans) {
        Choice choice{network_, fused_, std::move(plans), {}};
        try {
            choice.design = design_spatial(choice.network, machine_, chip_, cores_, choice.fused,
                                           choice.plans, parts_, options_);
        } catch (const InputError&) {
            refusal_ = refusal_ ? refusal_ : std::current_exception();
            crowded_ = true;
            return;
        }
        crowded_ = crowded_ || choice.design.memories.weights_moved;
        if (!best_ || faster(choice, *best_)) {
            best_ = std::move(choice);
        }
    }

    /// Of a layer's cache in each core, if all caches lie beside an even share of the weights.
    [[nodiscard]] double even_cache_share() const {
        const std::int64_t weights = ceil_divide(network_.weight_bytes().count(), chip_.cores);
        const std::int64_t programs = chip_.program.count() * chip_.programs;
        const std::int64_t room = chip_.core_memory_config->capacity.count() - weights - programs;
        const Bytes caches = network_.state_bytes() * parts_;
        return std::clamp(static_cast<double>(room) / static_cast<double>(caches.count()), 0.0,
                          1.0);
    }

    const Network& network_;
    std::int64_t parts_;
    const Machine& machine_;
    const Chip& chip_;
    const Cores& cores_;
    const MapperOptions& options_;
    std::vector<FusedLayer> fused_;
    std::vector<std::vector<SpatialPlan>> tried_;
    bool crowded_ = false;  ///< some plan did not fit, or moved weights out of full cores
    std::optional<Choice> best_;
    std::exception_ptr refusal_;
};

Choice map_items(const Network& network, std::int64_t parts, const Machine& machine,
                 const Chip& chip, const Cores& cores, const MapperOptions& options) {
    return ItemsMapper(network, parts, machine, chip, cores, options).run();
}

/// Items that run through the chip together: all of the batch, or equal parts of it that fit.
Choice choose(const Network& network, const Machine& machine, const Chip& chip, const Cores& cores,
              const MapperOptions& options) {
    if (network.batch() == 1 || network.trains()) {
        return map_items(network, 1, machine, chip, cores, options);
    }
    std::optional<Choice> best;
    std::exception_ptr refusal;
    MapperOptions trial = options;
    trial.effort = Effort::quick;  // how many go together shows at any effort
    for (std::int64_t items = 1; items <= network.batch(); ++items) {
        if (network.batch() % items != 0 || (options.together > 0 && items != options.together)) {
            continue;
        }
        try {
            Choice choice = map_items(with_batch(network, items), network.batch() / items, machine,
                                      chip, cores, trial);
            if (!best || faster(choice, *best)) {
                best = std::move(choice);
            }
        } catch (const InputError&) {
            refusal = std::current_exception();
            break;  // more items need more room
        }
    }
    if (!best && !refusal) {
        throw InputError("a batch of " + std::to_string(network.batch()) +
                         " is no whole number of " + std::to_string(options.together) +
                         " that go together");
    }
    if (!best) {
        std::rethrow_exception(refusal);
    }
    if (options.effort != trial.effort) {
        Choice careful = map_items(best->network, network.batch() / best->network.batch(), machine,
                                   chip, cores, options);
        if (faster(careful, *best)) {
            best = std::move(careful);
        }
    }
    return std::move(*best);
}

std::string summary(const CoreSplit& split) {
    std::string parts;
    for (const Dim dim : all_dims()) {
        if (split.parts(dim) > 1) {
            parts +=
                (parts.empty() ? "" : " x ") + std::to_string(split.parts(dim)) + " " + name(dim);
        }
    }
    return (parts.empty() ? "one" : parts) + " on " + std::to_string(split.cores()) + " cores";
}

}  // namespace

void SpatialMapper::check(const Machine& machine) const {
    const Chip parts(machine);
}

void SpatialMapper::check_layers(const Network& network, const Machine& machine) const {
    memwall::check_layers(network, machine, cores_of(Chip(machine)));
    if (network.trains()) {
        check_trains(machine);
    }
}

SpatialMemory map_memory(const Network& network, const Machine& machine,
                         const MapperOptions& options) {
    check_mappable(network, machine, options);
    const Chip chip(machine);
    Choice choice = choose(network, machine, chip, cores_of(chip), options);
    SpatialMemory memory;
    memory.memories = std::move(choice.design.memories);
    for (const FusedLayer& fused : choice.fused) {
        memory.layers.push_back(fused.root);
    }
    memory.sub_batch = choice.network.batch();
    memory.columns = chip.mesh->columns;
    return memory;
}

SpatialActivity map_activity(const Network& network, const Machine& machine,
                             const MapperOptions& options) {
    check_mappable(network, machine, options);
    const Chip chip(machine);
    const Choice choice = choose(network, machine, chip, cores_of(chip), options);
    SpatialActivity activity;
    activity.cores = core_activity(choice.network, machine, chip, choice.design.layers);
    for (const FusedLayer& fused : choice.fused) {
        activity.layers.push_back(fused.root);
    }
    activity.sub_batch = choice.network.batch();
    activity.columns = chip.mesh->columns;
    return activity;
}

Mapping SpatialMapper::map(const Network& network, const Machine& machine,
                           const MapperOptions& options) const {
    const Chip chip(machine);
    const Cores cores = cores_of(chip);
    Choice choice = choose(network, machine, chip, cores, options);
    Mapping mapping;
    mapping.sub_batch = choice.network.batch();
    mapping.outermost = chip.frame_buffer;
    MapperOptions of_part = options;
    of_part.rounds = checked_multiply(options.rounds, network.batch() / choice.network.batch());
    mapping.program = emit_spatial(choice.network, machine, chip, cores, choice.design, of_part);
    mapping.layers.resize(network.layers().size());
    for (std::size_t l = 0; l < mapping.layers.size(); ++l) {
        mapping.layers[l].layer = LayerId(l);
        mapping.layers[l].bound = io_lower_bound(choice.network.layer(LayerId(l)).space,
                                                 chip.core_memory_config->capacity * chip.cores);
    }
    for (std::size_t f = 0; f < choice.fused.size(); ++f) {
        const FusedLayer& fused = choice.fused[f];
        const Layer& root = choice.network.layer(fused.root);
        LayerMapping& layer = mapping.layers[fused.root.position()];
        layer.summary = summary(choice.plans[f].split);
        if (root.macs() > 0) {
            const ArrayShape* shape = array_shape(*cores.array_config, root.precision);
            layer.utilization = static_cast<double>(root.macs()) /
                                (choice.plans[f].compute *
                                 static_cast<double>(shape->macs_per_cycle() * chip.cores));
        }
        for (const LayerId epilogue : fused.epilogues) {
            mapping.layers[epilogue.position()].fused = true;
            mapping.layers[epilogue.position()].summary = "on the way out of " + root.name;
        }
    }
    return mapping;
}

}  // namespace memwall
