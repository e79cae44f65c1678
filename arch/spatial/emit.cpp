// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/emit.hpp"

#include <algorithm>

#include "arch/placement.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Finds out what travels from which layer to which.
class ArrivalFinder {
public:
    ArrivalFinder(const Network& network, const Machine& machine, const Chip& chip, bool images,
                  SpatialNetwork& result)
        : network_(network), machine_(machine), chip_(chip), images_(images), result_(result) {}

    void run() {
        for (std::size_t f = 0; f < result_.layers.size(); ++f) {
            into_layer(f);
        }
        for (std::size_t f = 0; f < result_.layers.size(); ++f) {
            const TensorId output = result_.layers[f].fused->output;
            const bool read =
                std::any_of(result_.arrivals.begin(), result_.arrivals.end(),
                            [&](const Arrival& arrival) { return arrival.tensor == output; });
            if (!read || is_output(output)) {
                out_of_layer(f);
            }
        }
        set_phases();
        // In each phase, what was there long before goes first.
        std::stable_sort(result_.arrivals.begin(), result_.arrivals.end(),
                         [](const Arrival& a, const Arrival& b) {
                             return a.phase != b.phase ? a.phase < b.phase : a.maker < b.maker;
                         });
    }

private:
    static constexpr std::size_t kInputParts = 16;

    [[nodiscard]] std::int64_t cycles_of(const Arrival& arrival) const {
        std::int64_t busiest = 0;
        for (const LinkUse& use : arrival.links) {
            busiest = std::max(busiest, use.bytes.count());
        }
        return ceil_divide(busiest, chip_.mesh->link_width.count());
    }

    /// What waits long for its reader travels while a layer has no results to send yet: each in
    /// the phase that has most time left.
    void set_phases() {
        const std::size_t layers = result_.layers.size();
        std::vector<std::int64_t> idle(layers + 1, 0);
        for (std::size_t phase = 1; phase <= layers; ++phase) {
            idle[phase] = result_.layers[phase - 1].chunks.front().lead_cycles;
        }
        const auto take = [&](std::size_t first, std::size_t last, std::int64_t cycles) {
            std::size_t best = last;
            for (std::size_t phase = first; phase <= last; ++phase) {
                best = idle[phase] > idle[best] ? phase : best;
            }
            idle[best] -= cycles;
            return best;
        };
        for (Arrival& arrival : result_.arrivals) {
            const auto earliest = static_cast<std::size_t>(arrival.maker + 2);
            arrival.phase = arrival.reader;
            if (arrival.reader > 0 && earliest < arrival.reader) {
                arrival.phase = take(earliest, arrival.reader, cycles_of(arrival));
            }
        }
        std::int64_t inputs = 0;
        for (const Arrival& arrival : result_.arrivals) {
            inputs += arrival.maker < 0 && arrival.reader == 0 ? cycles_of(arrival) : 0;
        }
        const std::size_t parts = std::min(kInputParts, layers);
        for (std::size_t part = 0; part < parts; ++part) {
            const std::size_t phase =
                take(1, layers, ceil_divide(inputs, static_cast<std::int64_t>(parts)));
            result_.input_phases.push_back(phase - 1);
        }
        std::sort(result_.input_phases.begin(), result_.input_phases.end());
    }

    [[nodiscard]] bool is_output(TensorId stored) const {
        const std::vector<TensorId> outputs = network_.outputs();
        return std::any_of(outputs.begin(), outputs.end(),
                           [&](TensorId output) { return network_.storage(output) == stored; });
    }

    void into_layer(std::size_t f) {
        const SpatialLayer& layer = result_.layers[f];
        const Layer& root = network_.layer(layer.fused->root);
        for (const Operand& operand : root.space.operands) {
            if (operand.role != TensorRole::inputs) {
                continue;
            }
            const std::size_t known = result_.arrivals.size();
            const TensorId stored = network_.storage(operand.tensor);
            add(stored, f, layer.fused->root, takers(network_, layer, operand));
            for (std::size_t a = known; a < result_.arrivals.size(); ++a) {
                Arrival& arrival = result_.arrivals[a];
                arrival.by_channels =
                    arrival.maker >= 0 &&
                    reduces_by_channels(network_, root, operand, layer,
                                        result_.layers[static_cast<std::size_t>(arrival.maker)]);
            }
        }
        for (std::size_t o = 0; o < layer.fused->operands.size(); ++o) {
            const Layer& epilogue = network_.layer(layer.fused->operand_of[o]);
            const std::size_t known = result_.arrivals.size();
            add(layer.fused->operands[o], f, layer.fused->operand_of[o],
                epilogue_takers(layer, root, epilogue, layer.fused->operand(network_, o)));
            for (std::size_t a = known; a < result_.arrivals.size(); ++a) {
                result_.arrivals[a].for_epilogue = true;
            }
        }
    }

