// SPDX-License-Identifier: Apache-2.0
// Networks and faults from YAML written in a test, and the shipped networks.
#pragma once

#include <string>

#include "workloads/network.hpp"

namespace memwall::test {

/// The network of a whole file. Throws InputError with all faults; the file is shown as "net.yaml".
Network network_of(const std::string& yaml);
/// The network of one input ("x: SHAPE") and these lines of layers ("- {name: ...}").
Network network_of_layers(const std::string& input_shape, const std::string& layers);
/// All faults of a file, one a line; "" where there are none.
std::string faults_of(const std::string& yaml);
/// As network_of_layers; all faults, one a line. Layers begin in line 5, column 1.
std::string faults_of_layers(const std::string& input_shape, const std::string& layers);
/// configs/networks/NAME.yaml.
Network shipped(const std::string& name);

}  // namespace memwall::test
