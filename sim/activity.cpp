// SPDX-License-Identifier: Apache-2.0
#include "sim/activity.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace memwall {

Activity::Activity(const Program& program, const Machine& machine)
    : program_(program),
      machine_(machine),
      units_(program.units.size()),
      unit_busy_(program.units.size()),
      components_(machine.components().size()),
      mean_(machine.components().size()),
      by_layer_(program.layers.size() * machine.components().size()),
      link_busy_(machine.links().size()),
      seen_(machine.components().size(), 0) {
    for (const Link& link : machine.links()) {
        const auto hertz = static_cast<double>(machine.clock(link.clock).frequency().count());
        const double bytes_per_second = link.bytes_per_cycle * hertz;
        link_ps_per_byte_.push_back(bytes_per_second > 0 ? 1e12 / bytes_per_second : 0.0);
    }
}

void Activity::find_acting(const StepBody& body) {
    ++search_;
    acting_.clear();
    const auto meet = [&](ComponentId component) {
        if (component.valid() && seen_[component.position()] != search_) {
            seen_[component.position()] = search_;
            acting_.push_back(component.value);
        }
    };
    meet(program_.units[body.unit.position()].component);
    for (const ActionCount& action : body.actions) {
        if (action.count > 0) {
            meet(program_.actions.key(action.row).component);
        }
    }
}

void Activity::enter(Presence& presence, std::int32_t slot, LayerId layer, Picoseconds now) {
    if (presence.holders.empty()) {
        presence.since = now;
    }
    presence.holders.push_back({slot, layer});
}

Activity::Left Activity::exit(Presence& presence, std::int32_t slot, Picoseconds now) {
    const auto holder = std::find_if(presence.holders.begin(), presence.holders.end(),
                                     [&](const Holder& h) { return h.slot == slot; });
    ensure(holder != presence.holders.end(), "what ends has begun");
    const Left left{holder == presence.holders.begin(), presence.since, holder->layer};
    if (left.front) {
        presence.since = now;
    }
    presence.holders.erase(holder);
    return left;
}

/// How much of a component one step keeps busy: its lanes over all instances, one server of a unit.
double Activity::mean_share(const StepBody& body) const {
    const Unit& unit = program_.units[body.unit.position()];
    const auto instances = static_cast<double>(machine_.component(unit.component).instances);
    const auto* compute = std::get_if<Compute>(&body.what);
    if (compute != nullptr && unit.lane < 0 && compute->lanes_occupied.count() > 0 &&
        compute->occupies.count() > 0) {
        return ratio(compute->lanes_occupied, compute->occupies) / instances;
    }
    return 1.0 / static_cast<double>(unit.servers) / (unit.lane < 0 ? 1.0 : instances);
}

void Activity::begin(std::int32_t slot, const Step& step, Picoseconds now) {
    enter(units_[step.body->unit.position()], slot, step.layer, now);
    find_acting(*step.body);
    for (const std::int32_t component : acting_) {
        enter(components_[static_cast<std::size_t>(component)], slot, step.layer, now);
    }
}

void Activity::end(std::int32_t slot, const Step& step, Picoseconds began, Picoseconds now) {
    const std::size_t unit = step.body->unit.position();
    const Left on_unit = exit(units_[unit], slot, now);
    if (on_unit.front) {
        add(unit_busy_[unit], inside(on_unit.since, now));
    }
    const std::size_t own = program_.units[unit].component.position();
    add(mean_[own], static_cast<double>(inside(began, now)) * mean_share(*step.body));
    find_acting(*step.body);
    for (const std::int32_t component : acting_) {
        const auto c = static_cast<std::size_t>(component);
        const Left left = exit(components_[c], slot, now);
        if (left.front && left.layer.valid()) {
            add(layer_meter(left.layer, c), inside(left.since, now));
        }
    }
}

void Activity::passed(std::span<const LinkUse> uses, Picoseconds began, Picoseconds now) {
    const auto whole = static_cast<double>((now - began).count());
    const double part = whole > 0 ? static_cast<double>(inside(began, now)) / whole : 1.0;
    for (const LinkUse& use : uses) {
        if (use.link.valid()) {
            const std::size_t link = use.link.position();
            add(link_busy_[link],
                static_cast<double>(use.bytes.count()) * link_ps_per_byte_[link] * part);
        }
    }
}

void Activity::restart(Picoseconds now) {
    start_ = now;
    ++era_;
}

void Activity::write(Outcome& outcome, const std::vector<const DramPort*>& drams) const {
    outcome.components.resize(components_.size());
    const auto whole = [](double time) {
        return Picoseconds(static_cast<std::int64_t>(std::floor(time + 0.5)));
    };
    // A component that is links is as busy as these; any other as its units.
    std::vector<double> units(components_.size(), 0);
    for (std::size_t u = 0; u < units_.size(); ++u) {
        const std::size_t c = program_.units[u].component.position();
        Picoseconds& longest = outcome.components[c].busy_max;
        longest = std::max(longest, Picoseconds(read(unit_busy_[u])));
        units[c] += program_.units[u].lane < 0 ? 1 : 0;
    }
    std::vector<double> links(components_.size(), 0);
    std::vector<double> total(components_.size(), 0);
    std::vector<double> most(components_.size(), 0);
    for (std::size_t l = 0; l < link_busy_.size(); ++l) {
        const std::size_t c = machine_.links()[l].component.position();
        const double busy = read(link_busy_[l]);
        links[c] += link_ps_per_byte_[l] > 0 ? 1 : 0;
        total[c] += busy;
        most[c] = std::max(most[c], busy);
    }
    for (std::size_t c = 0; c < components_.size(); ++c) {
        ComponentOutcome& component = outcome.components[c];
        if (links[c] > 0) {
            component.busy_max = whole(most[c]);
            component.busy_mean = whole(total[c] / links[c]);
        } else {
            component.busy_mean = whole(read(mean_[c]) / std::max(1.0, units[c]));
        }
    }
    for (std::size_t d = 0; d < drams.size(); ++d) {
        ComponentOutcome& dram = outcome.components[machine_.drams()[d].position()];
        const DramConfig& config = machine_.dram(DramId(d));
        std::int64_t fullest = 0;
        std::int64_t sum = 0;
        for (const std::int64_t bursts : drams[d]->bursts_by_channel()) {
            fullest = std::max(fullest, bursts);
            sum += bursts;
        }
        // Bursts of an access count when it ends, those before the window too.
        dram.busy_max = std::min(config.bus_time(fullest), outcome.end - start_);
        dram.busy_mean =
            std::min(Picoseconds(config.bus_time(sum).count() / config.channels), dram.busy_max);
    }
    outcome.busy_by_layer.resize(by_layer_.size());
    for (std::size_t i = 0; i < by_layer_.size(); ++i) {
        outcome.busy_by_layer[i] = Picoseconds(read(by_layer_[i]));
    }
}

}  // namespace memwall