    [[nodiscard]] std::vector<Taker> epilogue_takers(const SpatialLayer& layer, const Layer& root,
                                                     const Layer& epilogue,
                                                     const Operand& operand) const {
        std::vector<Box> boxes;
        std::vector<GridCore> cores;
        for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
            Box box = layer.boxes[core];
            box[Dim::K] = layer.owned[core];
            if (box.points() > 0) {
                boxes.push_back(
                    box_of_results(epilogue, image(root.space.outputs().projection, box)));
                cores.push_back(layer.cores[core]);
            }
        }
        return takers_of(network_, operand.tensor, operand.projection, boxes, cores);
    }

    void add(TensorId stored, std::size_t reader, LayerId layer, const std::vector<Taker>& takers) {
        bool made = false;
        for (std::size_t maker = 0; maker < reader; ++maker) {
            if (result_.layers[maker].fused->output == stored) {
                made = true;
                push(stored, static_cast<std::int64_t>(maker), reader, layer,
                     exchange(network_, stored, result_.layers[maker].results, takers, *chip_.mesh,
                              images_, chip_.core_memory, chip_.core_memory));
            }
        }
        if (!made) {
            push(stored, -1, reader, layer,
                 exchange(network_, stored, bands(stored), takers, *chip_.mesh, images_,
                          chip_.frame_buffer, chip_.core_memory));
        }
    }

    /// MODEL: the frame buffer feeds the mesh at its west edge, a band of rows of the image at each
    /// router.
    [[nodiscard]] std::vector<Holder> bands(TensorId stored) const {
        Region whole;
        whole.push_back({0, network_.batch()});
        for (const std::int64_t extent : network_.tensor(stored).shape) {
            whole.push_back({0, extent});
        }
        const std::size_t axis = whole.size() > 2 ? 2 : whole.size() - 1;
        const std::int64_t extent = whole[axis].end;
        std::vector<Holder> holders;
        for (std::int64_t row = 0; row < chip_.mesh->rows; ++row) {
            Holder holder{{0, row}, whole};
            holder.region[axis] = {extent * row / chip_.mesh->rows,
                                   extent * (row + 1) / chip_.mesh->rows};
            if (holder.region[axis].size() > 0) {
                holders.push_back(holder);
            }
        }
        return holders;
    }

    void out_of_layer(std::size_t f) {
        const SpatialLayer& layer = result_.layers[f];
        Exchange sum{MeshTraffic(*chip_.mesh), Bytes(0), Bytes(0), {}};
        const Precision precision = network_.tensor(layer.fused->output).precision;
        for (const Holder& holder : layer.results) {
            const Bytes bytes = stored_bytes(words(holder.region), precision);
            sum.traffic.multicast(holder.at, Destinations({{0, holder.at.row}}), bytes.count());
            sum.read += bytes;
            sum.delivered += bytes;
            if (images_) {
                sum.pieces.push_back({layer.fused->output,
                                      holder.region,
                                      {chip_.core_memory, lane_of(holder.at, *chip_.mesh)},
                                      {Place{chip_.frame_buffer, -1}},
                                      false});
            }
        }
        push(layer.fused->output, static_cast<std::int64_t>(f), result_.layers.size(),
             layer.fused->last(), std::move(sum));
        result_.arrivals.back().role = TensorRole::outputs;
    }

    void push(TensorId stored, std::int64_t maker, std::size_t reader, LayerId layer,
              Exchange exchange) {
        Arrival arrival;
        arrival.tensor = stored;
        arrival.maker = maker;
        arrival.reader = reader;
        arrival.layer = layer;
        arrival.links = exchange.traffic.links(machine_, chip_.activation_network);
        arrival.hops = exchange.traffic.hop_bytes();
        arrival.distance = exchange.traffic.longest();
        arrival.read = exchange.read;
        arrival.delivered = exchange.delivered;
        arrival.pieces = std::move(exchange.pieces);
        result_.arrivals.push_back(std::move(arrival));
    }

    const Network& network_;
    const Machine& machine_;
    const Chip& chip_;
    bool images_;
    SpatialNetwork& result_;
};

