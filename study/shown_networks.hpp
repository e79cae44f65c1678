// SPDX-License-Identifier: Apache-2.0
// Networks as a command asks to see them: one pass at its batch and precision, in a phase or as the
// file says.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "arch/machine.hpp"
#include "sim/scenario.hpp"
#include "study/command_line.hpp"
#include "study/configs.hpp"
#include "study/load.hpp"
#include "workloads/network.hpp"
#include "workloads/step_export.hpp"

namespace memwall {

/// Reads what a request names. All must outlive it. Whatever is wrong is an InputError.
class ShownNetworks {
public:
    ShownNetworks(const RunRequest& request, const Configs& configs, InputFiles& inputs)
        : request_(request), configs_(configs), inputs_(inputs) {}

    [[nodiscard]] NetworkSource source(const std::string& name) const;
    [[nodiscard]] Machine machine(const std::string& name) const;
    /// One pass: that of a prompt, a decode step or a training step, or what the file says. What
    /// training changes is told on standard error.
    Network network(const NetworkSource& source);
    Network network(const std::string& name) { return network(source(name)); }
    /// The rounds in which that pass is looked at: those of a run.
    [[nodiscard]] Scenario rounds(const NetworkSource& source, std::int64_t batch) const;
    /// As a file of one item, whatever the batch; a language model's of any number of tokens.
    [[nodiscard]] std::string file_of(const Network& network, const NetworkSource& source) const;

private:
    [[nodiscard]] Scenario asked_scenario(const NetworkSource& source) const;
    [[nodiscard]] bool is_asked_for_step(const Scenario& scenario) const;
    [[nodiscard]] Network step_of(const NetworkSource& source, const Scenario& scenario) const;
    [[nodiscard]] std::optional<StepSize> step_to_write(const NetworkSource& source) const;
    [[nodiscard]] std::string text_of_model(const NetworkSource& source, StepSize step) const;
    void tell_once(const std::string& note);

    const RunRequest& request_;
    const Configs& configs_;
    InputFiles& inputs_;
    std::set<std::string> told_;
};

}  // namespace memwall
