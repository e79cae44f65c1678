// SPDX-License-Identifier: Apache-2.0
// What computes a network: components in a graph, their clocks, and the links between them that
// transfers share.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "arch/action.hpp"
#include "arch/cards.hpp"
#include "arch/clock.hpp"
#include "arch/dram_config.hpp"
#include "arch/identifiers.hpp"
#include "arch/server.hpp"
#include "arch/technology.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {

enum class ComponentKind {
    dram,
    sram,
    cache,
    register_file,
    mac_array,
    vector_unit,
    mesh,
    bus,
    link,
    dma
};

const char* name(ComponentKind kind);

/// An axis along which the instances of a part lie, and which dimensions of a layer may be spread
/// over it.
struct SpatialAxis {
    std::string name;
    std::int64_t size = 1;
    std::array<bool, kDimCount> dims{};
    bool packs = false;  ///< of lanes: more than `size` may be laid out here, and goes in turns
};

/// What a loop nest may do at a memory: which operands it keeps, and how its instances hang on the
/// memory above.
struct NestKeys {
    std::array<bool, kTensorRoleCount> keeps{true, true, true, true, true};
    std::vector<SpatialAxis> axes;  ///< empty: one axis for all instances and any dimension
    bool multicast = true;          ///< one word read above reaches all instances that need it
    bool spatial_sums = false;      ///< partial sums of instances are added on their way up
    bool single_buffered = false;   ///< no second slot: the next tile comes when this one is used
    bool slides = false;            ///< a window that moves on fetches its new words only
    bool resident = false;          ///< inputs and results stay here from layer to layer
};

/// A memory on the chip: `sram`, `cache` or `register_file`, per instance. A port width of zero: no
/// limit of its own.
struct MemoryConfig {
    Bytes capacity;
    SramMacro macro;    ///< that one access wakes up; decides the energy of an access
    Bytes read_width;   ///< bytes a cycle, per instance
    Bytes write_width;  ///< bytes a cycle, per instance
    Sourced access{};   ///< s, from an address at the memory's edge to its word there
    Cycles latency{};   ///< of a read, beyond the cycle in which its word leaves
    NestKeys nest{};
    std::int64_t cluster = 1;  ///< neighbours that share what their thread blocks read, at most
};

/// Multiply-accumulate lanes of one instance at one precision: a cycle takes `inputs` operands of
/// each of `outputs` outputs. Of a systolic array they are its rows and columns.
struct ArrayShape {
    Precision precision = Precision::int8;
    std::int64_t inputs = 1;   ///< reduction lanes (C, R, S)
    std::int64_t outputs = 1;  ///< output lanes (K)
    [[nodiscard]] std::int64_t macs_per_cycle() const { return inputs * outputs; }
};

/// How operands meet in an array: all lanes of an output in one cycle; in a systolic array of rows
/// and columns through which words go lane by lane, while one operand stays in the lanes; or in
/// elements with memories of their own, fed over a network for each operand.
enum class Dataflow : std::uint8_t {
    dot_product,
    weight_stationary,
    input_stationary,
    output_stationary,
    row_stationary
};

const char* name(Dataflow dataflow);

/// Weights of which at most `kept` of each `of` in a row are not zero.
struct NMSparsity {
    std::int64_t kept = 0;
    std::int64_t of = 0;
};

/// An array of multiply-accumulate units, per instance.
struct MacArrayConfig {
    Dataflow dataflow = Dataflow::dot_product;
    bool loads_ahead = false;  ///< a second register takes what stays next while lanes still work
    bool gates_zeros = false;  ///< an input of zero is not multiplied, though it takes its cycle
    std::vector<ArrayShape> shapes;  ///< widest precision first
    Cycles pipeline;                 ///< depth: from an operand to its sum
    Cycles weight_load;  ///< the least cycles that one set of weights stays in the lanes
    bool packs_window =
        true;  ///< reduction lanes are filled from C x R x S together, else from C alone
    double issue_efficiency = 1;  ///< share of the cycles of a full block in which lanes have work
    bool instructions = false;    ///< operands come by instructions, at a cost in control energy
    std::optional<NMSparsity> sparse;  ///< weights whose zeros the lanes pass over
};

struct VectorUnitConfig {
    std::int64_t lanes = 1;  ///< elementwise operations a cycle, per instance
    /// The format that it computes in. Where none is said, an operation costs the technology's
    /// `vector_operation` whatever it computes.
    std::optional<Precision> precision;
    Cycles pipeline;
    bool instructions = false;  ///< as of a MacArrayConfig
};

