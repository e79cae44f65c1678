// SPDX-License-Identifier: Apache-2.0
// Mappers turn a network and a machine into a program. One interface, one file pair each, one
// visible list.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arch/io_bound.hpp"
#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"
#include "base/error.hpp"
#include "base/yaml.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// How long a mapper may search.
enum class Effort { quick, normal, thorough };
const char* name(Effort effort);

/// What a mapper that has a choice makes least.
enum class MappingObjective { latency, energy, energy_delay, traffic };
const char* name(MappingObjective objective);
const std::vector<std::string>& objective_names();

/// Runs a program as the replay does, rows of DRAMs and all.
using Replayer = std::function<Outcome(const Program&, const Machine&, const Window&)>;

struct MapperOptions {
    Effort effort = Effort::normal;
    /// How often the batch runs through the network. Where a part of it runs at a time, the program
    /// has as many more rounds: rounds x items_per_round is always rounds x batch here.
    std::int64_t rounds = 4;
    /// The first rounds of these that are not counted; 0: a mapping is compared with others from a
    /// standing start.
    std::int64_t warmup = 1;
    /// Items of a batch that go through a chip together; 0: as many as is fastest. A spatial mapper
    /// alone is told so.
    std::int64_t together = 0;
    /// Asked now and then while searching and between the layers of a program; true ends the
    /// search, which throws Interrupted. The mappers of loop nests and of tiles go on with the best
    /// that they have found so far (Mapping::search_cut_after).
    std::function<bool()> cancelled = [] { return false; };
    /// Whether a program may leave out blocks of layers that are equal to those before them, say
    /// once what a layer does again and again, and not say where in a DRAM things lie. The analytic
    /// engine puts the blocks in (Outcome::repetition_error); the replay needs every step as it is.
    bool repetition = false;
    /// By which the mappers of loop nests and of tiles choose between what the analytic engine
    /// finds nearly as good, where a DRAM has rows and little is to run or effort is thorough; from
    /// many threads at a time. None: by the analytic engine.
    Replayer replay{};
    /// Layers that the mapper of loop nests searches at a time. What comes out is the same.
    std::size_t threads = 1;
    bool loops = false;   ///< tell each layer's as pseudo-code
    bool images = false;  ///< attach to every step what it moves or computes, for the executor
    /// What is made least; the spatial mapper makes the time least, and refuses others.
    MappingObjective objective = MappingObjective::latency;
    /// Of the plans that the mapper of kernels compares, one for each objective, that of
    /// `objective` alone.
    bool one_plan = false;
    /// Mappings that are given by hand; the spatial mapper refuses them.
    std::optional<YamlValue> given{};
};

/// What a layer moves at one memory, of one operand.
struct MappedTraffic {
    std::string memory;
    TensorRole tensor = TensorRole::inputs;
    std::int64_t read_below = 0;     ///< words to the level or lanes below
    std::int64_t written_above = 0;  ///< words that came from above
    std::int64_t written_below = 0;  ///< words of results and sums from below
    std::int64_t read_above = 0;     ///< words sent up
    Bytes read, written;             ///< in all, sums at the accumulator's width
};

/// How one layer was mapped, in words and numbers, for `memwall show mapping`.
struct LayerMapping {
    LayerId layer;
    std::string summary;     ///< "16 k x 4 c x 4 p, 3 tiles of 32 k, weights stay"
    bool fused = false;      ///< runs as an epilogue of the layer before it
    double utilization = 0;  ///< of the array while it computes this layer
    IoBound bound;           ///< at the outermost memory
    bool bound_applies = false;
    bool skips_zeros = false;  ///< of pruned weights, by a pattern that the lanes support
    LayerId within;            ///< whose loops are this layer's too; none: it has its own
    std::string loops;         ///< as pseudo-code; empty: none are told, or none were asked for
    // Of loop nests:
    std::vector<MappedTraffic> traffic;  ///< by memory and operand
    std::string search;                  ///< what is known of how good it is
    std::int64_t shifting = 0;           ///< cycles in which a systolic array shifts weights in
};

/// A mapped network.
struct Mapping {
    Program program;
    std::vector<LayerMapping> layers;  ///< by LayerId
    std::int64_t sub_batch = 1;        ///< items that run through the network together
    ComponentId outermost;             ///< the memory that lower bounds are about
    /// Mappings that were looked at, of tiles those of the whole network, when an interrupt ended
    /// the search for better ones; nothing where none did.
    std::optional<std::int64_t> search_cut_after{};
    /// The least bytes that any schedule of the whole network moves at the outermost memory in a
    /// round: weights that cannot stay on the chip, and nothing else.
    Bytes network_bound;
};

/// Throws Interrupted where the search is to end.
inline void throw_if_cancelled(const MapperOptions& options) {
    if (options.cancelled()) {
        throw Interrupted();
    }
}

/// What a mapper throws where a network, or a layer, has no room on a machine.
class DoesNotFit : public InputError {
public:
    using InputError::InputError;
};

class Mapper {
public:
    virtual ~Mapper() = default;
    /// Throws InputError with every part that the machine lacks for this mapper.
    virtual void check(const Machine& machine) const = 0;
    /// Throws InputError with the layers that the machine cannot compute, whatever room it has.
    virtual void check_layers(const Network& network, const Machine& machine) const = 0;
    /// Throws InputError where the machine cannot compute a layer, DoesNotFit where it cannot hold
    /// the network.
    [[nodiscard]] virtual Mapping map(const Network& network, const Machine& machine,
                                      const MapperOptions& options) const = 0;
};

/// The mapper of a DRAM, a buffer and cores.
inline constexpr const char* kTilingMapper = "tiling";
/// The mapper of hierarchies of any depth; some keys of a machine are for it alone.
inline constexpr const char* kLoopNestMapper = "loop_nest";
/// The mapper of chips whose memory lies beside their cores; so are some.
inline constexpr const char* kSpatialMapper = "spatial";

/// The names of all mappers, in the order of the list.
const std::vector<std::string>& mapper_names();
/// The mapper of that name; a name that is none is an internal error, since loading checks it.
std::unique_ptr<Mapper> make_mapper(const std::string& name);
/// Whether its own mapper can use a machine; throws InputError where it cannot.
void check_mappable(const Machine& machine);
/// What map_network refuses without looking for a mapping: a network without work, options that
/// are another mapper's, layers that the machine cannot compute. Throws InputError.
void check_mappable(const Network& network, const Machine& machine, const MapperOptions& options);
/// By the machine's own mapper.
Mapping map_network(const Network& network, const Machine& machine, const MapperOptions& options);

}  // namespace memwall
