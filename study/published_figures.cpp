// SPDX-License-Identifier: Apache-2.0
#include "study/published_figures.hpp"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <utility>

namespace memwall {

Validation load_published_figures(const std::vector<std::string>& names, const Configs& configs,
                                  InputFiles& inputs) {
    Validation all;
    Diagnostics faults;
    std::map<std::string, SourceMark> seen;
    for (const std::string& name : names) {
        const ConfigFile file = configs.find(ConfigKind::validation, name);
        Validation of_file = load_validation(read_config(file, "validation", inputs, faults),
                                             file.path.parent_path(), faults);
        for (ValidationRow& row : of_file.rows) {
            const auto [first, fresh] = seen.emplace(row.id, row.where);
            if (!fresh && first->second.file != row.where.file) {
                faults.error(row.where, "duplicate row '" + row.id + "' (first in " +
                                            first->second.file + ")");
            }
            all.rows.push_back(std::move(row));
        }
        std::move(of_file.scenarios.begin(), of_file.scenarios.end(),
                  std::back_inserter(all.scenarios));
    }
    faults.throw_if_any();
    return all;
}

std::vector<MachineCheck> checks_of(const std::string& machine, const Configs& configs) {
    std::vector<MachineCheck> checks;
    for (const std::string& name : configs.names(ConfigKind::validation)) {
        InputFiles inputs;
        MachineCheck check{name, 0, 0};
        const Validation validation = load_published_figures({name}, configs, inputs);
        for (const ValidationRow& row : validation.rows) {
            const bool about =
                row.run.machine == machine || (row.over && row.over->machine == machine);
            check.figures += about ? 1 : 0;
            check.calibrated += about && row.calibrated ? 1 : 0;
        }
        if (check.figures > 0) {
            checks.push_back(check);
        }
    }
    return checks;
}

std::string checks_text(const std::vector<MachineCheck>& checks) {
    if (checks.empty()) {
        return "no published figure checks it: what it gives is the model's word alone";
    }
    std::size_t figures = 0;
    std::size_t calibrated = 0;
    std::string parts;
    std::string names;
    for (const MachineCheck& check : checks) {
        figures += check.figures;
        calibrated += check.calibrated;
        parts +=
            fmt::format("{}{} of {}", parts.empty() ? "" : ", ", check.figures, check.validation);
        names += " " + check.validation;
    }
    const std::string set =
        calibrated > 0 ? fmt::format("; on {} a parameter was set", calibrated) : "";
    return fmt::format("{} published figure{} it: {}{} (memwall validate{})", figures,
                       figures == 1 ? " checks" : "s check", parts, set, names);
}

}  // namespace memwall
