// SPDX-License-Identifier: Apache-2.0
#include "study/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parse.hpp"

namespace memwall {

double share_of(const RunResult& run, EnergyKind kind) {
    const Joules total = run.totals.energy;
    return total.count() > 0 ? ratio(run.totals.by_kind[static_cast<std::size_t>(kind)], total) : 0;
}

ItemFigures item_figures(const RunResult& run) {
    const Totals& totals = run.totals;
    const auto items = static_cast<double>(totals.items);
    ItemFigures figures;
    figures.energy = totals.energy_per_item;
    figures.per_second = totals.throughput;
    figures.energy_at_bound = Joules(totals.at_lower_bound.energy.count() / items);
    const double seconds = totals.at_lower_bound.seconds.count();
    figures.per_second_at_bound = seconds > 0 ? items / seconds : 0;
    return figures;
}

std::string EnergyPart::text() const {
    return component_kind + " " + words(kind);
}

std::vector<EnergyPart> energy_parts(const RunResult& run) {
    std::vector<EnergyPart> parts;
    const auto items = static_cast<double>(run.totals.items);
    for (const ComponentResult& component : run.components) {
        for (const ActionResult& action : component.actions) {
            const auto same = [&](const EnergyPart& part) {
                return part.component_kind == component.kind && part.kind == action.kind;
            };
            auto part = std::find_if(parts.begin(), parts.end(), same);
            if (part == parts.end()) {
                part = parts.insert(parts.end(), {component.kind, action.kind, Joules(0)});
            }
            part->energy += Joules(action.energy.count() / items);
        }
    }
    parts.erase(std::remove_if(parts.begin(), parts.end(),
                               [](const EnergyPart& part) { return part.energy.count() <= 0; }),
                parts.end());
    return parts;
}

std::vector<BoundShare> bound_shares(const RunResult& run) {
    std::array<double, kBoundCount> seconds{};
    double all = 0;
    for (const LayerResult& layer : run.layers) {
        if (layer.bound_by) {
            seconds[static_cast<std::size_t>(*layer.bound_by)] += layer.adds.count();
            all += layer.adds.count();
        }
    }
    std::vector<BoundShare> shares;
    for (std::size_t b = 0; b < kBoundCount; ++b) {
        if (seconds[b] > 0) {
            shares.push_back({static_cast<Bound>(b), seconds[b] / all});
        }
    }
    std::stable_sort(shares.begin(), shares.end(),
                     [](const BoundShare& a, const BoundShare& b) { return a.share > b.share; });
    return shares;
}

std::string percent(double share) {
    const double value = share * 100;
    return fmt::format("{:.{}f} %", value, value != 0 && std::abs(value) < 9.95 ? 1 : 0);
}

std::string factor(double ratio) {
    return fmt::format("{:.{}f}", ratio, ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0);
}

std::string rate(double value) {
    return value >= 100 ? format_count(std::llround(value)) : fmt::format("{:.3g}", value);
}

std::string words(EnergyKind kind) {
    std::string text = name(kind);
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

}  // namespace memwall
