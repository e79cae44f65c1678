// SPDX-License-Identifier: Apache-2.0
#include "study/overrides.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "base/yaml_override.hpp"

namespace memwall {
namespace {

/// The place of the first `wanted` outside quotes, or npos.
std::size_t find_unquoted(const std::string& text, char wanted) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\'') {
            quoted = !quoted;
        } else if (text[i] == wanted && !quoted) {
            return i;
        }
    }
    return std::string::npos;
}

/// `path` without its first part and the dot, where that part is `first`; else "".
std::string below(const std::string& path, const std::string& first) {
    const std::string prefix = first + ".";
    if (path.compare(0, prefix.size(), prefix) == 0) {
        return path.substr(prefix.size());
    }
    const std::string quoted = "'" + first + "'.";
    return path.compare(0, quoted.size(), quoted) == 0 ? path.substr(quoted.size()) : "";
}

[[noreturn]] void belongs_nowhere(const Override& override) {
    std::vector<std::string> known = plain_keys();
    const std::string first = override.path.substr(0, find_unquoted(override.path, '.'));
    if (find_unquoted(override.path, '.') != std::string::npos) {
        known = {"machine", "network", "scenario"};
    }
    const std::string near = nearest_name(first, known);
    throw InputError("cannot set '" + override.path +
                     "': expected a path that begins with machine., network. or scenario., or one "
                     "of " +
                     fmt::format("{}", fmt::join(plain_keys(), ", ")) +
                     (near.empty() ? "" : "; did you mean '" + near + "'?"));
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

Override parse_override(const std::string& text) {
    const std::size_t equals = find_unquoted(text, '=');
    if (equals == std::string::npos || equals == 0) {
        throw InputError("--set: expected PATH=VALUE such as machine.clock=400MHz, found '" + text +
                         "'");
    }
    return {text.substr(0, equals), text.substr(equals + 1), {"--set " + text, 0, 0}};
}

const std::vector<std::string>& plain_keys() {
    static const std::vector<std::string> kKeys = {"machine", "network", "batch",  "precision",
                                                   "phase",   "engine",  "effort", "objective",
                                                   "items",   "rounds"};
    return kKeys;
}

const std::vector<std::string>& scenario_keys() {
    static const std::vector<std::string> kKeys = {
        "phase",  "batch", "items",         "warmup_items", "cold",     "users",
        "prompt", "chunk", "output_tokens", "context",      "optimizer"};
    return kKeys;
}

SortedOverrides sort_overrides(const std::vector<std::string>& texts) {
    SortedOverrides sorted;
    for (const std::string& text : texts) {
        const Override override = parse_override(text);
        if (contains(plain_keys(), override.path)) {
            sorted.plain.push_back(override);
        } else if (const std::string machine = below(override.path, "machine"); !machine.empty()) {
            sorted.machine.push_back({machine, override.value, override.where});
        } else if (const std::string network = below(override.path, "network"); !network.empty()) {
            sorted.network.push_back({network, override.value, override.where});
        } else if (const std::string key = below(override.path, "scenario"); !key.empty()) {
            if (!contains(scenario_keys(), key)) {
                throw InputError("cannot set '" + override.path + "': unknown key of a scenario" +
                                 suggestion(key, scenario_keys()));
            }
            sorted.scenario.push_back({key, override.value, override.where});
        } else {
            belongs_nowhere(override);
        }
    }
    return sorted;
}

std::vector<Override> overrides_of_machine(const std::vector<Override>& overrides,
                                           const std::vector<std::string>& names,
                                           const std::vector<std::string>& all_names) {
    const auto rest_after = [](const Override& override, const std::vector<std::string>& of) {
        for (const std::string& name : of) {
            if (std::string rest = below(override.path, name); !rest.empty()) {
                return rest;
            }
        }
        return std::string();
    };
    std::vector<Override> found;
    for (const Override& override : overrides) {
        if (const std::string own = rest_after(override, names); !own.empty()) {
            found.push_back({own, override.value, override.where});
        } else if (rest_after(override, all_names).empty()) {
            found.push_back(override);
        }
    }
    return found;
}

MachineOverrides by_file(const std::vector<Override>& overrides) {
    MachineOverrides sorted;
    for (const Override& override : overrides) {
        if (std::string key = below(override.path, "technology"); !key.empty()) {
            sorted.technology.push_back({std::move(key), override.value, override.where});
        } else {
            sorted.own.push_back(override);
        }
    }
    return sorted;
}

YamlValue with_overrides(YamlValue root, const std::vector<Override>& overrides) {
    for (const Override& override : overrides) {
        root = with_override(root, override.path, override.value, override.where);
    }
    return root;
}

Phase parse_phase(const std::string& text) {
    const auto& names = phase_names();
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
        throw InputError("unknown phase '" + text + "'" + suggestion(text, names));
    }
    return static_cast<Phase>(found - names.begin());
}

std::int64_t parse_count_option(const std::string& what, const std::string& text) {
    const Parsed<std::int64_t> parsed = parse_count(text);
    if (const auto* fault = std::get_if<ParseFault>(&parsed)) {
        throw InputError(what + ": " + fault->message);
    }
    return std::get<0>(parsed);
}

std::int64_t parse_count_option(const std::string& what, const std::string& text,
                                std::int64_t least, std::int64_t most) {
    const std::int64_t value = parse_count_option(what, text);
    if (value < least || value > most) {
        throw InputError(what + ": expected a number from " + std::to_string(least) + " to " +
                         std::to_string(most) + ", found '" + text + "'");
    }
    return value;
}

void apply_scenario(const std::vector<Override>& overrides, ScenarioRequest& scenario) {
    for (const Override& override : overrides) {
        const auto count = [&] {
            return parse_count_option("scenario." + override.path, override.value);
        };
        if (override.path == "phase") {
            scenario.phase = parse_phase(override.value);
        } else if (override.path == "optimizer") {
            scenario.optimizer = parse_optimizer(override.value);
        } else if (override.path == "batch") {
            scenario.batch = count();
        } else if (override.path == "items") {
            scenario.items = count();
        } else if (override.path == "users") {
            scenario.users = count();
        } else if (override.path == "prompt") {
            scenario.prompt = count();
        } else if (override.path == "chunk") {
            scenario.chunk = count();
        } else if (override.path == "output_tokens") {
            scenario.output_tokens = count();
        } else if (override.path == "context") {
            scenario.context = count();
        } else if (override.path == "warmup_items") {
            scenario.warmup_items = count();
        } else {
            ensure(override.path == "cold", "sorting knows the keys of a scenario");
            const Parsed<bool> cold = parse_as<bool>(override.value);
            if (const auto* fault = std::get_if<ParseFault>(&cold)) {
                throw InputError("scenario.cold: " + fault->message);
            }
            scenario.cold = std::get<0>(cold);
        }
    }
}

}  // namespace memwall
