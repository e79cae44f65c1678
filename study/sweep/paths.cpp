// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/paths.hpp"

#include <algorithm>

#include "study/overrides.hpp"

namespace memwall {
namespace {

/// Reports what `use` throws at the place that the setting's value has in the sweep file.
template <class Use>
void at_value(const Setting& setting, Diagnostics& faults, const Use& use) {
    try {
        use();
    } catch (const InputError& error) {
        for (const Diagnostic& fault : error.faults()) {
            faults.error(setting.value.mark(), fault.message);
        }
    }
}

std::string scalar_of(const Setting& setting) {
    if (!setting.value.is_scalar()) {
        throw InputError("'" + setting.path + "': expected a single value");
    }
    return setting.value.text();
}

/// `path` without `prefix`, or "".
std::string below(const std::string& path, const std::string& prefix) {
    return path.compare(0, prefix.size(), prefix) == 0 ? path.substr(prefix.size()) : "";
}

/// Keys of the run itself, and of its scenario without the prefix.
bool set_run_key(const std::string& key, const std::string& value, RunSettings& run) {
    if (key == "engine") {
        run.engine = parse_engine(value);
    } else if (key == "effort") {
        run.effort = parse_effort(value);
    } else if (key == "objective") {
        run.objective = parse_objective(value);
    } else if (key == "precision") {
        run.precision = value;
    } else if (key == "rounds") {
        run.scenario.rounds = parse_count_option("rounds", value);
    } else if (const auto& keys = scenario_keys();
               std::find(keys.begin(), keys.end(), key) != keys.end()) {
        apply_scenario({{key, value}}, run.scenario);
    } else {
        return false;
    }
    return true;
}

void keep_last(Settings& settings, Setting setting) {
    const auto same = std::find_if(settings.begin(), settings.end(), [&](const Setting& other) {
        return other.path == setting.path;
    });
    if (same != settings.end()) {
        *same = std::move(setting);
    } else {
        settings.push_back(std::move(setting));
    }
}

}  // namespace

void check_path(const std::string& path, const SourceMark& where, Diagnostics& faults) {
    try {
        sort_overrides({path + "="});
    } catch (const InputError& error) {
        faults.error(where, error.faults().front().message);
    }
}

PointRequest point_request(const Settings& settings, Diagnostics& faults) {
    PointRequest request;
    request.run.scenario.batch = 1;
    for (const Setting& setting : settings) {
        if (setting.path == "machine") {
            request.machine = setting;
        } else if (setting.path == "network") {
            request.network = setting;
        } else if (std::string key = below(setting.path, "machine.technology."); !key.empty()) {
            keep_last(request.technology_keys, {key, setting.value, setting.where});
        } else if (key = below(setting.path, "machine."); !key.empty()) {
            keep_last(request.machine_keys, {key, setting.value, setting.where});
        } else if (key = below(setting.path, "network."); !key.empty()) {
            keep_last(request.network_keys, {key, setting.value, setting.where});
        } else {
            at_value(setting, faults, [&] {
                key = below(setting.path, "scenario.");
                ensure(
                    set_run_key(key.empty() ? setting.path : key, scalar_of(setting), request.run),
                    "reading checks the paths of a sweep");
            });
        }
    }
    for (const Setting* name : {&request.machine, &request.network}) {
        if (!name->path.empty()) {
            at_value(*name, faults, [&] { scalar_of(*name); });
        }
    }
    return request;
}

}  // namespace memwall
