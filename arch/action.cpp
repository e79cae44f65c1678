// SPDX-License-Identifier: Apache-2.0
#include "arch/action.hpp"

#include "base/error.hpp"

namespace memwall {

const char* name(EnergyKind kind) {
    switch (kind) {
        case EnergyKind::arithmetic:
            return "arithmetic";
        case EnergyKind::data_movement:
            return "data_movement";
        case EnergyKind::control:
            return "control";
        case EnergyKind::static_energy:
            return "static";
    }
    fail("unknown energy kind");
}

const char* name(Action action) {
    switch (action) {
        case Action::read:
            return "read";
        case Action::write:
            return "write";
        case Action::transfer:
            return "transfer";
        case Action::hop:
            return "hop";
        case Action::activate:
            return "activate";
        case Action::refresh:
            return "refresh";
        case Action::issue:
            return "issue";
        case Action::mac:
            return "mac";
        case Action::gated_mac:
            return "gated_mac";
        case Action::skipped_mac:
            return "skipped_mac";
        case Action::recomputed_mac:
            return "recomputed_mac";
        case Action::accumulate:
            return "accumulate";
        case Action::vector:
            return "vector";
    }
    fail("unknown action");
}

const char* unit_of(Action action) {
    switch (action) {
        case Action::read:
        case Action::write:
        case Action::transfer:
        case Action::hop:
        case Action::issue:
            return "byte";
        default:
            return "operation";
    }
}

EnergyKind kind_of(Action action, std::optional<TensorRole> of) {
    switch (action) {
        case Action::read:
        case Action::write:
        case Action::transfer:
        case Action::hop:
        case Action::activate:
            return of == TensorRole::instructions ? EnergyKind::control : EnergyKind::data_movement;
        case Action::refresh:
            return EnergyKind::static_energy;
        case Action::issue:
            return EnergyKind::control;
        default:
            return EnergyKind::arithmetic;
    }
}

RowId ActionTable::row(const ActionKey& key) {
    const auto [entry, inserted] = rows_.try_emplace(key, RowId(keys_.size()));
    if (inserted) {
        keys_.push_back(key);
    }
    return entry->second;
}

}  // namespace memwall
