// SPDX-License-Identifier: Apache-2.0
// How long units, links and components are busy inside the window, and for which layer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"
#include "sim/dram_port.hpp"

namespace memwall {

/// The window begins anew each time something is completed that still belongs before it: what was
/// counted until then is forgotten, what is under way counts from then on.
///
/// A unit is busy while it serves at least one step; a link for as long as its bytes take at its
/// full width; a DRAM channel for its bursts. A component is busy for a layer while a step of the
/// layer is in service that acts on it; where several are, the one that came first has the time.
class Activity {
public:
    Activity(const Program& program, const Machine& machine);

    void begin(std::int32_t slot, const Step& step, Picoseconds now);
    void end(std::int32_t slot, const Step& step, Picoseconds began, Picoseconds now);
    /// The bytes of a flow that joined at `began` have passed.
    void passed(std::span<const LinkUse> uses, Picoseconds began, Picoseconds now);
    /// The window begins at `now` or later.
    void restart(Picoseconds now);

    /// Fills busy times of components; peaks are left alone.
    void write(Outcome& outcome, const std::vector<const DramPort*>& drams) const;

private:
    struct Holder {
        std::int32_t slot = 0;
        LayerId layer;
    };
    /// Who is active on something, the first to come in front.
    struct Presence {
        std::vector<Holder> holders;
        Picoseconds since;  ///< the front holder has the time from then on
    };
    template <class Number>
    struct Meter {
        Number value{};
        std::uint32_t era = 0;
    };

    template <class Number>
    void add(Meter<Number>& meter, Number amount) const {
        meter.value = (meter.era == era_ ? meter.value : Number{}) + amount;
        meter.era = era_;
    }
    template <class Number>
    [[nodiscard]] Number read(const Meter<Number>& meter) const {
        return meter.era == era_ ? meter.value : Number{};
    }
    /// The part of [began, now) inside the window.
    [[nodiscard]] std::int64_t inside(Picoseconds began, Picoseconds now) const {
        return now > start_ ? (now - (began > start_ ? began : start_)).count() : 0;
    }
    static void enter(Presence& presence, std::int32_t slot, LayerId layer, Picoseconds now);
    /// Takes a holder out; the time to account for if it was in front, and its layer.
    struct Left {
        bool front = false;
        Picoseconds since;
        LayerId layer;
    };
    static Left exit(Presence& presence, std::int32_t slot, Picoseconds now);
    /// The components that a body acts on, each once, in acting_.
    void find_acting(const StepBody& body);
    [[nodiscard]] double mean_share(const StepBody& body) const;
    [[nodiscard]] Meter<std::int64_t>& layer_meter(LayerId layer, std::size_t component) {
        return by_layer_[layer.position() * components_.size() + component];
    }

    const Program& program_;
    const Machine& machine_;
    Picoseconds start_;
    std::uint32_t era_ = 1;
    std::vector<Presence> units_;
    std::vector<Meter<std::int64_t>> unit_busy_;
    std::vector<Presence> components_;
    std::vector<Meter<double>> mean_;  ///< by component, of its units: ps of all instances
    std::vector<Meter<std::int64_t>> by_layer_;
    std::vector<Meter<double>> link_busy_;  ///< ps
    std::vector<double> link_ps_per_byte_;
    std::vector<std::uint32_t> seen_;  ///< by component: the last find_acting() that met it
    std::uint32_t search_ = 0;
    std::vector<std::int32_t> acting_;
};

}  // namespace memwall
