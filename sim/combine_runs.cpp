// SPDX-License-Identifier: Apache-2.0
#include "sim/combine_runs.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.hpp"
#include "sim/align_layers.hpp"
#include "sim/late_results.hpp"

namespace memwall {
namespace {

/// Adds up counts and amounts of runs by their shares.
class Shares {
public:
    explicit Shares(const std::vector<RunShare>& shares) : shares_(shares) {
        for (const RunShare& share : shares_) {
            rounds_.push_back(share.run.scenario.counted_rounds());
        }
    }

    /// Sum of what `amount` gives for each run, as doubles.
    template <class Amount>
    [[nodiscard]] double amount(const Amount& amount) const {
        double sum = 0;
        for (std::size_t s = 0; s < shares_.size(); ++s) {
            sum += amount(shares_[s].run) * factor(s);
        }
        return sum;
    }

    /// The same for counts, rounded once.
    template <class Count>
    [[nodiscard]] std::int64_t count(const Count& count) const {
        __extension__ using Wide = __int128;
        Wide halves = 0;  // of all runs, over the product of their rounds
        Wide denominator = 1;
        for (const std::int64_t rounds : rounds_) {
            denominator =
                denominator * rounds / std::max<std::int64_t>(1, gcd(denominator, rounds));
        }
        for (std::size_t s = 0; s < shares_.size(); ++s) {
            halves += static_cast<Wide>(count(shares_[s].run)) * shares_[s].half_rounds *
                      (denominator / rounds_[s]);
        }
        const Wide whole = (halves + denominator) / (2 * denominator);
        ensure(whole <= INT64_MAX, "a count is too large");
        return static_cast<std::int64_t>(whole);
    }

    [[nodiscard]] double factor(std::size_t share) const {
        return static_cast<double>(shares_[share].half_rounds) /
               (2 * static_cast<double>(rounds_[share]));
    }

private:
    template <class Wide>
    static std::int64_t gcd(Wide a, std::int64_t b) {
        while (b != 0) {
            const auto rest = static_cast<std::int64_t>(a % b);
            a = b;
            b = rest;
        }
        return static_cast<std::int64_t>(a);
    }