/// Layers that share weights and are split alike find them in the same cores. Others have a copy of
/// their own.
void find_loads(std::vector<SpatialLayer>& layers) {
    const auto alike = [](const SpatialLayer& a, const SpatialLayer& b) {
        return a.fused->weights == b.fused->weights && a.plan->layout == b.plan->layout &&
               a.plan->split.extents == b.plan->split.extents &&
               a.plan->split.tile == b.plan->split.tile;
    };
    for (auto layer = layers.begin(); layer != layers.end(); ++layer) {
        layer->loads_weights =
            layer->fused->weights.valid() &&
            std::none_of(layers.begin(), layer,
                         [&](const SpatialLayer& earlier) { return alike(earlier, *layer); });
    }
}

/// Everything in the core memories at its worst: weights, results, and what came in for a layer.
void check_fit(const Network& network, const Machine& machine, const Chip& chip,
               const SpatialNetwork& result) {
    std::vector<Lifetime> lifetimes;
    const std::size_t steps = result.layers.size();
    for (std::size_t f = 0; f < steps; ++f) {
        const TensorId output = result.layers[f].fused->output;
        std::size_t last = f;
        for (const Arrival& arrival : result.arrivals) {
            last = arrival.tensor == output ? std::max(last, arrival.reader) : last;
        }
        lifetimes.push_back({f, last, network.tensor_bytes(output)});
    }
    for (const Arrival& arrival : result.arrivals) {
        if (arrival.reader < steps) {
            const std::size_t from = arrival.reader > 0 ? arrival.reader - 1 : 0;
            lifetimes.push_back({from, arrival.reader, arrival.delivered});
        }
    }
    Bytes at_edge;  // two slots of every input and output of the network
    std::vector<TensorId> edges;
    for (const Arrival& arrival : result.arrivals) {
        const bool edge = arrival.maker < 0 || arrival.reader == steps;
        if (edge && std::find(edges.begin(), edges.end(), arrival.tensor) == edges.end()) {
            edges.push_back(arrival.tensor);
            at_edge += network.tensor_bytes(arrival.tensor) * 2;
        }
    }
    const Bytes frames =
        std::get<MemoryConfig>(machine.component(chip.frame_buffer).config).capacity;
    if (at_edge > frames) {
        throw InputError("network '" + network.name() +
                         "' does not fit the frame buffer of machine '" + machine.name() +
                         "': two slots of its inputs and outputs take " + format_bytes(at_edge) +
                         ", " + format_bytes(at_edge - frames) + " more than there is");
    }
    Bytes activations;
    for (const Bytes live : live_bytes(lifetimes, steps)) {
        activations = std::max(activations, live);
    }
    Bytes weights;
    for (const SpatialLayer& layer : result.layers) {
        weights += layer.loads_weights ? network.tensor_bytes(layer.fused->weights) : Bytes(0);
    }
    const Bytes capacity = chip.core_memory_config->capacity * chip.cores;
    if (weights + activations <= capacity) {
        return;
    }
    const Bytes missing = weights + activations - capacity;
    std::string chips;
    if (activations < capacity) {
        const std::int64_t count = ceil_divide(weights.count(), (capacity - activations).count());
        chips = "; " + std::to_string(count) + " chips would hold it";
    }
    throw InputError("network '" + network.name() + "' does not fit machine '" + machine.name() +
                     "': its weights take " + format_bytes(weights) + " and its activations " +
                     format_bytes(activations) + " of " + format_bytes(capacity) + ", " +
                     format_bytes(missing) + " are missing" + chips);
}

/// A layer that begins, or a step that starts, in the draft of a program.
struct DraftEvent {
    Picoseconds at;
    std::int64_t round = 0;
    std::size_t which = 0;  ///< layer, or agent
};

struct Draft {
    std::vector<DraftEvent> begins;  ///< of layers, in the order of time
    std::vector<DraftEvent> starts;  ///< of steps, agent by agent in their order
    std::vector<Picoseconds> ends;   ///< of rounds
};

