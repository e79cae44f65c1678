// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/core_blocks.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "arch/spatial/arrival_index.hpp"
#include "arch/spatial/kept_state.hpp"

namespace memwall {
namespace {

class BlockFinder {
public:
    BlockFinder(const Network& network, const Chip& chip, const SpatialNetwork& layers)
        : network_(network),
          chip_(chip),
          layers_(layers),
          arrivals_(layers),
          steps_(layers.layers.size()),
          cores_(static_cast<std::size_t>(chip.cores)) {
        for (const SpatialLayer& layer : layers.layers) {
            on_array_.push_back(network.layer(layer.fused->root).macs() > 0);
        }
    }

    std::vector<std::vector<CoreBlock>> run() {
        for (std::size_t f = 0; f < steps_; ++f) {
            weights(f);
            state(f);
        }
        unread_state();
        for (std::size_t f = 0; f < steps_; ++f) {
            results(f);
            sums(f);
            instructions(f);
        }
        arrivals();
        return std::move(cores_);
    }

private:
    [[nodiscard]] std::size_t lane(Router at) const {
        return static_cast<std::size_t>(lane_of(at, *chip_.mesh));
    }
    [[nodiscard]] std::size_t lane(const SpatialLayer& layer, std::size_t core) const {
        return lane(layer.cores[core].at);
    }

    /// MODEL: what would live longer than a round has several places in turn.
    void add(std::size_t lane, const CoreBlock& block) {
        if (block.life.bytes == Bytes(0)) {
            return;
        }
        const std::size_t places = 1 + (block.life.last - block.life.first) / steps_;
        CoreBlock placed = block;
        if (places > 1) {
            placed.life.first = 0;
            placed.life.last = steps_ - 1;
        }
        cores_[lane].insert(cores_[lane].end(), places, placed);
    }

    [[nodiscard]] Lifetime always(Bytes bytes) const { return {0, steps_ - 1, bytes}; }

    void weights(std::size_t f) {
        const SpatialLayer& layer = layers_.layers[f];
        if (!layer.loads_weights) {
            return;
        }
        std::vector<std::int64_t> bytes(cores_.size());
        for (const WeightGroup& group : layer.weight_groups) {
            for (const WeightGroup::Home& home : group.homes) {
                bytes[lane(home.at)] += home.bytes;
            }
        }
        if (layer.weight_groups.empty()) {  // a table in equal bands of rows
            const std::int64_t all = network_.tensor_bytes(layer.fused->weights).count();
            for (std::size_t c = 0; c < cores_.size(); ++c) {
                bytes[c] = share(all, static_cast<std::int64_t>(c), chip_.cores);
            }
        }
        for (std::size_t c = 0; c < cores_.size(); ++c) {
            add(c, {BlockKind::weights, layer.fused->weights, f, always(Bytes(bytes[c])), -1});
        }
    }

    /// The caches that a layer reads, where its cores read them.
    void state(std::size_t f) {
        const SpatialLayer& layer = layers_.layers[f];
        for (const Operand& operand : network_.layer(layer.fused->root).space.operands) {
            const TensorId stored = network_.storage(operand.tensor);
            if (operand.role != TensorRole::state || !is_kept(network_, stored) ||
                !kept_.insert(stored).second) {
                continue;
            }
            const auto before = [](const Region& a, const Region& b) {
                return std::lexicographical_compare(
                    a.begin(), a.end(), b.begin(), b.end(), [](const Range& x, const Range& y) {
                        return std::pair(x.begin, x.end) < std::pair(y.begin, y.end);
                    });
            };
            std::map<Region, std::vector<std::size_t>, decltype(before)> readers(before);
            for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
                readers[image(operand.projection, layer.boxes[core])].push_back(lane(layer, core));
            }
            std::vector<std::int64_t> shares(cores_.size());
            for (const auto& [region, lanes] : readers) {
                const auto count = static_cast<std::int64_t>(lanes.size());
                for (std::int64_t i = 0; i < count; ++i) {
                    shares[lanes[static_cast<std::size_t>(i)]] += share(words(region), i, count);
                }
            }
            keep(stored, f, shares);
        }
    }