    const std::vector<RunShare>& shares_;
    std::vector<std::int64_t> rounds_;
};

void add_energies(const std::vector<RunShare>& list, const Shares& shares, Totals& totals) {
    const auto energy = [&](auto part) {
        return Joules(
            shares.amount([&](const RunResult& run) { return part(run.totals).count(); }));
    };
    totals.energy = energy([](const Totals& of) { return of.energy; });
    totals.energy_low = energy([](const Totals& of) { return of.energy_low; });
    totals.energy_high = energy([](const Totals& of) { return of.energy_high; });
    for (std::size_t k = 0; k < totals.by_kind.size(); ++k) {
        totals.by_kind[k] = energy([&](const Totals& of) { return of.by_kind[k]; });
    }
    for (std::size_t s = 0; s < totals.by_status.size(); ++s) {
        totals.by_status[s] = energy([&](const Totals& of) { return of.by_status[s]; });
    }
    totals.at_lower_bound.energy =
        energy([](const Totals& of) { return of.at_lower_bound.energy; });
    totals.load_energy = list.front().run.totals.load_energy;
}

Totals combined_totals(const std::vector<RunShare>& list, const Shares& shares) {
    Totals totals = list.front().run.totals;
    const auto seconds = [&](auto part) {
        return Seconds(
            shares.amount([&](const RunResult& run) { return part(run.totals).count(); }));
    };
    totals.window = seconds([](const Totals& of) { return of.window; });
    totals.seconds = totals.window;
    totals.cycles = Cycles(static_cast<std::int64_t>(shares.amount([](const RunResult& run) {
        const Totals& of = run.totals;
        return static_cast<double>(of.cycles.count()) * (of.window.count() / of.seconds.count());
    })));
    totals.at_lower_bound.seconds =
        seconds([](const Totals& of) { return of.at_lower_bound.seconds; });
    totals.at_lower_bound.bytes = Bytes(
        shares.count([](const RunResult& run) { return run.totals.at_lower_bound.bytes.count(); }));
    add_energies(list, shares, totals);
    totals.macs = shares.count([](const RunResult& run) { return run.totals.macs; });
    for (std::size_t o = 0; o < totals.operations.size(); ++o) {
        totals.operations[o] =
            shares.count([&](const RunResult& run) { return run.totals.operations[o]; });
    }
    totals.utilization = shares.amount([](const RunResult& run) {
        return run.totals.utilization * run.totals.window.count();
    }) / totals.window.count();
    const double outside = shares.amount([](const RunResult& run) {
        const auto& intensity = run.totals.arithmetic_intensity;
        return intensity && *intensity > 0 ? static_cast<double>(run.totals.macs) / *intensity : 0;
    });
    totals.arithmetic_intensity.reset();
    if (outside > 0) {
        totals.arithmetic_intensity = static_cast<double>(totals.macs) / outside;
    }
    if (auto& shared = totals.tensor_parallel) {
        shared->collectives =
            seconds([](const Totals& of) { return of.tensor_parallel->collectives; });
        shared->sent = Bytes(shares.count(
            [](const RunResult& run) { return run.totals.tensor_parallel->sent.count(); }));
        for (const RunShare& share : list) {
            shared->most_users =
                std::min(shared->most_users, share.run.totals.tensor_parallel->most_users);
        }
    }
    if (totals.pipeline && totals.power_cap) {  // else what stands is the same in all
        totals.pipeline->static_power = Watts(shares.amount([](const RunResult& run) {
            return run.totals.pipeline->static_power.count() * run.totals.window.count();
        }) / totals.window.count());
    }
    totals.stalls = totals.steps = totals.events = 0;
    for (const RunShare& share : list) {
        const Totals& of = share.run.totals;
        for (std::size_t m = 0; m < totals.peak_memory.size(); ++m) {
            Bytes& peak = totals.peak_memory[m].second;
            peak = std::max(peak, of.peak_memory[m].second);
        }
        if (of.power_cap && of.power_cap->clock < totals.power_cap->clock) {
            totals.power_cap = of.power_cap;  // the lowest clock of all steps
        }
        totals.stalls += of.stalls;
        totals.steps += of.steps;
        totals.events += of.events;
    }
    return totals;
}

/// Traffic by memory and tensor in the order of their first run.
std::vector<MemoryTraffic> combined_traffic(const std::vector<RunShare>& list, const Shares& shares,
                                            std::size_t layer) {
    std::vector<MemoryTraffic> combined;
    const auto find = [](auto& items, auto same) -> decltype(&items.front()) {
        const auto found = std::find_if(items.begin(), items.end(), same);
        return found == items.end() ? nullptr : &*found;
    };
    const auto bytes_of = [&](const std::string& memory, TensorRole tensor,
                              Bytes TensorTraffic::*way) {
        return Bytes(shares.count([&](const RunResult& run) -> std::int64_t {
            const auto* in = find(run.layers[layer].traffic,
                                  [&](const auto& each) { return each.memory == memory; });
            const auto* of = in == nullptr ? nullptr : find(in->tensors, [&](const auto& each) {
                return each.tensor == tensor;
            });
            return of == nullptr ? 0 : (of->*way).count();
        }));
    };
    for (const RunShare& share : list) {
        for (const MemoryTraffic& traffic : share.run.layers[layer].traffic) {
            MemoryTraffic* memory =
                find(combined, [&](const auto& each) { return each.memory == traffic.memory; });
            if (memory == nullptr) {
                combined.push_back({traffic.memory, {}});
                memory = &combined.back();
            }
            for (const TensorTraffic& tensor : traffic.tensors) {
                if (find(memory->tensors, [&](const auto& each) {
                        return each.tensor == tensor.tensor;
                    }) == nullptr) {
                    memory->tensors.push_back(
                        {tensor.tensor,
                         bytes_of(traffic.memory, tensor.tensor, &TensorTraffic::read),
                         bytes_of(traffic.memory, tensor.tensor, &TensorTraffic::write)});
                }
            }
        }
    }
    return combined;
}

/// Start, end and what bounds a layer are those of the last run: the last step.
LayerResult combined_layer(const std::vector<RunShare>& list, const Shares& shares,
                           std::size_t layer) {
    LayerResult combined = list.back().run.layers[layer];
    const auto amount = [&](auto part) {
        return shares.amount([&](const RunResult& run) { return part(run.layers[layer]); });
    };
    combined.stalls = 0;
    combined.late.clear();
    for (const RunShare& share : list) {
        const LayerResult& own = share.run.layers[layer];
        ensure(own.name == combined.name, "runs of one network are combined");
        combined.bound_applies = combined.bound_applies && own.bound_applies;
        combined.stalls += own.stalls;
        add_late(own.late, combined.late);
    }
    combined.macs = shares.count([&](const RunResult& run) { return run.layers[layer].macs; });
    combined.energy = Joules(amount([](const LayerResult& of) { return of.energy.count(); }));
    for (std::size_t k = 0; k < combined.by_kind.size(); ++k) {
        combined.by_kind[k] =
            Joules(amount([&](const LayerResult& of) { return of.by_kind[k].count(); }));
    }
    if (combined.exposed) {
        combined.exposed = Seconds(
            amount([](const LayerResult& of) { return of.exposed ? of.exposed->count() : 0.0; }));
    }
    combined.queued = Seconds(amount([](const LayerResult& of) { return of.queued.count(); }));
    combined.traffic = combined_traffic(list, shares, layer);
    if (combined.lower_bound) {
        combined.lower_bound->second = Bytes(shares.count([&](const RunResult& run) {
            const auto& bound = run.layers[layer].lower_bound;
            return bound ? bound->second.count() : std::int64_t{0};
        }));
    }
    return combined;
}

/// The position of an item by a key, added where it is new.
template <class Key, class Item>
Item& at_key(std::map<Key, std::size_t>& places, std::vector<Item>& items, const Key& key,
             const Item& like) {
    const auto [place, is_new] = places.emplace(key, items.size());
    if (is_new) {
        items.push_back(like);
    }
    return items[place->second];
}

/// Counts of one row in all runs, rounded once: halves over a common number of rounds.
std::int64_t row_count(const Shares& shares, const std::vector<RunShare>& list,
                       const std::vector<std::int64_t>& counts) {
    std::size_t next = 0;
    ensure(counts.size() == list.size(), "a count for each run");
    return shares.count([&](const RunResult&) { return counts[next++]; });
}

std::vector<LedgerRow> combined_ledger(const std::vector<RunShare>& list, const Shares& shares) {
    using Key = std::tuple<std::size_t, std::size_t, std::string, int, int>;
    const auto key_of = [](const LedgerRow& row) {
        const std::size_t none = SIZE_MAX;
        return Key{row.layer.valid() ? row.layer.position() : none, row.component.position(),
                   row.action, row.tensor ? static_cast<int>(*row.tensor) : -1,
                   row.precision ? static_cast<int>(*row.precision) : -1};
    };
    std::map<Key, std::size_t> places;
    std::vector<LedgerRow> rows;
    std::vector<std::vector<std::int64_t>> counts;
    for (std::size_t s = 0; s < list.size(); ++s) {
        for (const LedgerRow& from : list[s].run.ledger) {
            LedgerRow blank = from;
            blank.seconds = 0;
            blank.energy = blank.low = blank.high = Joules(0);
            LedgerRow& row = at_key(places, rows, key_of(from), blank);
            counts.resize(rows.size(), std::vector<std::int64_t>(list.size()));
            counts[static_cast<std::size_t>(&row - rows.data())][s] += from.count;
            const double factor = shares.factor(s);
            row.seconds += from.seconds * factor;
            row.energy += Joules(from.energy.count() * factor);
            row.low += Joules(from.low.count() * factor);
            row.high += Joules(from.high.count() * factor);
        }
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
        rows[r].count = row_count(shares, list, counts[r]);
    }
    return rows;
}

ComponentResult combined_component(const std::vector<RunShare>& list, const Shares& shares,
                                   std::size_t component) {
    ComponentResult combined = list.front().run.components[component];
    combined.actions.clear();
    combined.energy = Joules(0);
    combined.busy_max = combined.busy_mean = Seconds(0);
    using Key = std::tuple<std::string, int, int>;
    std::map<Key, std::size_t> places;
    std::vector<std::vector<std::int64_t>> counts;
    for (std::size_t s = 0; s < list.size(); ++s) {
        const ComponentResult& from = list[s].run.components[component];
        const double factor = shares.factor(s);
        combined.energy += Joules(from.energy.count() * factor);
        combined.busy_max += Seconds(from.busy_max.count() * factor);
        combined.busy_mean += Seconds(from.busy_mean.count() * factor);
        for (const ActionResult& action : from.actions) {
            ActionResult blank = action;
            blank.seconds = 0;
            blank.energy = Joules(0);
            const Key key{action.action, action.tensor ? static_cast<int>(*action.tensor) : -1,
                          action.precision ? static_cast<int>(*action.precision) : -1};
            ActionResult& row = at_key(places, combined.actions, key, blank);
            counts.resize(combined.actions.size(), std::vector<std::int64_t>(list.size()));
            counts[static_cast<std::size_t>(&row - combined.actions.data())][s] += action.count;
            row.seconds += action.seconds * factor;
            row.energy += Joules(action.energy.count() * factor);
        }
    }
    for (std::size_t a = 0; a < combined.actions.size(); ++a) {
        combined.actions[a].count = row_count(shares, list, counts[a]);
    }
    return combined;
}

}  // namespace

RunResult combine_runs(std::vector<RunShare> list) {
    ensure(!list.empty(), "at least one run is combined");
    const auto whole = std::max_element(list.begin(), list.end(), [](const auto& a, const auto& b) {
        return a.run.layers.size() < b.run.layers.size();
    });
    for (auto share = list.begin(); share != list.end(); ++share) {
        if (share != whole) {
            share->run = with_layers_of(std::move(share->run), whole->run);
        }
    }
    const Shares shares(list);
    RunResult combined = list.front().run;
    for (const RunShare& share : list) {
        ensure(share.run.layers.size() == combined.layers.size() &&
                   share.run.components.size() == combined.components.size(),
               "runs of one network on one machine are combined");
        const auto& repeated = share.run.scenario.repeated;
        if (repeated &&
            (!combined.scenario.repeated || repeated->error > combined.scenario.repeated->error)) {
            combined.scenario.repeated = repeated;
        }
    }
    combined.totals = combined_totals(list, shares);
    for (std::size_t l = 0; l < combined.layers.size(); ++l) {
        combined.layers[l] = combined_layer(list, shares, l);
    }
    for (std::size_t c = 0; c < combined.components.size(); ++c) {
        combined.components[c] = combined_component(list, shares, c);
    }
    combined.ledger = combined_ledger(list, shares);
    return combined;
}

}  // namespace memwall
