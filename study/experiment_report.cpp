// SPDX-License-Identifier: Apache-2.0
#include "study/experiment_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.hpp"
#include "study/figures.hpp"
#include "study/findings.hpp"
#include "study/run_report.hpp"
#include "study/table.hpp"

namespace memwall {

std::string ExperimentCase::title() const {
    return fmt::format("{}, batch {}", precision, batch);
}

const RunResult& ExperimentCase::run(const std::string& point) const {
    const auto found = std::find_if(runs.begin(), runs.end(), [&](const RunResult* candidate) {
        return candidate->machine == point;
    });
    ensure(found != runs.end(), "a case has a run of every design point");
    return **found;
}

namespace {

std::string case_table(const Experiment& experiment, const ExperimentCase& one) {
    const RunResult& reference = one.run(experiment.reference);
    const std::string& item = reference.totals.item;
    Table table({{"", Align::left},
                 {item + "s/s"},
                 {"latency"},
                 {"power"},
                 {"energy a " + item},
                 {"times " + reference.machine},
                 {"moving data"},
                 {"at its bound: " + item + "s/s"},
                 {"energy a " + item},
                 {"area"}});
    for (const RunResult* run : one.runs) {
        const Totals& totals = run->totals;
        const ItemFigures figures = item_figures(*run);
        table.add({run->machine, rate(totals.throughput), format_seconds(totals.latency.mean),
                   format_watts(totals.power), format_joules(totals.energy_per_item),
                   factor(ratio(totals.energy_per_item, reference.totals.energy_per_item)),
                   percent(share_of(*run, EnergyKind::data_movement)),
                   rate(figures.per_second_at_bound), format_joules(figures.energy_at_bound),
                   totals.area ? fmt::format("{:.0f} mm2", totals.area->count()) : "unknown"});
    }
    return table.text();
}

std::string movement(const RunResult& run) {
    return fmt::format("{}: {} of {} a {} is data movement", run.machine,
                       percent(share_of(run, EnergyKind::data_movement)),
                       format_joules(run.totals.energy_per_item), run.totals.item);
}

/// One design point beside the reference, in one line.
std::string point_sentence(const RunResult& reference, const RunResult& other) {
    const bool reference_better = reference.totals.energy_per_item <= other.totals.energy_per_item;
    std::string text = movement(other) + ".";
    for (const std::string& sentence : pair_findings(reference_better ? reference : other,
                                                     reference_better ? other : reference)) {
        text += " " + sentence;
    }
    return text;
}

std::string crossover_sentence(const Experiment& experiment, const ExperimentCase& one) {
    const CrossoverQuestion& question = *experiment.crossover;
    const Crossover& found = *one.crossover;
    const std::string what = question.vary.substr(question.vary.rfind('.') + 1);
    const auto from = [&](const std::optional<Bytes>& capacity, const std::string& claim) {
        if (!capacity) {
            return fmt::format("no {} up to {} makes it {}", what, format_bytes(question.to),
                               claim);
        }
        const bool everywhere = *capacity <= question.from;
        return fmt::format("{} {} on it is {}", everywhere ? "already from" : "from",
                           format_bytes(*capacity), claim);
    };
    return fmt::format(
        "Crossover of {}, {}, by the analytic engine: {}, {}. It needs least, {} a frame, with {}; "
        "{} is within 5 % of that.",
        question.point, one.title(), from(found.energy, "as frugal as " + experiment.reference),
        from(found.speed, "as fast"), format_joules(found.best_energy), format_bytes(found.best),
        format_bytes(found.knee));
}

/// Over all cases: how often the reference is ahead, and by how much at least and at most.
std::string overall_sentence(const Experiment& experiment,
                             const std::vector<ExperimentCase>& cases) {
    std::vector<double> energies, speeds, energies_at_bound, speeds_at_bound;
    for (const ExperimentCase& one : cases) {
        const RunResult& reference = one.run(experiment.reference);
        for (const RunResult* run : one.runs) {
            if (run != &reference) {
                energies.push_back(
                    ratio(run->totals.energy_per_item, reference.totals.energy_per_item));
                speeds.push_back(reference.totals.throughput / run->totals.throughput);
                const ItemFigures figures = item_figures(*run);
                energies_at_bound.push_back(
                    ratio(figures.energy_at_bound, reference.totals.energy_per_item));
                speeds_at_bound.push_back(reference.totals.throughput /
                                          figures.per_second_at_bound);
            }
        }
    }
    const auto ahead = [](const std::vector<double>& factors) {
        return std::count_if(factors.begin(), factors.end(),
                             [](double ratio) { return ratio >= kLeastClaim; });
    };
    const auto range = [](const std::vector<double>& factors) {
        const auto [least, most] = std::minmax_element(factors.begin(), factors.end());
        return factor(*least) + " to " + factor(*most);
    };
    return fmt::format(
        "Over all {} comparisons {} needs less energy in {} (the others need {} times its energy) "
        "and is faster in {} (by a factor of {}); with the others at their I/O lower bounds, less "
        "energy in {} ({} times) and faster in {} (by a factor of {}).",
        energies.size(), experiment.reference, ahead(energies), range(energies), ahead(speeds),
        range(speeds), ahead(energies_at_bound), range(energies_at_bound), ahead(speeds_at_bound),
        range(speeds_at_bound));
}

}  // namespace

std::vector<std::string> experiment_findings(const Experiment& experiment,
                                             const std::vector<ExperimentCase>& cases) {
    std::vector<std::string> sentences;
    for (const ExperimentCase& one : cases) {
        const RunResult& reference = one.run(experiment.reference);
        sentences.push_back(one.title() + ": " + movement(reference) + ".");
        for (const RunResult* run : one.runs) {
            if (run != &reference) {
                sentences.push_back(one.title() + ": " + point_sentence(reference, *run));
            }
        }
    }
    for (const ExperimentCase& one : cases) {
        if (one.crossover) {
            sentences.push_back(crossover_sentence(experiment, one));
        }
    }
    sentences.push_back(overall_sentence(experiment, cases));
    return sentences;
}

std::string experiment_report(const Experiment& experiment,
                              const std::vector<ExperimentCase>& cases,
                              const std::vector<std::string>& findings) {
    std::string text = experiment.name + ": " + experiment.question + "\n\n";
    for (const RunResult* run : cases.front().runs) {
        std::string changes;
        for (const std::string& override : run->overrides) {
            changes += (changes.empty() ? ": " : ", ") + override;
        }
        text += run->machine + changes + "\n";
    }
    for (const ExperimentCase& one : cases) {
        text +=
            "\n" + experiment.network + " at " + one.title() + "\n" + case_table(experiment, one);
    }
    text += "\n" + run_notes(cases.front().run(experiment.reference)) + "\n";
    return text + findings_text(findings);
}

}  // namespace memwall