/// A two-dimensional mesh of single-cycle routers, dimension-ordered (X, then Y).
struct MeshConfig {
    std::int64_t columns = 1;
    std::int64_t rows = 1;
    Bytes link_width;   ///< bytes a cycle a directed link
    Cycles hop;         ///< latency of a router and its wire
    Millimetres pitch;  ///< length of a hop; 0 in a file: a tile of the chip
};

/// A shared medium that reaches all its ends, a word at a time, to any number of them at once.
struct BusConfig {
    Bytes width;  ///< bytes a cycle
    Cycles latency;
    Millimetres length;  ///< from its one end to the nearest other
    Millimetres pitch;   ///< that a byte travels on to each further end that it is meant for
};

/// Activations as pairs of a run of zeros and the value that ends it.
struct RunLengthCode {
    int run_bits = 0;      ///< of the length of a run
    double pair_bits = 0;  ///< of a pair, with its share of what marks the end
    /// Bytes of the code a byte of the words, with that share of zeros among them; at most 1.
    [[nodiscard]] double share(double zeros, Precision precision) const;
};

/// A serial link off the chip.
struct LinkConfig {
    BytesPerSecond bandwidth;  ///< each direction
    Picoseconds latency;
};

struct DmaConfig {
    Cycles setup;                       ///< issue of one transfer
    std::int64_t channels = 1;          ///< transfers at once
    std::optional<RunLengthCode> code;  ///< in which activations lie off the chip
    Bytes program{};                    ///< a core's instructions for a layer, in its own memory
    std::int64_t programs = 2;          ///< slots for them in a core
};

using ComponentConfig = std::variant<DramConfig, MemoryConfig, MacArrayConfig, VectorUnitConfig,
                                     MeshConfig, BusConfig, LinkConfig, DmaConfig>;

/// What one count of an action costs; without a precision, at every precision.
struct EnergyEntry {
    Action action = Action::read;
    std::optional<Precision> precision;
    Sourced joules;
};

/// A declared component with its number of instances, and what one of each costs.
struct Component {
    std::string name;
    ComponentKind kind = ComponentKind::sram;
    std::int64_t instances = 1;
    ClockId clock;
    ComponentConfig config;
    std::vector<EnergyEntry> energies;
    Sourced static_power;    ///< W, all instances: leakage, or the standby of a DRAM
    Sourced refresh_power;   ///< W, of a DRAM whose file tells it from the standby
    Sourced clock_power;     ///< W, all instances, at the clock: clock tree and sequencing; counted
                             ///< as control
    SquareMillimetres area;  ///< all instances, on the chip
    SourceMark capacity_where;   ///< of a memory: where its file says how much it holds
    SourceMark instances_where;  ///< where its file says how many there are, or its name

    /// W, whatever it does, all instances together.
    [[nodiscard]] double standing_power() const { return idle_power() + clock_power.value; }
    /// W, without its clock, all instances together.
    [[nodiscard]] double idle_power() const { return static_power.value + refresh_power.value; }
    /// What static_power is: "leakage", or "standby" of a DRAM.
    [[nodiscard]] const char* static_power_name() const {
        return kind == ComponentKind::dram ? "standby" : "leakage";
    }
    /// What a memory holds, all instances together; 0 of what holds nothing.
    [[nodiscard]] Bytes capacity() const;
};

/// The area on the chip of all of them.
SquareMillimetres total_area(const std::vector<Component>& components);

/// What transfers share: a port, a bus, one direction of a mesh link. Bytes a cycle of a clock.
struct Link {
    std::string name;
    ComponentId component;
    ClockId clock;
    double bytes_per_cycle = 0;
};

/// Where a number of a machine file comes from.
struct Provenance {
    std::string path;  ///< "clock", "components.array.pipeline"
    std::string value;
    Status status = Status::assumed;
    std::string source;
};

/// What a supply of `ratio` times that of before makes of a component's figures; DRAM and links off
/// the chip stay as they are.
// MODEL: energies of the chip, its clock power and its leakage go with the square of the supply.
void scale_supply(Component& component, double ratio);

/// The most power that a machine may draw in its steady state, and what lowering the clock does:
/// the supply voltage falls with it, in proportion to what it is at the machine's own clock.
struct PowerCap {
    Watts power;
    double voltage_slope = 0;   ///< relative fall of the voltage for one of the clock
    double lowest_voltage = 1;  ///< of the voltage at the machine's own clock
    Hertz lowest_clock;
    Hertz clock_step;

