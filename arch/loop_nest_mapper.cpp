// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest_mapper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <map>

#include "arch/dram_access.hpp"
#include "arch/fused_layer.hpp"
#include "arch/loop_nest/given_nest.hpp"
#include "arch/loop_nest/nest_emitter.hpp"
#include "arch/loop_nest/nest_search.hpp"
#include "arch/loop_nest/nest_text.hpp"
#include "arch/loop_nest/zero_words.hpp"
#include "arch/network_bound.hpp"
#include "base/parallel.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

/// What makes two layers one to the search: their spaces without the names of their tensors.
struct SearchedLayer {
    IterationSpace space;
    LayerPrecision precision;
    std::vector<std::vector<std::size_t>> runs;
    SearchedNest found;
};

IterationSpace nameless(IterationSpace space) {
    for (Operand& operand : space.operands) {
        operand.tensor = TensorId();
    }
    return space;
}

class NestPlanner {
public:
    NestPlanner(const Network& network, const Machine& machine, const NestHierarchy& hierarchy,
                const MapperOptions& options)
        : network_(network), machine_(machine), hierarchy_(hierarchy), options_(options) {
        if (options.given) {
            given_ = read_given_nests(*options.given, network, hierarchy);
        }
    }

    /// MODEL: pointwise layers without an operand of their own run on results on their way out,
    /// where one memory of one instance gathers them; others are layers of their own.
    void run() {
        const std::vector<FusedLayer> all = fuse_layers(network_);
        search_ahead(all);
        for (const FusedLayer& fused : all) {
            add(fused.root);
            for (const LayerId epilogue : fused.epilogues) {
                if (has_operand(fused, epilogue) || given_.count(epilogue) > 0 || !joins()) {
                    add(epilogue);
                } else {
                    nests_.back().epilogues.push_back(epilogue);
                }
            }
        }
    }

    [[nodiscard]] const std::vector<MappedNest>& nests() const { return nests_; }
    [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

    /// Mappings that were looked at, where an interrupt ended some search.
    [[nodiscard]] std::optional<std::int64_t> cut_after() const {
        std::int64_t evaluations = 0;
        bool cut = false;
        for (const SearchedLayer& searched : searched_) {
            evaluations += searched.found.evaluations;
            cut = cut || searched.found.interrupted;
        }
        return cut ? std::optional(evaluations) : std::nullopt;
    }

private:
    static bool has_operand(const FusedLayer& fused, LayerId epilogue) {
        return std::find(fused.operand_of.begin(), fused.operand_of.end(), epilogue) !=
               fused.operand_of.end();
    }

    /// Layers that will be asked for whatever is found of others, several at a time.
    void search_ahead(const std::vector<FusedLayer>& all) {
        std::vector<LayerId> asked;
        for (const FusedLayer& fused : all) {
            asked.push_back(fused.root);
            std::copy_if(fused.epilogues.begin(), fused.epilogues.end(), std::back_inserter(asked),
                         [&](LayerId epilogue) { return has_operand(fused, epilogue); });
        }
        // Those with the most points first: they take longest.
        std::stable_sort(asked.begin(), asked.end(), [&](LayerId a, LayerId b) {
            return network_.layer(a).space.points() > network_.layer(b).space.points();
        });
        std::vector<std::function<void()>> searches;
        for (const LayerId id : asked) {
            if (given_.count(id) > 0) {
                continue;
            }
            const Layer& layer = network_.layer(id);
            NestMachine machine = machine_for(layer);
            if (find(layer, machine) == nullptr) {
                SearchedLayer& searched = searched_.emplace_back();
                searched.space = nameless(layer.space);
                searched.precision = layer.precision;
                searched.runs = machine.runs;
                searches.emplace_back([this, &layer, &searched, machine = std::move(machine)] {
                    searched.found = searched_nest(layer, machine);
                });
            }
        }
        parallel_for(searches.size(), options_.threads, [&](std::size_t i) { searches[i](); });
    }

    [[nodiscard]] bool joins() const {
        const MappedNest& nest = nests_.back();
        return hierarchy_.vector().valid() &&
               epilogue_level(network_.layer(nest.root).space, nest.nest, nest.machine) > 0;
    }

    void add(LayerId id) {
        const Layer& layer = network_.layer(id);
        MappedNest nest;
        nest.root = id;
        nest.machine = machine_for(layer);
        const auto given = given_.find(id);
        if (given != given_.end()) {
            nest.nest = given->second;
            nest.counts = count_nest(layer.space, nest.nest, nest.machine);
            notes_.emplace_back("given by hand");
        } else {
            const SearchedNest& found = search(layer, nest.machine);
            nest.nest = found.nest;
            nest.counts = found.counts;
            notes_.push_back(note(found));
        }
        nests_.push_back(std::move(nest));
    }

    [[nodiscard]] NestMachine machine_for(const Layer& layer) const {
        NestMachine machine = hierarchy_.machine_for(layer);
        for (const Operand& operand : layer.space.operands) {
            machine.runs.push_back(axes_of_runs(network_, operand.tensor));
        }
        return machine;
    }

    [[nodiscard]] const SearchedLayer* find(const Layer& layer, const NestMachine& machine) const {
        const IterationSpace space = nameless(layer.space);
        const auto known =
            std::find_if(searched_.begin(), searched_.end(), [&](const SearchedLayer& searched) {
                return searched.precision == layer.precision && searched.space == space &&
                       searched.runs == machine.runs;
            });
        return known == searched_.end() ? nullptr : &*known;
    }

    const SearchedNest& search(const Layer& layer, const NestMachine& machine) {
        if (const SearchedLayer* known = find(layer, machine)) {
            return known->found;
        }
        searched_.push_back(
            {nameless(layer.space), layer.precision, machine.runs, searched_nest(layer, machine)});
        return searched_.back().found;
    }

    [[nodiscard]] SearchedNest searched_nest(const Layer& layer, const NestMachine& machine) const {
        const NestPrices prices = nest_prices(machine_, hierarchy_, layer);
        if (options_.effort != Effort::quick && options_.cancelled()) {
            // Whoever stopped the search waits: what is not begun gets a good mapping at once.
            SearchedNest found = search_nest(layer, machine, prices, options_.objective,
                                             search_budget(Effort::quick), [] { return false; });
            found.interrupted = true;
            return found;
        }
        return search_nest(layer, machine, prices, options_.objective,
                           search_budget(options_.effort), options_.cancelled);
    }

    [[nodiscard]] std::string note(const SearchedNest& found) const {
        std::string text = "least " + std::string(name(options_.objective)) + " of " +
                           format_count(found.evaluations) + " mappings";
        if (found.interrupted) {
            return text + ", interrupted";
        }
        const double gap = found.gap(options_.objective);
        if (found.whole_mapspace || gap == 0) {
            return text + ", proved optimal";
        }
        return text + fmt::format(", at most {:.1f} % above the best", gap * 100);
    }

    const Network& network_;
    const Machine& machine_;
    const NestHierarchy& hierarchy_;
    const MapperOptions& options_;
    std::map<LayerId, LoopNest> given_;
    std::deque<SearchedLayer> searched_;  ///< whose places last
    std::vector<MappedNest> nests_;
    std::vector<std::string> notes_;
};

Bytes capacity_below(const Machine& machine, const NestHierarchy& hierarchy) {
    Bytes sum(0);
    for (const HierarchyLevel& level : hierarchy.levels()) {
        const Component& component = machine.component(level.memory);
        if (const auto* memory = std::get_if<MemoryConfig>(&component.config)) {
            sum += memory->capacity * component.instances;
        }
    }
    return sum;
}

void describe(const Layer& layer, const MappedNest& nest, const std::string& note,
              LayerMapping& mapping) {
    mapping.summary = nest_summary(nest.nest, nest.machine, layer.space.extents);
    mapping.utilization = layer.macs() > 0 ? lane_use(layer, nest.machine, nest.counts).busy : 0;
    mapping.loops = nest_code(layer, nest.nest, nest.machine, nest.counts) +
                    lane_text(layer, nest.machine, nest.counts);
    mapping.search = note;
    mapping.shifting = nest.counts.folds * nest.machine.array.load;
    for (const LevelTraffic& row : level_traffic(nest.counts, nest.nest.levels.size())) {
        mapping.traffic.push_back({nest.machine.memories[row.level].name,
                                   layer.space.operands[row.operand].role, row.read_below,
                                   row.written_above, row.written_below, row.read_above});
    }
}

}  // namespace

