// SPDX-License-Identifier: Apache-2.0
// What holds in every result; see the list in docs/design.md.
#include <cmath>

#include "base/error.hpp"
#include "sim/assemble_result.hpp"

namespace memwall {
namespace {

constexpr double kTolerance = 1e-9;

bool adds_up(Joules sum, Joules total) {
    return std::abs(sum.count() - total.count()) <= kTolerance * std::abs(total.count());
}

std::string text(std::int64_t count) {
    return std::to_string(count);
}

}  // namespace

void check_macs(const RunInput& input, const RunResult& result) {
    std::vector<std::int64_t> done(input.network.layers().size());
    for (const LedgerRow& row : result.ledger) {
        if (!row.counted || !row.layer.valid()) {
            continue;
        }
        std::int64_t& sum = done[row.layer.position()];
        switch (*row.counted) {
            case Action::mac:
            case Action::gated_mac:
            case Action::skipped_mac:
                sum = checked_add(sum, row.count);
                break;
            case Action::recomputed_mac:
                sum = checked_subtract(sum, row.count);
                break;
            default:
                break;
        }
    }
    for (std::size_t l = 0; l < done.size(); ++l) {
        if (done[l] != result.layers[l].macs) {
            fail("layer '" + result.layers[l].name + "' has " + text(result.layers[l].macs) +
                 " multiply-accumulates, but " + text(done[l]) + " were counted on machine '" +
                 result.machine + "'");
        }
    }
}

void check_sums(const RunResult& result) {
    Joules layers(0);
    Joules components(0);
    Joules kinds(0);
    Joules statuses(0);
    Joules actions(0);
    for (const LayerResult& layer : result.layers) {
        layers += layer.energy;
        std::int64_t late = 0;
        for (const LateResult& steps : layer.late) {
            late += steps.steps;
        }
        ensure(late == layer.stalls, "late steps have their reasons");
    }
    for (const ComponentResult& component : result.components) {
        components += component.energy;
        for (const ActionResult& action : component.actions) {
            actions += action.energy;
        }
    }
    for (const Joules energy : result.totals.by_kind) {
        kinds += energy;
    }
    for (const Joules energy : result.totals.by_status) {
        statuses += energy;
    }
    const Joules total = result.totals.energy;
    ensure(adds_up(layers, total), "the energies of the layers add up to the total");
    ensure(adds_up(components, total), "the energies of the components add up to the total");
    ensure(adds_up(actions, total), "the energies of the actions add up to the total");
    ensure(adds_up(kinds, total), "the energies of the kinds add up to the total");
    ensure(adds_up(statuses, total), "the energies of the statuses add up to the total");
}

void check_bounds(const RunInput& input, const RunResult& result) {
    if (!input.mapping.outermost.valid()) {
        return;
    }
    const std::string& memory = input.machine.component(input.mapping.outermost).name;
    Bytes all(0);
    for (const LayerResult& layer : result.layers) {
        Bytes moved(0);
        for (const MemoryTraffic& traffic : layer.traffic) {
            if (traffic.memory != memory) {
                continue;
            }
            for (const TensorTraffic& tensor : traffic.tensors) {
                moved += tensor.read + tensor.write;
            }
        }
        all += moved;
        if (layer.bound_applies && layer.lower_bound && moved < layer.lower_bound->second) {
            fail("layer '" + layer.name + "' moved " + text(moved.count()) + " bytes at '" +
                 memory + "', less than its lower bound of " +
                 text(layer.lower_bound->second.count()));
        }
    }
    const Bytes least = input.mapping.network_bound * input.scenario.counted_rounds();
    if (all < least) {
        fail("the network moved " + text(all.count()) + " bytes at '" + memory +
             "', less than its lower bound of " + text(least.count()));
    }
}

}  // namespace memwall
