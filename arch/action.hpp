// SPDX-License-Identifier: Apache-2.0
// What a machine can be seen to do, and the table that gives each distinct doing one integer
// counter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/identifiers.hpp"
#include "workloads/iteration_space.hpp"
#include "workloads/precision.hpp"

namespace memwall {

/// Every joule is one of these four (docs/model.md has the table from action to kind).
enum class EnergyKind { arithmetic, data_movement, control, static_energy };

/// Actions are counted, never timed: bytes for reads, writes, transfers and issue; operations for
/// the rest.
enum class Action {
    read,         ///< byte read from a memory
    write,        ///< byte written to a memory
    transfer,     ///< byte over a bus or link
    hop,          ///< byte over one hop of a mesh
    activate,     ///< DRAM row activation
    issue,        ///< operand byte that an instruction delivers to lanes
    mac,          ///< multiply-accumulate executed
    gated_mac,    ///< multiply-accumulate whose zero operand gates it: time but next to no energy
    skipped_mac,  ///< multiply-accumulate left out by hardware that skips zeros: neither time nor
                  ///< energy
    recomputed_mac,  ///< the part of mac + gated_mac that other tiles had done already
    accumulate,      ///< addition into a partial sum, outside the multiply-accumulate
    vector,          ///< elementwise operation
};

const char* name(EnergyKind kind);
const char* name(Action action);
/// "byte" or "operation".
const char* unit_of(Action action);
/// What one counter counts.
struct ActionKey {
    LayerId layer;
    ComponentId component;
    Action action = Action::read;
    TensorRole tensor = TensorRole::weights;
    Precision precision = Precision::int8;

    friend auto operator<=>(const ActionKey&, const ActionKey&) = default;
};

/// The part of a total that an action's energy belongs to.
EnergyKind kind_of(Action action, std::optional<TensorRole> of);

struct ActionKeyHash {
    std::size_t operator()(const ActionKey& key) const {
        const auto part = [](auto value) { return static_cast<std::size_t>(value); };
        const std::size_t what =
            (part(key.action) << 16U) ^ (part(key.tensor) << 8U) ^ part(key.precision);
        const std::size_t where =
            (part(key.layer.value) << 24U) ^ (part(key.component.value) << 56U);
        constexpr std::size_t kMix = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio
        return (what ^ where) * kMix >> 16U;
    }
};

/// The counters of a program, in the order in which they were first asked for.
class ActionTable {
public:
    /// The row of `key`, made if need be.
    RowId row(const ActionKey& key);
    [[nodiscard]] const ActionKey& key(RowId row) const { return keys_[row.position()]; }
    [[nodiscard]] std::size_t size() const { return keys_.size(); }

private:
    [[nodiscard]] std::size_t place_of(const ActionKey& key) const;
    void enlarge();

    std::vector<ActionKey> keys_;
    std::vector<RowId> places_;  ///< looked up by a key's hash, its size a power of two
};

}  // namespace memwall
