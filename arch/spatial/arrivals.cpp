// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/arrivals.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace memwall {
namespace {

/// Finds out what travels from which layer to which.
class ArrivalFinder {
public:
    ArrivalFinder(const Network& network, const Machine& machine, const Chip& chip,
                  const MapperOptions& options, SpatialNetwork& result)
        : network_(network),
          machine_(machine),
          chip_(chip),
          options_(options),
          images_(options.images),
          result_(result) {}

    void run() {
        for (std::size_t f = 0; f < result_.layers.size(); ++f) {
            throw_if_cancelled(options_);
            into_layer(f);
            makers_[result_.layers[f].fused->output].push_back(f);
        }
        std::set<TensorId> read;
        for (const Arrival& arrival : result_.arrivals) {
            read.insert(arrival.tensor);
        }
        const std::vector<bool> is_output = network_.output_storage();
        for (std::size_t f = 0; f < result_.layers.size(); ++f) {
            const TensorId output = result_.layers[f].fused->output;
            if (read.count(output) == 0 || is_output[output.position()]) {
                read.insert(output);
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

    void into_layer(std::size_t f) {
        const SpatialLayer& layer = result_.layers[f];
        const Layer& root = network_.layer(layer.fused->root);
        for (const Operand& operand : root.space.operands) {
            if (operand.role != TensorRole::inputs && operand.role != TensorRole::state) {
                continue;
            }
            const std::size_t known = result_.arrivals.size();
            const TensorId stored = network_.storage(operand.tensor);
            add(stored, f, layer.fused->root, takers(network_, layer, operand));
            for (std::size_t a = known; a < result_.arrivals.size(); ++a) {
                Arrival& arrival = result_.arrivals[a];
                arrival.role = operand.role;
                arrival.by_channels =
                    arrival.maker >= 0 && operand.role == TensorRole::inputs &&
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
        const auto makers = makers_.find(stored);
        if (makers != makers_.end()) {
            for (const std::size_t maker : makers->second) {
                push(stored, static_cast<std::int64_t>(maker), reader, layer,
                     exchange(network_, stored, grid_of(maker), takers, *chip_.mesh, images_,
                              chip_.core_memory, chip_.core_memory));
            }
        } else {
            push(stored, -1, reader, layer,
                 exchange(network_, stored, HolderGrid(bands(stored)), takers, *chip_.mesh, images_,
                          chip_.frame_buffer, chip_.core_memory));
        }
    }

    const HolderGrid& grid_of(std::size_t maker) {
        return grids_.try_emplace(maker, result_.layers[maker].results).first->second;
    }

    /// MODEL: the frame buffer feeds the mesh at its west edge, a band of rows of the image at each
    /// router.
    [[nodiscard]] std::vector<Holder> bands(TensorId stored) const {
        const Region whole = whole_region(network_, stored);
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
        Exchange sum{MeshTraffic(*chip_.mesh), Bytes(0), Bytes(0), {}, {}};
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
        if (exchange.delivered.count() > 0) {
            arrival.links = exchange.traffic.links(machine_, chip_.activation_network);
            arrival.hops = exchange.traffic.hop_bytes();
            arrival.distance = exchange.traffic.longest();
        }
        arrival.read = exchange.read;
        arrival.delivered = exchange.delivered;
        arrival.by_core = std::move(exchange.by_core);
        arrival.pieces = std::move(exchange.pieces);
        result_.arrivals.push_back(std::move(arrival));
    }

    const Network& network_;
    const Machine& machine_;
    const Chip& chip_;
    const MapperOptions& options_;
    bool images_;
    SpatialNetwork& result_;
    std::map<std::size_t, HolderGrid> grids_;              ///< of what a layer makes
    std::map<TensorId, std::vector<std::size_t>> makers_;  ///< by what they make; layers so far
};

}  // namespace

void find_arrivals(const Network& network, const Machine& machine, const Chip& chip,
                   const MapperOptions& options, SpatialNetwork& result) {
    ArrivalFinder(network, machine, chip, options, result).run();
}

}  // namespace memwall
