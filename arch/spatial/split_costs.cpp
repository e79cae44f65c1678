// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/split_costs.hpp"

#include <algorithm>

namespace memwall {
namespace {

bool is_read(const Operand& operand) {
    return operand.role == TensorRole::inputs || operand.role == TensorRole::state;
}

}  // namespace

SplitCosts::SplitCosts(const Network& network, const std::vector<FusedLayer>& fused,
                       const Chip& chip, const Cores& cores)
    : network_(network),
      fused_(fused),
      chip_(chip),
      pipelines_(static_cast<double>(
          (cores.array_config->pipeline + cores.vector_config->pipeline + chip.synchronisation)
              .count())),
      activation_width_(static_cast<double>(chip.mesh->link_width.count())) {
    for (std::size_t f = 0; f < fused.size(); ++f) {
        first_makers_.emplace(fused[f].output, f);
    }
}

bool SplitCosts::reads_layer_before(std::size_t f) const {
    const auto& inputs = fused_[f].inputs;
    return f > 0 && std::find(inputs.begin(), inputs.end(), fused_[f - 1].output) != inputs.end();
}

const HolderGrid& SplitCosts::grid_of(const SplitCandidate& maker) {
    return grids_.try_emplace(&maker, maker.layer.results).first->second;
}

const std::vector<Taker>& SplitCosts::takers_at(const Operand& operand,
                                                const SplitCandidate& reader) {
    if (last_operand_ != &operand || last_reader_ != &reader) {
        last_takers_ = takers(network_, reader.layer, operand);
        last_operand_ = &operand;
        last_reader_ = &reader;
    }
    return last_takers_;
}

double SplitCosts::travel(std::size_t f, const SplitCandidate& from, const SplitCandidate& to) {
    const auto [known, fresh] = travels_.try_emplace({&from, &to}, 0.0);
    if (!fresh) {
        return known->second;
    }
    std::int64_t busiest = 0;
    std::int64_t longest = 0;
    const Layer& root = network_.layer(fused_[f].root);
    for (const Operand& operand : root.space.operands) {
        const TensorId stored = network_.storage(operand.tensor);
        if (is_read(operand) && stored == fused_[f - 1].output) {
            // Holders and takers of candidates are those of any layer of the same shape.
            const ExchangeLoad load =
                exchange_load(network_, stored, grid_of(from), takers_at(operand, to), *chip_.mesh);
            busiest += load.busiest;
            longest = std::max(longest, load.longest);
        }
    }
    known->second = exposed(f, from, to, static_cast<double>(busiest) / activation_width_,
                            static_cast<double>(longest));
    return known->second;
}

/// Cycles between the end of one layer's computing and the begin of the next. `time`: all of
/// the exchange; it begins with the first results, its last part travels after the last ones.
double SplitCosts::exposed(std::size_t f, const SplitCandidate& from, const SplitCandidate& to,
                           double time, double distance) const {
    const auto parts = static_cast<double>(from.layer.chunks.size());
    const double sums = from.plan.partial_sums;
    const double hidden = from.plan.compute - from.plan.first_output;
    const double late = std::max((sums + time) / parts,
                                 std::max(sums, time) - hidden + std::min(sums, time) / parts) +
                        static_cast<double>(from.layer.sum_distance) + distance + pipelines_;
    const Layer& root = network_.layer(fused_[f].root);
    for (const Operand& operand : root.space.operands) {
        if (operand.role == TensorRole::inputs &&
            reduces_by_channels(network_, root, operand, to.layer, from.layer)) {
            const auto first = static_cast<double>(
                std::count_if(from.layer.chunks.begin(), from.layer.chunks.end(),
                              [](const OutputChunk& c) { return c.positions.begin == 0; }));
            return std::max(0.0, late - to.plan.first_output * (1 - 1 / first));
        }
    }
    return late;
}

/// Cycles of an exchange on the busiest link; `operand`: of an epilogue, at the results.
double SplitCosts::cycles_between(TensorId stored, const SplitCandidate& from,
                                  const SplitCandidate& to, const Operand* input) {
    const auto [known, fresh] = betweens_.try_emplace({&from, &to, input == nullptr}, 0.0);
    if (!fresh) {
        return known->second;
    }
    std::vector<Taker> at_results;
    if (input == nullptr) {
        for (const Holder& holder : to.layer.results) {
            at_results.push_back({{holder.region}, {holder.at}});
        }
    }
    const ExchangeLoad load =
        exchange_load(network_, stored, grid_of(from),
                      input != nullptr ? takers_at(*input, to) : at_results, *chip_.mesh);
    known->second = static_cast<double>(load.busiest) / activation_width_;
    return known->second;
}

std::size_t SplitCosts::maker_of(TensorId stored, std::size_t before) const {
    const auto first = first_makers_.find(stored);
    return first != first_makers_.end() && first->second < before ? first->second : fused_.size();
}

double SplitCosts::early(std::size_t f, const SplitCandidate& to, const SplitOf& split_of) {
    if (f == 0) {
        return 0;
    }
    double inputs = 0;
    for (const Operand& operand : network_.layer(fused_[f].root).space.operands) {
        const TensorId stored = network_.storage(operand.tensor);
        const std::size_t maker = maker_of(stored, f - 1);
        if (is_read(operand) && maker < fused_.size()) {
            inputs += cycles_between(stored, *split_of(maker), to, &operand);
        }
    }
    double operands = 0;
    for (const TensorId operand : fused_[f].operands) {
        const std::size_t maker = maker_of(operand, f);
        if (maker < fused_.size()) {
            operands += cycles_between(operand, *split_of(maker), to, nullptr);
        }
    }
    // About half of the time that the layers in between compute, the network is free.
    const double before = split_of(f - 1)->plan.compute / 2;
    return std::max(0.0, inputs - before) + std::max(0.0, operands - to.plan.compute / 2) +
           (inputs + operands) / 8;
}

}  // namespace memwall
