// SPDX-License-Identifier: Apache-2.0
#include "study/stage_split.hpp"

#include <algorithm>
#include <cstddef>
#include <variant>

namespace memwall {
namespace {

bool reads_cache(const Layer& layer) {
    return std::any_of(layer.space.operands.begin(), layer.space.operands.end(),
                       [](const Operand& each) { return each.role == TensorRole::state; });
}

/// Bytes of weights that all cores read of their memories in a run.
double weights_read(const RunResult& run) {
    double bytes = 0;
    for (const LayerResult& layer : run.layers) {
        for (const MemoryTraffic& traffic : layer.traffic) {
            for (const TensorTraffic& tensor : traffic.tensors) {
                if (traffic.memory == "core_memory" && tensor.tensor == TensorRole::weights) {
                    bytes += static_cast<double>(tensor.read.count());
                }
            }
        }
    }
    return bytes;
}

/// That all core memories together read in a second.
double read_rate(const Machine& machine) {
    const Component& memory = machine.component(machine.find("core_memory"));
    return static_cast<double>(memory.instances) *
           static_cast<double>(std::get<MemoryConfig>(memory.config).read_width.count()) *
           static_cast<double>(machine.clocks().front().frequency().count());
}

/// What all groups take on average, over what the last one took.
double share_of_last(const RunResult& run, Seconds own) {
    Seconds last(0);
    for (const LayerResult& layer : run.layers) {
        last += layer.adds;
    }
    return last > Seconds(0) ? own.count() / last.count() : 1;
}

}  // namespace

StageSplit stage_split(const Network& part, const PartRun& run, const Machine& machine,
                       std::int64_t groups, Seconds interval) {
    StageSplit split;
    const std::vector<LayerResult>& layers = run.busy.layers;
    const double of_all = share_of_last(run.busy, run.interval);
    Seconds matrices(0);
    Seconds computing(0);
    const auto rounds = static_cast<double>(groups);
    for (std::size_t l = 0; l < part.layers().size(); ++l) {
        const Layer& layer = part.layer(LayerId(l));
        const bool multiplies = layer.macs() > 0 && !reads_cache(layer);
        computing += multiplies ? layers[l].computing : Seconds(0);
        if (Seconds* kind = !layer.space.whole_dims.empty() ? &split.norms
                            : reads_cache(layer)            ? &split.attention
                            : multiplies                    ? &matrices
                                                            : nullptr) {
            *kind += Seconds(layers[l].adds.count() * of_all);
        }
    }
    const Seconds reading(weights_read(run.busy) / rounds / read_rate(machine));
    split.weights = std::min(matrices, std::max(reading, computing));
    split.sums = matrices - split.weights;
    // What is left of the run's own time: other layers, and what begins before the first one.
    split.others = std::max(Seconds(0), run.interval - matrices - split.attention - split.norms);
    split.exchange = std::max(Seconds(0), interval - run.interval);
    return split;
}

}  // namespace memwall
