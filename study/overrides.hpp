// SPDX-License-Identifier: Apache-2.0
// What --set changes: PATH=VALUE, sorted by whose key it is.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/yaml.hpp"
#include "sim/scenario.hpp"

namespace memwall {

/// One PATH=VALUE, cut at the first '=' outside quotes.
struct Override {
    std::string path;
    std::string value;
    SourceMark where = {};  ///< in a file, or "--set PATH=VALUE" as it was typed

    /// As it was typed.
    [[nodiscard]] std::string text() const { return path + "=" + value; }
};

/// Throws InputError where there is no '=' or no path.
Override parse_override(const std::string& text);

/// The plain keys, which stand for options of the run itself.
const std::vector<std::string>& plain_keys();
/// The keys below `scenario.`.
const std::vector<std::string>& scenario_keys();

/// Overrides by what they belong to. A path that belongs to nothing is an InputError with the
/// nearest prefix or key.
struct SortedOverrides {
    std::vector<Override> plain;     ///< "batch"
    std::vector<Override> scenario;  ///< "items", without the prefix
    std::vector<Override> network;   ///< without the prefix
    std::vector<Override> machine;   ///< without the prefix
};
SortedOverrides sort_overrides(const std::vector<std::string>& texts);

/// The overrides of the one machine called by one of `names`: those that begin with `NAME.`,
/// without it, and those that begin with no name of `all_names`.
std::vector<Override> overrides_of_machine(const std::vector<Override>& overrides,
                                           const std::vector<std::string>& names,
                                           const std::vector<std::string>& all_names);

/// The overrides of a machine by the file that has their keys.
struct MachineOverrides {
    std::vector<Override> own;
    std::vector<Override> technology;  ///< without the prefix `technology.`
};
MachineOverrides by_file(const std::vector<Override>& overrides);

/// All of them applied to a file, in order.
YamlValue with_overrides(YamlValue root, const std::vector<Override>& overrides);

/// Sets keys of a scenario. Throws InputError where a value is no count or no phase.
void apply_scenario(const std::vector<Override>& overrides, ScenarioRequest& scenario);

/// A phase by its name; throws InputError with the nearest.
Phase parse_phase(const std::string& text);
/// A count from the command line; `what` names it in the message.
std::int64_t parse_count_option(const std::string& what, const std::string& text);
/// One from `least` to `most`.
std::int64_t parse_count_option(const std::string& what, const std::string& text,
                                std::int64_t least, std::int64_t most);

}  // namespace memwall