    /// The voltage at `clock`, of that at `own`.
    [[nodiscard]] double voltage(Hertz clock, Hertz own) const;
};

/// A machine as it was described, resolved and cross-checked. Immutable.
class Machine {
public:
    struct Parts {
        std::string name;
        std::string mapper;  ///< which mapper understands this machine: "tiling", "spatial" or
                             ///< "loop_nest"
        Technology technology;
        std::optional<Volts> supply;      ///< none: that of the technology's figures
        std::vector<ClockDomain> clocks;  ///< the first is the default domain
        std::vector<Component> components;
        std::vector<std::pair<ComponentId, ComponentId>> connections;
        std::vector<Provenance> provenance;
        std::string power_scope = "chip";
        std::optional<PowerCap> power_cap;
        std::optional<CardsConfig> cards;  ///< the components are those of one of them
        std::optional<ServerConfig> server;
        SourceMark where;  ///< of its name in the file
    };

    explicit Machine(Parts parts);
    ~Machine();
    Machine(Machine&&) noexcept;
    Machine& operator=(Machine&&) noexcept;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    [[nodiscard]] const Parts& parts() const { return parts_; }
    [[nodiscard]] const std::string& name() const { return parts_.name; }
    [[nodiscard]] const std::vector<Component>& components() const { return parts_.components; }
    [[nodiscard]] const Component& component(ComponentId id) const {
        return parts_.components[id.position()];
    }
    [[nodiscard]] const std::vector<ClockDomain>& clocks() const { return parts_.clocks; }
    [[nodiscard]] const ClockDomain& clock(ClockId id) const {
        return parts_.clocks[id.position()];
    }
    [[nodiscard]] const std::vector<Link>& links() const { return links_; }
    /// Cycles that a read of `memory` takes before its first word leaves; 0 of what is no memory.
    [[nodiscard]] Cycles read_latency(ComponentId memory) const;
    [[nodiscard]] const std::vector<ComponentId>& drams() const { return drams_; }
    [[nodiscard]] const DramConfig& dram(DramId id) const;
    /// Whether some DRAM has rows, of which the analytic engine knows nothing.
    [[nodiscard]] bool has_rows() const;

    /// The component of that name; an invalid id if there is none.
    [[nodiscard]] ComponentId find(const std::string& name) const;
    [[nodiscard]] std::vector<ComponentId> of_kind(ComponentKind kind) const;
    /// Components that a connection joins to `id`, in file order.
    [[nodiscard]] std::vector<ComponentId> neighbours(ComponentId id) const;

    /// Ports of a memory, the medium of a bus, one direction of a serial link. Invalid where it has
    /// no limit.
    [[nodiscard]] LinkId read_port(ComponentId memory) const;
    [[nodiscard]] LinkId write_port(ComponentId memory) const;
    [[nodiscard]] LinkId medium(ComponentId bus) const;
    [[nodiscard]] LinkId inbound(ComponentId link) const;
    [[nodiscard]] LinkId outbound(ComponentId link) const;
    /// The directed mesh link from router (column, row) to its neighbour; and a router's local
    /// ports.
    enum class Direction { east, west, north, south, inject, eject };
    [[nodiscard]] LinkId mesh_link(ComponentId mesh, std::int64_t column, std::int64_t row,
                                   Direction to) const;

    /// The energy of one count of an action at a component (a byte, an operation), and where the
    /// number comes from. A missing number is an internal error: loading refuses machines that lack
    /// one.
    [[nodiscard]] const Sourced& energy_of(ComponentId id, Action action,
                                           Precision precision) const;

    /// The area of all components on the chip.
    [[nodiscard]] SquareMillimetres area() const { return total_area(parts_.components); }
    /// Leakage and clock power of all components.
    [[nodiscard]] Watts standing_power() const;
    /// Those that it is made of: the components are of one of them.
    [[nodiscard]] std::int64_t cards() const { return parts_.cards ? parts_.cards->count : 1; }

    /// The same machine at a lower clock and the voltage that its power cap's rule gives for it.
    /// DRAM and links off the chip stay as they are.
    [[nodiscard]] Machine at_clock(Hertz clock) const;

    /// The same machine with one link's capacity multiplied by `factor`: what a mapping made for
    /// another machine meets.
    [[nodiscard]] Machine with_link_scaled(ComponentId component, double factor) const;

private:
    struct Graph;
    Parts parts_;
    std::vector<Link> links_;
    std::vector<LinkId> first_link_;  ///< of each component
    std::vector<ComponentId> drams_;
    std::unique_ptr<Graph> graph_;
};

}  // namespace memwall
