// SPDX-License-Identifier: Apache-2.0
#include "sim/replay.hpp"

#include "sim/child_process.hpp"
#include "sim/elaboration.hpp"
#include "sim/outcome_codec.hpp"

namespace memwall {

Outcome replay_in_this_process(const Program& program, const Machine& machine,
                               const ReplayOptions& options) {
    prepare_kernel();
    Simulation simulation("simulation", program, machine, options);
    return simulation.run();
}

Outcome replay(const Program& program, const Machine& machine, const ReplayOptions& options) {
    const auto work = [&](const std::function<void(double)>& progress) {
        ReplayOptions inside = options;
        inside.progress = options.progress ? progress : std::function<void(double)>();
        return encode(replay_in_this_process(program, machine, inside));
    };
    return decode(run_in_child(work, {options.progress, options.cancelled}));
}

}  // namespace memwall
