// SPDX-License-Identifier: Apache-2.0
#include "arch/action.hpp"

#include <algorithm>

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
        case Action::issue:
            return EnergyKind::control;
        default:
            return EnergyKind::arithmetic;
    }
}

/// Where the row of `key` stands, or would.
std::size_t ActionTable::place_of(const ActionKey& key) const {
    std::size_t at = ActionKeyHash()(key) & (places_.size() - 1);
    while (places_[at].valid() && keys_[places_[at].position()] != key) {
        at = (at + 1) & (places_.size() - 1);
    }
    return at;
}

void ActionTable::enlarge() {
    constexpr std::size_t kLeast = 1'024;
    places_.assign(std::max(kLeast, places_.size() * 4), RowId());
    for (std::size_t r = 0; r < keys_.size(); ++r) {
        places_[place_of(keys_[r])] = RowId(r);
    }
}

RowId ActionTable::row(const ActionKey& key) {
    if (keys_.size() * 2 >= places_.size()) {
        enlarge();
    }
    RowId& row = places_[place_of(key)];
    if (!row.valid()) {
        row = RowId(keys_.size());
        keys_.push_back(key);
    }
    return row;
}

}  // namespace memwall