Draft run_draft(const Program& program, const SpatialEmitter& emitter, const Machine& machine) {
    Draft draft;
    const std::vector<TokenId>& epochs = emitter.epochs();
    const auto observe = [&](AgentId agent, const Step& step, const StepTimes& times) {
        if (!step.layer.valid()) {
            return;
        }
        for (const TokenPost& post : step.posts) {
            const auto epoch = std::find(epochs.begin(), epochs.end(), post.token);
            if (epoch != epochs.end()) {
                draft.begins.push_back(
                    {times.complete, step.item, static_cast<std::size_t>(epoch - epochs.begin())});
            }
        }
        if (emitter.scheduled(agent)) {
            draft.starts.push_back({times.start, step.item, agent.position()});
        }
    };
    draft.ends = estimate(program, machine, Window{0}, observe).round_end;
    std::stable_sort(draft.begins.begin(), draft.begins.end(),
                     [](const DraftEvent& a, const DraftEvent& b) { return a.at < b.at; });
    return draft;
}

/// When each step of one round starts, relative to the layer of that round or one before that began
/// last. What starts before anything began has no place in it.
Schedule schedule_of(const Draft& draft, std::int64_t round, std::size_t agents,
                     const ClockDomain& clock) {
    std::vector<DraftEvent> begins;
    std::copy_if(draft.begins.begin(), draft.begins.end(), std::back_inserter(begins),
                 [&](const DraftEvent& begin) { return begin.round <= round; });
    Schedule schedule(agents);
    for (const DraftEvent& start : draft.starts) {
        if (start.round != round) {
            continue;
        }
        const auto later =
            std::upper_bound(begins.begin(), begins.end(), start.at,
                             [](Picoseconds at, const DraftEvent& begin) { return at < begin.at; });
        ScheduledStart scheduled;
        if (later != begins.begin()) {
            const DraftEvent& begin = *std::prev(later);
            scheduled.layer = begin.which;
            scheduled.rounds_before = round - begin.round;
            scheduled.start_at =
                clock.edge_at_or_after(start.at) - clock.edge_at_or_after(begin.at);
        }
        schedule[start.which].push_back(scheduled);
    }
    return schedule;
}

/// The schedule of a steady round: a program without one is run for more and more rounds until two
/// in a row are alike, with rounds behind them that keep the networks as busy as they always are.
/// Nothing is contended, so the replay finds the same.
template <class MakeEmitter>
void set_schedule(SpatialDesign& design, const Machine& machine, const MakeEmitter& emitter) {
    constexpr std::int64_t kRoundsBehind = 2;
    constexpr std::int64_t kMostRounds = 48;
    for (std::int64_t rounds = 6; rounds <= kMostRounds; rounds *= 2) {
        SpatialEmitter unscheduled = emitter();
        const Program program = unscheduled.run(rounds);
        const Draft draft = run_draft(program, unscheduled, machine);
        const ClockDomain& clock = machine.clock(program.clock);
        const auto of_round = [&](std::int64_t round) {
            return schedule_of(draft, round, program.agents.size(), clock);
        };
        const std::int64_t last = rounds - 1 - kRoundsBehind;
        design.schedule = of_round(last);
        const std::int64_t half = last / 2;
        const Picoseconds span = draft.ends[static_cast<std::size_t>(last)] -
                                 draft.ends[static_cast<std::size_t>(last - half)];
        design.steady_round = Picoseconds(span.count() / half);
        if (design.schedule == of_round(last - 1)) {
            return;
        }
    }
}

}  // namespace

SpatialDesign design_spatial(const Network& network, const Machine& machine, const Chip& chip,
                             const Cores& cores, const std::vector<FusedLayer>& fused,
                             const std::vector<SpatialPlan>& plans, const MapperOptions& options) {
    SpatialDesign design;
    for (std::size_t f = 0; f < fused.size(); ++f) {
        design.layers.layers.push_back(
            make_layer(network, machine, chip, cores, fused[f], plans[f]));
    }
    find_loads(design.layers.layers);
    ArrivalFinder(network, machine, chip, options.images, design.layers).run();
    check_fit(network, machine, chip, design.layers);
    set_schedule(design, machine, [&] {
        return SpatialEmitter(network, machine, chip, cores, design.layers, options, nullptr);
    });
    return design;
}

Program emit_spatial(const Network& network, const Machine& machine, const Chip& chip,
                     const Cores& cores, const SpatialDesign& design,
                     const MapperOptions& options) {
    return SpatialEmitter(network, machine, chip, cores, design.layers, options, &design.schedule)
        .run(options.rounds);
}

}  // namespace memwall
