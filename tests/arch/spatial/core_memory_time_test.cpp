// SPDX-License-Identifier: Apache-2.0
// Addresses against the clock: a place is written again only when what lay there is not read any
// more, step by step of the static schedule.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/fused_layer.hpp"
#include "arch/spatial_mapper.hpp"
#include "arch/step_image.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::Generated;

struct Span {
    Picoseconds begin;
    Picoseconds end;
    bool used = false;

    void widen(Picoseconds from, Picoseconds to) {
        begin = used ? std::min(begin, from) : from;
        end = used ? std::max(end, to) : to;
        used = true;
    }
};

/// When each block of every core is in use, from its first word written to its last word read.
class Clocked {
public:
    Clocked(const Network& network, const Machine& machine, const SpatialMemory& memory)
        : network_(network),
          memory_id_(machine.find("core_memory")),
          memory_(memory),
          fused_(fuse_layers(network)) {
        for (std::size_t lane = 0; lane < memory.memories.cores.size(); ++lane) {
            const std::vector<CoreBlock>& blocks = memory.memories.cores[lane].blocks;
            for (std::size_t b = 0; b < blocks.size(); ++b) {
                const bool second =
                    b > 0 && blocks[b].kind == blocks[b - 1].kind &&
                    blocks[b].tensor == blocks[b - 1].tensor &&
                    blocks[b].layer == blocks[b - 1].layer &&
                    blocks[b].life.last + 1 == memory.layers.size() && blocks[b].life.first == 0 &&
                    blocks[b - 1].life.last == blocks[b].life.last && blocks[b - 1].life.first == 0;
                auto& places = places_[{lane, blocks[b].kind, blocks[b].tensor, blocks[b].layer}];
                if (second && places.back().size() == 1) {
                    places.back().push_back(b);
                } else {
                    places.push_back({b});
                }
            }
        }
    }

    void see(const std::string& agent, const Step& step, const StepTimes& times) {
        if (!step.layer.valid()) {
            return;
        }
        const bool travels = agent == "activations" || agent == "ingress";
        if (travels && parts_.find(agent) == parts_.end()) {
            parts_[agent] = times.start;
        }
        if (!step.body->image) {
            return;
        }
        const Picoseconds start = travels ? parts_[agent] : times.start;
        parts_.erase(agent);
        const std::size_t f = fused_of(step.layer);
        for (const MovePiece& move : step.body->image->moves) {
            const TensorId stored = network_.storage(move.tensor);
            for (const Place& to : move.to) {
                // What lies there already does not travel; nor are rows results.
                if (here(to) && (travels ? to != move.from : !here(move.from))) {
                    const BlockKind kind = travels ? BlockKind::arrivals : BlockKind::results;
                    written_.insert({lane(to), kind, stored, f});
                }
            }
            if (here(move.from)) {
                read(lane(move.from), stored, travels ? fused_.size() : f, step.item, times.served);
            }
        }
        for (const Key& key : written_) {
            write(key, step.item, start, times.complete, travels);
        }
        written_.clear();
        for (const ComputePiece& piece : step.body->image->computes) {
            if (here(piece.operands)) {
                compute(piece, f, step.item, times.served);
            }
        }
    }

    void check() const {
        for (std::size_t lane = 0; lane < memory_.memories.cores.size(); ++lane) {
            const std::vector<CoreBlock>& blocks = memory_.memories.cores[lane].blocks;
            for (std::size_t a = 0; a < blocks.size(); ++a) {
                for (std::size_t b = 0; b <= a; ++b) {
                    if (blocks[a].address < blocks[b].address + blocks[b].life.bytes.count() &&
                        blocks[b].address < blocks[a].address + blocks[a].life.bytes.count()) {
                        check_apart(lane, a, b);
                    }
                }
            }
        }
    }

    std::int64_t pairs() const { return pairs_; }

private:
    using Key = std::tuple<std::size_t, BlockKind, TensorId, std::size_t>;

    [[nodiscard]] bool here(const Place& place) const {
        return place.memory == memory_id_ && place.lane >= 0;
    }
    static std::size_t lane(const Place& place) { return static_cast<std::size_t>(place.lane); }

    [[nodiscard]] std::size_t fused_of(LayerId layer) const {
        for (std::size_t f = 0; f < fused_.size(); ++f) {
            const auto& epilogues = fused_[f].epilogues;
            if (fused_[f].root == layer ||
                std::find(epilogues.begin(), epilogues.end(), layer) != epilogues.end()) {
                return f;
            }
        }
        return fused_.size();
    }

    Span& span(std::size_t lane, const std::vector<std::size_t>& places, std::int64_t round) {
        const auto turn = static_cast<std::size_t>(round) % places.size();
        return spans_[{lane, places[turn], round}];
    }

    /// Of several arrivals of one tensor in one layer each fills a block of its own.
    void write(const Key& key, std::int64_t round, Picoseconds from, Picoseconds to, bool next) {
        const auto found = places_.find(key);
        INFO("core " << std::get<0>(key) << ": " << name(std::get<1>(key)) << " "
                     << network_.tensor(std::get<2>(key)).name << " of fused layer "
                     << std::get<3>(key));
        REQUIRE(found != places_.end());
        std::size_t nth = 0;
        if (next) {
            nth = filled_[{key, round}]++;
            REQUIRE(nth < found->second.size());
        }
        span(std::get<0>(key), found->second[nth], round).widen(from, to);
    }

    /// By layer `f`, or by what travels where there is no such.
    void read(std::size_t lane, TensorId stored, std::size_t f, std::int64_t round,
              Picoseconds until) {
        for (std::size_t maker = 0; maker < fused_.size(); ++maker) {
            touch({lane, BlockKind::results, stored, maker}, round, until);
        }
        touch({lane, BlockKind::arrivals, stored, f}, round, until);
    }

