// SPDX-License-Identifier: Apache-2.0
#include "study/findings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.hpp"
#include "study/figures.hpp"

namespace memwall {
namespace {

/// The part that separates two runs most, in the direction of `worse` being worse.
struct Difference {
    std::string part;
    double share = 0;  ///< of the whole difference
};

Difference largest_difference(const RunResult& better, const RunResult& worse) {
    std::vector<EnergyPart> parts = energy_parts(worse);
    for (const EnergyPart& own : energy_parts(better)) {
        const auto same = [&](const EnergyPart& part) { return part.text() == own.text(); };
        const auto there = std::find_if(parts.begin(), parts.end(), same);
        if (there != parts.end()) {
            there->energy -= own.energy;
        } else {
            parts.push_back({own.component_kind, own.kind, Joules(0) - own.energy});
        }
    }
    const auto most = std::max_element(
        parts.begin(), parts.end(),
        [](const EnergyPart& a, const EnergyPart& b) { return a.energy < b.energy; });
    const Joules whole = worse.totals.energy_per_item - better.totals.energy_per_item;
    return {most->text(), ratio(most->energy, whole)};
}

std::string movement_sentence(const RunResult& run) {
    const Joules moving(
        run.totals.by_kind[static_cast<std::size_t>(EnergyKind::data_movement)].count() /
        static_cast<double>(run.totals.items));
    return fmt::format("{}: {} of the energy is data movement ({} of {} a {}).", run.machine,
                       percent(share_of(run, EnergyKind::data_movement)), format_joules(moving),
                       format_joules(run.totals.energy_per_item), run.totals.item);
}

std::string energy_sentence(const RunResult& best, const RunResult& other) {
    const double times = ratio(other.totals.energy_per_item, best.totals.energy_per_item);
    if (times < kLeastClaim) {
        return fmt::format("{} and {} need the same energy a {}, within {}.", best.machine,
                           other.machine, best.totals.item, percent(kLeastClaim - 1));
    }
    const Difference why = largest_difference(best, other);
    const std::string share = why.share > 1
                                  ? "more than the whole difference is " + why.part
                                  : percent(why.share) + " of the difference is " + why.part;
    return fmt::format("{} needs {} times less energy a {} than {}: {}.", best.machine,
                       factor(times), best.totals.item, other.machine, share);
}

std::string time_sentence(const RunResult& a, const RunResult& b) {
    const bool first = a.totals.throughput >= b.totals.throughput;
    const RunResult& fast = first ? a : b;
    const RunResult& slow = first ? b : a;
    const double times = fast.totals.throughput / slow.totals.throughput;
    if (times < kLeastClaim) {
        return fmt::format("{} and {} are as fast as each other, within {}.", a.machine, b.machine,
                           percent(kLeastClaim - 1));
    }
    const std::vector<BoundShare> shares = bound_shares(slow);
    const std::string why =
        shares.empty() ? ""
                       : fmt::format("; {} is held by {} for {} of its layers' time", slow.machine,
                                     name(shares.front().bound), percent(shares.front().share));
    return fmt::format(
        "{} is {} times faster than {} ({} against {} {}s/s): it keeps {} of its "
        "arrays' peak at work, {} {}{}.",
        fast.machine, factor(times), slow.machine, rate(fast.totals.throughput),
        rate(slow.totals.throughput), fast.totals.item, percent(fast.totals.utilization),
        slow.machine, percent(slow.totals.utilization), why);
}

/// Whether the order in energy survives when `other` moves as little as any schedule could.
std::string energy_at_bound(const RunResult& best, const RunResult& other,
                            const ItemFigures& figures) {
    const double before = ratio(other.totals.energy_per_item, best.totals.energy_per_item);
    if (before < kLeastClaim) {
        return "";
    }
    const double times = ratio(figures.energy_at_bound, best.totals.energy_per_item);
    if (times < kLeastClaim) {
        return ": the difference in energy does not survive";
    }
    const double gone = 1 - (times - 1) / (before - 1);
    return fmt::format(": still {} times as much as {}, {} of the difference in energy is gone",
                       factor(times), best.machine, percent(gone));
}

/// The same of the lead in speed, where `best` has one.
std::string speed_at_bound(const RunResult& best, const RunResult& other,
                           const ItemFigures& figures) {
    if (best.totals.throughput < other.totals.throughput * kLeastClaim) {
        return "";
    }
    const double times = best.totals.throughput / figures.per_second_at_bound;
    return times < kLeastClaim
               ? "; the lead in speed does not survive"
               : fmt::format("; {} is still {} times faster", best.machine, factor(times));
}

std::string bound_sentence(const RunResult& best, const RunResult& other) {
    const ItemFigures figures = item_figures(other);
    return fmt::format("At its I/O lower bound {} would need {} a {} at {} {}s/s{}{}.",
                       other.machine, format_joules(figures.energy_at_bound), best.totals.item,
                       rate(figures.per_second_at_bound), best.totals.item,
                       energy_at_bound(best, other, figures), speed_at_bound(best, other, figures));
}

/// "32 MiB of global_buffer on von_neumann": the largest memory on the chip; "" where it has none.
std::string memory_of(const RunResult& run) {
    const ComponentResult* largest = nullptr;
    for (const ComponentResult& component : run.components) {
        const bool larger = component.capacity && component.kind != name(ComponentKind::dram) &&
                            (largest == nullptr || *component.capacity > *largest->capacity);
        largest = larger ? &component : largest;
    }
    return largest == nullptr ? ""
                              : fmt::format("{} of {} on {}", format_bytes(*largest->capacity),
                                            largest->name, run.machine);
}

std::string setting_sentence(const std::vector<const RunResult*>& runs) {
    std::vector<std::string> memories;
    for (const RunResult* run : runs) {
        if (std::string memory = memory_of(*run); !memory.empty()) {
            memories.push_back(std::move(memory));
        }
    }
    const RunResult& first = *runs.front();
    return fmt::format("All of this at {}, batch {}{}{}.", first.precision, first.scenario.batch,
                       memories.empty() ? "" : ", with ", fmt::join(memories, " and "));
}

const RunResult& least_energy(const std::vector<const RunResult*>& runs) {
    return **std::min_element(runs.begin(), runs.end(), [](const auto* a, const auto* b) {
        return a->totals.energy_per_item < b->totals.energy_per_item;
    });
}

std::string wrapped(const std::string& sentence) {
    constexpr std::size_t kWidth = 100;
    std::string text;
    std::size_t column = 0;
    std::size_t begin = 0;
    while (begin < sentence.size()) {
        const std::size_t end = std::min(sentence.find(' ', begin), sentence.size());
        const std::size_t length = end - begin;
        if (column > 0 && column + 1 + length > kWidth) {
            text += "\n ";
            column = 1;
        }
        text += (column > 0 ? " " : "") + sentence.substr(begin, length);
        column += (column > 0 ? 1 : 0) + length;
        begin = end + 1;
    }
    return text;
}

}  // namespace

std::vector<std::string> pair_findings(const RunResult& best, const RunResult& other) {
    std::vector<std::string> sentences = {energy_sentence(best, other), time_sentence(best, other)};
    if (other.totals.at_lower_bound.energy < other.totals.energy) {
        sentences.push_back(bound_sentence(best, other));
    }
    return sentences;
}

std::vector<std::string> findings(const std::vector<const RunResult*>& runs) {
    std::vector<std::string> sentences;
    for (const RunResult* run : runs) {
        sentences.push_back(movement_sentence(*run));
    }
    const RunResult& best = least_energy(runs);
    for (const RunResult* run : runs) {
        if (run != &best) {
            const auto pair = pair_findings(best, *run);
            sentences.insert(sentences.end(), pair.begin(), pair.end());
        }
    }
    sentences.push_back(setting_sentence(runs));
    return sentences;
}

std::string findings_text(const std::vector<std::string>& sentences) {
    std::string text;
    for (const std::string& sentence : sentences) {
        text += wrapped(sentence) + "\n";
    }
    return text;
}

}  // namespace memwall