void LoopNestMapper::check(const Machine& machine) const {
    const NestHierarchy hierarchy(machine);
}

void LoopNestMapper::check_layers(const Network& network, const Machine& machine) const {
    NestHierarchy(machine).check_layers(network);
}

Mapping LoopNestMapper::map(const Network& network, const Machine& machine,
                            const MapperOptions& options) const {
    const NestHierarchy hierarchy(machine);
    NestPlanner planner(network, machine, hierarchy, options);
    planner.run();
    Mapping mapping;
    mapping.sub_batch = network.batch();
    mapping.outermost = hierarchy.levels().front().memory;
    mapping.search_cut_after = planner.cut_after();
    MapperOptions emitting = options;
    if (mapping.search_cut_after) {
        emitting.cancelled = [] { return false; };  // the interrupt has had its effect
    }
    mapping.program = NestEmitter(network, hierarchy, machine, planner.nests(), emitting).run();
    mapping.layers.resize(network.layers().size());
    const Bytes capacity = capacity_below(machine, hierarchy);
    for (std::size_t l = 0; l < mapping.layers.size(); ++l) {
        LayerMapping& layer = mapping.layers[l];
        layer.layer = LayerId(l);
        const Layer& of = network.layer(layer.layer);
        layer.bound = of.no_work ? io_lower_bound(of.space, capacity)
                                 : nest_io_bound(of.space, hierarchy.machine_for(of), capacity);
        layer.bound_applies = mapping.program.layers[l].bound_applies;
    }
    for (std::size_t n = 0; n < planner.nests().size(); ++n) {
        const MappedNest& nest = planner.nests()[n];
        const Layer& root = network.layer(nest.root);
        describe(root, nest, planner.notes()[n], mapping.layers[nest.root.position()]);
        for (const LayerId epilogue : nest.epilogues) {
            mapping.layers[epilogue.position()].fused = true;
            mapping.layers[epilogue.position()].summary = "on the way out of " + root.name;
        }
    }
    const double share = least_stored_share(network, machine, hierarchy.dma());
    mapping.network_bound = Bytes(static_cast<std::int64_t>(
        static_cast<double>(network_bound(network, capacity).count()) * share));
    return mapping;
}

}  // namespace memwall