    void touch(const Key& key, std::int64_t round, Picoseconds until) {
        const auto found = places_.find(key);
        if (found == places_.end()) {
            return;
        }
        for (const std::vector<std::size_t>& places : found->second) {
            Span& used = span(std::get<0>(key), places, round);
            if (used.used) {
                used.widen(used.begin, until);
            }
        }
    }

    void compute(const ComputePiece& piece, std::size_t f, std::int64_t round, Picoseconds until) {
        const FusedLayer& fused = fused_[f];
        const bool root = piece.layer == fused.root;
        for (const TensorId stored : root ? fused.inputs : fused.operands) {
            const bool both =
                std::find(fused.inputs.begin(), fused.inputs.end(), stored) != fused.inputs.end() &&
                std::find(fused.operands.begin(), fused.operands.end(), stored) !=
                    fused.operands.end();
            if (root || !both) {
                read(lane(piece.operands), stored, f, round, until);
            }
        }
    }

    void check_apart(std::size_t lane, std::size_t a, std::size_t b) const {
        for (std::int64_t i = 0; i < kRounds; ++i) {
            for (std::int64_t j = 0; j < (a == b ? i : kRounds); ++j) {
                const auto first = spans_.find({lane, a, i});
                const auto second = spans_.find({lane, b, j});
                if (first == spans_.end() || second == spans_.end()) {
                    continue;
                }
                ++pairs_;
                const bool apart = first->second.end <= second->second.begin ||
                                   second->second.end <= first->second.begin;
                if (!apart) {
                    CAPTURE(lane, text(lane, a), i, text(lane, b), j);
                    CHECK(apart);
                }
            }
        }
    }

    [[nodiscard]] std::string text(std::size_t lane, std::size_t b) const {
        const CoreBlock& block = memory_.memories.cores[lane].blocks[b];
        return std::string(name(block.kind)) + " " +
               (block.tensor.valid() ? network_.tensor(block.tensor).name : "") + " of " +
               network_.layer(fused_[block.layer].root).name + " " +
               std::to_string(block.life.first) + "-" + std::to_string(block.life.last);
    }

public:
    static constexpr std::int64_t kRounds = 5;

private:
    const Network& network_;
    ComponentId memory_id_;
    const SpatialMemory& memory_;
    std::vector<FusedLayer> fused_;
    std::map<Key, std::vector<std::vector<std::size_t>>> places_;  ///< by arrival, its copies
    std::map<std::tuple<std::size_t, std::size_t, std::int64_t>, Span> spans_;
    std::map<std::pair<Key, std::int64_t>, std::size_t> filled_;
    std::map<std::string, Picoseconds> parts_;  ///< by agent: when its arrival began
    std::set<Key> written_;
    mutable std::int64_t pairs_ = 0;
};

/// Pairs of uses of one place that were seen to be apart.
std::int64_t prove(const Network& network, const Machine& machine) {
    MapperOptions options;
    options.effort = Effort::quick;
    options.rounds = Clocked::kRounds;
    options.images = true;
    const SpatialMemory memory = map_memory(network, machine, options);
    const Mapping mapping = map_network(network, machine, options);
    Clocked clocked(network, machine, memory);
    estimate(mapping.program, machine, Window{0},
             [&](AgentId agent, const Step& step, const StepTimes& times) {
                 clocked.see(mapping.program.agents[agent.position()].name, step, times);
             });
    clocked.check();
    return clocked.pairs();
}

}  // namespace

TEST_CASE("A place in a core is written again only after the last word of it was read") {
    const Machine tiny =
        test::shipped_machine("tiny_northpole", {{"components.core_memory.capacity", "64 KiB"},
                                                 {"components.accumulators.capacity", "4 KiB"}});
    std::int64_t pairs = 0;
    for (std::uint32_t seed = 1; seed <= 80; ++seed) {
        Draw draw(seed);
        const Generated generated =
            seed % 4 == 0 ? test::generated_attention(draw, false)
                          : test::generated_network(draw, static_cast<int>(draw(2, 8)));
        INFO("seed " << seed << "\n" << generated.yaml);
        pairs += prove(generated.network, tiny);
    }
    CHECK(pairs > 1000);
}

TEST_CASE("What a slow layer reads stays while a quick one beside it already has results") {
    const Network network = test::network_of_text(
        "network: beside\n"
        "inputs: {image: [4, 16, 16]}\n"
        "layers:\n"
        "  - {name: before, op: conv, out_channels: 4, kernel: 3, padding: 1}\n"
        "  - {name: slow, op: max_pool, kernel: 5, stride: 1}\n"
        "  - {name: quick, op: conv, inputs: image, out_channels: 8, kernel: 1, stride: 4}\n"
        "  - {name: next, op: conv, out_channels: 8, kernel: 1}\n"
        "  - {name: last, op: conv, out_channels: 4, kernel: 1}\n");
    const Machine tiny =
        test::shipped_machine("tiny_northpole", {{"components.core_memory.capacity", "64 KiB"},
                                                 {"components.accumulators.capacity", "4 KiB"}});
    const SpatialMemory memory = map_memory(network, tiny, {});
    for (const CoreMemory& core : memory.memories.cores) {
        for (const CoreBlock& block : core.blocks) {
            if (block.kind == BlockKind::arrivals && block.layer == 1) {
                CHECK(block.life.last > 3);  // until the vector unit has something else to do
            }
        }
    }
    CHECK(prove(network, tiny) > 0);
}

}  // namespace memwall
