// SPDX-License-Identifier: Apache-2.0
// Networks from YAML. Every fault of a file is reported at its place; see docs of the format in
// configs/networks.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "base/yaml.hpp"
#include "workloads/network.hpp"
#include "workloads/network_template.hpp"

namespace memwall {

/// The network that `tree` describes, its template already put in (see network_template.hpp).
/// Faults go to `faults`; the result is an empty network if there are any.
Network load_network(const YamlValue& tree, Diagnostics& faults);

/// The template that `file` extends: "decoder" is templates/decoder.yaml in the file's folder,
/// anything with a '/' or .yaml is a path that begins there. Throws InputError.
YamlValue read_template_beside(const std::filesystem::path& file, const std::string& name,
                               const SourceMark& where);

/// Reads a file; `shown_as` names it in messages. Throws InputError where the file is no YAML.
Network load_network_file(const std::filesystem::path& path, const std::string& shown_as,
                          Diagnostics& faults);

/// As above; throws InputError with all faults.
Network load_network_file(const std::filesystem::path& path);

}  // namespace memwall