    /// A cache that nobody reads lies in all cores alike.
    void unread_state() {
        for (std::size_t t = 0; t < network_.tensors().size(); ++t) {
            const TensorId id(t);
            if (is_kept(network_, id) && network_.storage(id) == id && kept_.insert(id).second) {
                keep(id, 0, std::vector<std::int64_t>(cores_.size(), 1));
            }
        }
    }

    /// All users' bytes of a cache, in proportion to `shares`, by lane.
    void keep(TensorId stored, std::size_t f, const std::vector<std::int64_t>& shares) {
        const Bytes bytes = network_.tensor_bytes(stored) * layers_.rounds_apart;
        const auto all =
            static_cast<double>(std::accumulate(shares.begin(), shares.end(), std::int64_t{0}));
        std::int64_t given = 0;
        std::int64_t before = 0;
        for (std::size_t c = 0; c < cores_.size(); ++c) {
            before += shares[c];
            const auto until = static_cast<std::int64_t>(static_cast<double>(bytes.count()) *
                                                         (static_cast<double>(before) / all));
            add(c, {BlockKind::state, stored, f, always(Bytes(until - given)), -1});
            given = until;
        }
    }

    /// Whether layer `f` has no results before the results of `maker` have come in.
    [[nodiscard]] bool waits_for(std::size_t f, std::size_t maker) const {
        const ArrivalIndex::List& in = arrivals_.into(f);
        return std::any_of(in.begin(), in.end(), [&](const Arrival* arrival) {
            return !arrival->for_epilogue && arrival->maker == static_cast<std::int64_t>(maker);
        });
    }

    /// MODEL: what a layer reads lies there until a layer begins that cannot have results before:
    /// one that computes on the same unit, or waits for the layer's own results.
    /// `by_array`: the unit that reads it last.
    [[nodiscard]] std::size_t read_until(std::size_t f, bool by_array) const {
        std::size_t next = f + 1;
        while (next < f + steps_ && on_array_[next % steps_] != by_array &&
               (next >= steps_ || !waits_for(next, f))) {
            ++next;
        }
        return next - 1;
    }

    [[nodiscard]] std::size_t read_until(const Arrival& arrival) const {
        return read_until(arrival.reader, !arrival.for_epilogue && on_array_[arrival.reader]);
    }

    /// Until its last results are done.
    [[nodiscard]] std::size_t busy_until(std::size_t f) const {
        const std::size_t computed = read_until(f, on_array_[f]);
        const bool epilogues = !layers_.layers[f].fused->epilogues.empty();
        return epilogues ? std::max(computed, read_until(f, false)) : computed;
    }

    /// A layer that reads a tensor, and until when it or one of those behind it does.
    struct Reading {
        std::size_t reader = 0;
        std::size_t until = 0;
    };

    /// Those of a tensor in the order of the readers, but for its way out of the network.
    const std::vector<Reading>& readings_of(TensorId tensor) {
        const auto [known, fresh] = readings_.try_emplace(tensor);
        std::vector<Reading>& readings = known->second;
        if (fresh) {
            std::map<std::pair<std::size_t, bool>, const Arrival*> reads;
            for (const Arrival* arrival : arrivals_.of(tensor)) {
                if (arrival->reader < steps_) {
                    reads.emplace(std::pair(arrival->reader, arrival->for_epilogue), arrival);
                }
            }
            std::size_t until = 0;
            for (auto read = reads.end(); read != reads.begin();) {
                --read;
                until = std::max(until, read_until(*read->second));
                readings.push_back({read->first.first, until});
            }
            std::reverse(readings.begin(), readings.end());
        }
        return readings;
    }

