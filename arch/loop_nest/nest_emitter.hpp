// SPDX-License-Identifier: Apache-2.0
// The program of a network of loop nests: layers one after another, each level's tiles moved as
// its loops say.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "arch/loop_nest/nest_counts.hpp"
#include "arch/loop_nest/nest_hierarchy.hpp"
#include "arch/loop_nest/nest_steps.hpp"
#include "arch/mapper.hpp"
#include "arch/placement.hpp"
#include "arch/program_builder.hpp"

namespace memwall {

/// A layer with what runs on its results on their way out, and how it is mapped.
struct MappedNest {
    LayerId root;
    std::vector<LayerId> epilogues;
    NestMachine machine;
    LoopNest nest;
    NestCounts counts;

    [[nodiscard]] LayerId last() const { return epilogues.empty() ? root : epilogues.back(); }
};

/// The level where the results of a nest meet the vector unit on their way out: the first below the
/// outermost that keeps them, one instance of it; 0 where there is none.
std::size_t epilogue_level(const IterationSpace& space, const LoopNest& nest,
                           const NestMachine& machine);

/// Words on their way between two levels.
struct Flow {
    std::size_t parent = 0, child = 0;
    TensorRole role = TensorRole::inputs;
    Precision precision = Precision::int8;
    std::int64_t down = 0;    ///< leave the parent
    std::int64_t arrive = 0;  ///< in all instances below
    std::int64_t leave = 0;   ///< the instances below
    std::int64_t up = 0;      ///< arrive at the parent
    std::int64_t added = 0;   ///< sums of instances, on their way up
    double stored = 1;        ///< bytes in the outermost memory for a byte of the words

    /// Of words that go there or come from there.
    [[nodiscard]] std::int64_t outer_bytes(std::int64_t words) const;
};

/// What steps say: also what they count, or no more than what they take.
enum class Tells : std::uint8_t { all, times };

/// Writes one program; used once.
class NestEmitter {
public:
    NestEmitter(const Network& network, const NestHierarchy& hierarchy, const Machine& machine,
                const std::vector<MappedNest>& nests, const MapperOptions& options,
                Tells tells = Tells::all);
    Program run();

private:
    friend class LayerEmitter;
    struct Worker {
        AgentId agent;
        UnitId unit;
    };

    void place();
    Worker& worker(const std::string& name, ComponentId component);
    [[nodiscard]] ComponentId memory(std::size_t level) const {
        return hierarchy_.levels()[level].memory;
    }
    /// Bytes of an activation off the chip, for a byte of its words.
    [[nodiscard]] double stored(TensorId tensor) const;
    /// What serves moves between two levels.
    [[nodiscard]] ComponentId mover(std::size_t parent, std::size_t child) const;
    /// Counts what a flow does at its memories and buses.
    void count(StepBody& body, LayerId layer, const Flow& flow);
    /// A move of flows between the same levels, its links and counters: down where nothing goes up.
    StepBody move(LayerId layer, const std::vector<Flow>& flows, UnitId unit);

    const Network& network_;
    const NestHierarchy& hierarchy_;
    const Machine& machine_;
    const std::vector<MappedNest>& nests_;
    const MapperOptions& options_;
    Tells tells_;
    ProgramBuilder builder_;
    std::map<std::string, Worker> workers_;
    UnitId array_unit_, vector_unit_;
    std::vector<std::int64_t> address_;  ///< by tensor
    std::int64_t sums_address_ = 0;      ///< of partial sums that go to the dram
    std::vector<TokenId> done_;          ///< by nest
};

}  // namespace memwall
