// SPDX-License-Identifier: Apache-2.0
#include "study/late_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/error.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

struct LateOfLayer {
    const LayerResult* layer = nullptr;
    const LateResult* late = nullptr;
};

/// The worst first: the one that was latest, then the most steps.
std::vector<LateOfLayer> worst_first(const RunResult& run) {
    std::vector<LateOfLayer> all;
    for (const LayerResult& layer : run.layers) {
        for (const LateResult& late : layer.late) {
            all.push_back({&layer, &late});
        }
    }
    std::stable_sort(all.begin(), all.end(), [](const LateOfLayer& a, const LateOfLayer& b) {
        return a.late->most != b.late->most ? a.late->most > b.late->most
                                            : a.late->steps > b.late->steps;
    });
    return all;
}

/// "3 on partial sums, 2 on compute"
std::string by_unit(const std::vector<LateOfLayer>& all) {
    std::map<std::string, std::int64_t> steps;
    for (const LateOfLayer& each : all) {
        steps[each.late->unit] += each.late->steps;
    }
    std::string text;
    for (const auto& [unit, count] : steps) {
        text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", count, unit);
    }
    return text;
}

std::string reason(const RunResult& run, const LateResult& late) {
    const std::string whose = late.of_layer ? run.layers[*late.of_layer].name : "the loading";
    switch (late.cause) {
        case LateCause::unit:
            return fmt::format("{} was busy with {}", late.unit, whose);
        case LateCause::data:
            return fmt::format("waited for {} of {}", late.of_unit, whose);
        case LateCause::room:
            return fmt::format("waited for room that {} of {} frees", late.of_unit, whose);
    }
    return "";
}

}  // namespace

std::string late_text(const RunResult& run) {
    constexpr std::size_t kShown = 4;
    const std::vector<LateOfLayer> all = worst_first(run);
    ensure(!all.empty(), "late steps have their reasons");
    std::string text =
        fmt::format("note: {} scheduled step{} on {} began late, by {} at most: {}\n",
                    run.totals.stalls, run.totals.stalls == 1 ? "" : "s", run.machine,
                    format_seconds(all.front().late->most), by_unit(all));
    for (std::size_t l = 0; l < std::min(all.size(), kShown); ++l) {
        const LateResult& late = *all[l].late;
        text += fmt::format("  {} of {} on {}, by {} at most: {}\n", late.steps, all[l].layer->name,
                            late.unit, format_seconds(late.most), reason(run, late));
    }
    if (all.size() > kShown) {
        text += fmt::format("  and {} more, by layer and reason, in the result's JSON\n",
                            all.size() - kShown);
    }
    return text;
}

}  // namespace memwall