    void results(std::size_t f) {
        const SpatialLayer& layer = layers_.layers[f];
        const TensorId output = layer.fused->output;
        if (is_kept(network_, output)) {
            return;  // made in its place
        }
        const std::vector<Reading>& readings = readings_of(output);
        const auto later =
            std::upper_bound(readings.begin(), readings.end(), f,
                             [](std::size_t at, const Reading& r) { return at < r.reader; });
        std::size_t last = later == readings.end() ? f : std::max(f, later->until);
        if (arrivals_.last_reader(output) == static_cast<std::int64_t>(steps_)) {
            last = std::max(last, f + steps_);
        }
        const Precision precision = network_.tensor(output).precision;
        for (const Holder& holder : layer.results) {
            add(lane(holder.at), {BlockKind::results,
                                  output,
                                  f,
                                  {f, last, stored_bytes(words(holder.region), precision)},
                                  -1});
        }
    }

    /// MODEL: the sums of two chunks that the accumulators have no room for wait in the core's
    /// memory; their way there is not counted.
    void sums(std::size_t f) {
        const SpatialLayer& layer = layers_.layers[f];
        const Bytes more(std::max<std::int64_t>(
            0, 2 * chunk_sums(network_, layer) - chip_.accumulators_config->capacity.count()));
        const Lifetime life{f, busy_until(f), more};
        for (std::size_t core = 0; core < layer.cores.size(); ++core) {
            add(lane(layer, core), {BlockKind::partial_sums, TensorId(), f, life, -1});
        }
    }

    /// MODEL: a layer's instructions come while the layers before run, into the slot of those that
    /// ran longest ago. These slots are beside what a core stores for all.
    void instructions(std::size_t f) {
        const auto ahead = static_cast<std::size_t>(chip_.programs - 1);
        const std::size_t first = (f + steps_ * ahead - ahead) % steps_;
        const Lifetime life{first, first + ahead, chip_.program};
        add(lane(layers_.layers[f].program_home),
            {BlockKind::instructions, TensorId(), f, always(chip_.program), -1});
        for (std::size_t c = 0; c < cores_.size(); ++c) {
            add(c, {BlockKind::instructions, TensorId(), f, life, -1});
        }
    }

    /// From when the first of it may come: when what travels before it has been made, or the layer
    /// begins while which it is meant to travel.
    void arrivals() {
        std::size_t made = 0;
        for (const Arrival& arrival : layers_.arrivals) {  // in the order in which they travel
            made =
                std::max(made, static_cast<std::size_t>(std::max<std::int64_t>(0, arrival.maker)));
            if (arrival.reader == steps_ || arrival.by_core.empty()) {
                continue;
            }
            Lifetime life{std::min(made, std::max<std::size_t>(arrival.phase, 1) - 1),
                          read_until(arrival), Bytes(0)};
            if (arrival.reader == 0) {  // while the round before runs
                life.first = layers_.input_phases.front();
                life.last += steps_;
            }
            for (std::size_t c = 0; c < cores_.size(); ++c) {
                life.bytes = arrival.by_core[c];
                add(c, {BlockKind::arrivals, arrival.tensor, arrival.reader, life, -1});
            }
        }
    }

    const Network& network_;
    const Chip& chip_;
    const SpatialNetwork& layers_;
    ArrivalIndex arrivals_;
    std::size_t steps_;
    std::map<TensorId, std::vector<Reading>> readings_;
    std::vector<bool> on_array_;  ///< by fused layer
    std::vector<std::vector<CoreBlock>> cores_;
    std::set<TensorId> kept_;
};

}  // namespace

const char* name(BlockKind kind) {
    switch (kind) {
        case BlockKind::weights:
            return "weights";
        case BlockKind::state:
            return "state";
        case BlockKind::results:
            return "results";
        case BlockKind::arrivals:
            return "arrivals";
        case BlockKind::partial_sums:
            return "partial_sums";
        case BlockKind::instructions:
            return "instructions";
    }
    return "";
}

std::vector<std::vector<CoreBlock>> find_core_blocks(const Network& network, const Chip& chip,
                                                     const SpatialNetwork& layers) {
    return BlockFinder(network, chip, layers).run();
}

}  // namespace memwall
