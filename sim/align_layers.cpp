// SPDX-License-Identifier: Apache-2.0
#include "sim/align_layers.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "sim/late_results.hpp"

namespace memwall {
namespace {

std::size_t place_of(const std::vector<LayerResult>& layers, const std::string& name) {
    const auto found = std::find_if(layers.begin(), layers.end(),
                                    [&](const LayerResult& each) { return each.name == name; });
    return static_cast<std::size_t>(found - layers.begin());
}

LayerResult idle(const LayerResult& whole) {
    LayerResult none;
    none.name = whole.name;
    none.op = whole.op;
    none.bound_applies = whole.bound_applies;
    none.mapping = whole.mapping;
    none.fused_with = whole.fused_with;
    return none;
}

}  // namespace

RunResult with_layers_of(RunResult run, const RunResult& whole) {
    if (run.layers.size() == whole.layers.size()) {
        return run;
    }
    std::vector<std::size_t> moved_to;
    for (const LayerResult& layer : run.layers) {
        moved_to.push_back(place_of(whole.layers, layer.name));
        ensure(moved_to.back() < whole.layers.size(), "a step runs layers of the whole network");
    }
    std::vector<LayerResult> layers(whole.layers.size());
    std::transform(whole.layers.begin(), whole.layers.end(), layers.begin(), idle);
    for (std::size_t l = 0; l < run.layers.size(); ++l) {
        LayerResult& layer = run.layers[l];
        if (layer.fused_with) {
            layer.fused_with = moved_to[*layer.fused_with];
        }
        move_late(layer.late, [&](std::size_t of) { return moved_to[of]; });
        layers[moved_to[l]] = std::move(layer);
    }
    run.layers = std::move(layers);
    for (LedgerRow& row : run.ledger) {
        if (row.layer.valid()) {
            row.layer = LayerId(moved_to[row.layer.position()]);
        }
    }
    return run;
}

}  // namespace memwall
