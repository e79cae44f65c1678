// SPDX-License-Identifier: Apache-2.0
// The files whose keys --set can change.
#pragma once

#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "study/command_line.hpp"
#include "study/configs.hpp"
#include "study/load.hpp"

namespace memwall {

struct SettableFile {
    std::string prefix;  ///< "machine"
    YamlValue root;
};

/// A request's machine with what its file names beside, its kinds of DRAM and its technology, and
/// its network; with overrides. Throws InputError where one cannot be read.
std::vector<SettableFile> settable_files(const RunRequest& request, const Configs& configs,
                                         InputFiles& inputs);

}  // namespace memwall
