// SPDX-License-Identifier: Apache-2.0
// What an action costs at a process node. Every number says whether it is published, derived or
// assumed, and where it comes from.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/quantity.hpp"
#include "base/yaml.hpp"
#include "workloads/precision.hpp"

namespace memwall {

/// How sure a number is: read in a source, computed from such numbers by a stated rule, or
/// nobody's.
enum class Status { published, derived, assumed, calibrated };

const char* name(Status status);

/// A number with its interval and where it comes from. Units are those of the field that holds it.
struct Sourced {
    double value = 0;
    double low = 0;
    double high = 0;
    Status status = Status::assumed;
    std::string source;
};

/// The number and its interval times a factor; what was published is derived
/// then.
Sourced times(const Sourced& number, double factor);

/// Two numbers added up; what was published is derived then.
Sourced sum(const Sourced& a, const Sourced& b);

/// Two numbers multiplied; what was published is derived then.
Sourced product(const Sourced& a, const Sourced& b);

/// `base` to a power, and its interval.
Sourced power(double base, const Sourced& exponent);

/// A number {value, low, high, status, source} in a map; its absence is a fault. `Unit` is a
/// quantity of doubles, or double.
template <class Unit>
Sourced required_sourced(MapReader& reader, std::string_view key);

/// One point of an SRAM table: a figure of a macro of `macro` bytes.
struct SramPoint {
    Bytes macro;
    Sourced figure;
};

/// The macro of an SRAM that one access wakes up.
struct SramMacro {
    Bytes size;
    Bytes width = Bytes(8);  ///< of the word that an access moves
    std::int64_t ports = 1;  ///< accesses to any of its cells at a time
};

/// A figure of a macro with one port as one with the macro's ports has it.
Sourced with_ports(const Sourced& of_one, const SramMacro& macro, const Sourced& exponent);

/// Powers by which figures follow a macro's form. Of a macro with one port and words of 8 B the
/// tables tell.
struct SramForm {
    Sourced width_energy;  ///< the energy of a byte falls so with the width over 8 B
    Sourced ports_energy;
    Sourced ports_access_time;
    Sourced ports_area;
    Sourced ports_leakage;
};

/// The cells of a memory that says nothing of them.
inline constexpr const char* kSramCells = "sram";

/// What takes the place of SRAM beside the cores.
struct MemoryCells {
    Sourced read;          ///< J a byte, of a macro
    Sourced write;         ///< J a byte
    Sourced area;          ///< mm2 a MiB, with periphery
    Sourced standby;       ///< W a MiB: leakage and refresh
    bool stacked = false;  ///< on a die of its own above the cores
};

/// The costs at one node (configs/technology). SRAM points are sorted by size.
struct Technology {
    std::string name;
    double node_nm = 0;
    std::optional<Sourced> supply;            ///< V, at which the figures below hold
    std::map<Precision, Sourced> mac;         ///< J an executed multiply-accumulate
    Sourced gated_mac_fraction;               ///< of an executed one's energy
    std::map<Precision, Sourced> add;         ///< J an addition
    Sourced vector_operation;                 ///< J an elementwise operation
    std::vector<SramPoint> sram_read;         ///< J a byte
    std::vector<SramPoint> sram_access_time;  ///< s, from an address at the macro to its word
    SramForm sram_form;
    Sourced sram_write_ratio;               ///< write energy over read energy
    Sourced register_file;                  ///< J a byte, read or written, of kRegisterFileBank
    Sourced wire;                           ///< J a byte and millimetre
    Sourced wire_delay;                     ///< s a millimetre
    Sourced router;                         ///< J a byte and router, beside the wire
    Sourced sram_area;                      ///< mm2 a MiB, macros with their periphery
    std::map<Precision, Sourced> mac_area;  ///< mm2 a MAC a cycle
    Sourced sram_leakage;                   ///< W a MiB
    Sourced logic_leakage;                  ///< W a mm2 that is no SRAM
    Sourced clock;  ///< J a cycle and mm2 that is no SRAM: clock tree and control
    /// J an operand byte that an instruction delivers to lanes: fetch, decode, collection of
    /// operands.
    std::optional<Sourced> operand_issue;
    std::map<std::string, MemoryCells> cells;  ///< beside SRAM, by name; empty: none are known

    /// J to read one byte of a macro.
    [[nodiscard]] Sourced sram_read_energy(const SramMacro& macro) const;
    /// s from an address at a macro to the word.
    [[nodiscard]] Sourced sram_access(const SramMacro& macro) const;
    /// J to read or write a byte of a register file in banks of `bank` bytes.
    [[nodiscard]] Sourced register_file_energy(Bytes bank) const;
};

/// The register file whose energy was published: 32 registers of 32 bit (Horowitz, ISSCC 2014).
inline constexpr Bytes kRegisterFileBank(128);

Technology load_technology(const YamlValue& root, Diagnostics& faults);

}  // namespace memwall
