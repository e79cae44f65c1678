// SPDX-License-Identifier: Apache-2.0
// Networks from YAML. Every fault of a file is reported at its place; see docs of the format in
// configs/networks.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "base/yaml.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The network that `root` describes. Faults go to `faults`; the result is an empty network if
/// there are any.
Network load_network(const YamlValue& root, Diagnostics& faults);

/// Reads a file; `shown_as` names it in messages. Throws InputError where the file is no YAML.
Network load_network_file(const std::filesystem::path& path, const std::string& shown_as,
                          Diagnostics& faults);

/// As above; throws InputError with all faults.
Network load_network_file(const std::filesystem::path& path);

}  // namespace memwall
