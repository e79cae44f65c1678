// SPDX-License-Identifier: Apache-2.0
#include "study/run_inputs.hpp"

namespace memwall {

std::pair<NetworkSource, Machine> load_run_inputs(const Configs& configs, const RunRequest& request,
                                                  InputFiles& inputs) {
    return loaded_both(
        [&] {
            return load_network_source(configs, request.network, request.overrides.network, inputs);
        },
        [&] {
            return load_machine_config(configs, request.machine, request.overrides.machine, inputs);
        });
}

}  // namespace memwall
