// SPDX-License-Identifier: Apache-2.0
// Machines for tests: those of configs/machines with keys overridden, and some without a host.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "arch/machine.hpp"
#include "base/yaml.hpp"
#include "workloads/network.hpp"

namespace memwall::test {

/// Key paths below the machine's file and what they become ("components.array.pipeline", "3
/// cycles").
using Overrides = std::vector<std::pair<std::string, std::string>>;

/// The machine of configs/machines/NAME.yaml.
Machine shipped_machine(const std::string& name, const Overrides& overrides = {});
/// What loading says of that machine; "" where it has nothing against it.
std::string fault_of_machine(const std::string& name, const Overrides& overrides);
/// A machine from text, its technology from configs.
Machine machine_of_text(const std::string& yaml);
/// The text of configs/machines/NAME.yaml without the component `host` and its connections.
std::string text_without_host(const std::string& name);
/// As shipped_machine, from text_without_host.
Machine machine_without_host(const std::string& name, const Overrides& overrides = {});
/// The text of configs/machines/NAME.yaml, or of one without its host, with a cache of a capacity
/// ("4 KiB") between its dram and its global_buffer. Its technology: `round`.
std::string with_cache(std::string text, const std::string& capacity);
/// configs/machines/NAME.yaml.
std::string text_of_machine(const std::string& name);
/// The DRAM of configs/dram/NAME.yaml, its keys overridden, and what it costs.
Component shipped_dram(const std::string& name, const Overrides& overrides = {});
/// The network of configs/networks/NAME.yaml.
Network shipped_network(const std::string& name);
/// One layer `y`, a product of rows x depth inputs with depth x columns weights, at a precision.
Network product_network(const std::string& precision, std::int64_t rows, std::int64_t depth,
                        std::int64_t columns);
/// The network of a file's text.
Network network_of_text(const std::string& yaml);

}  // namespace memwall::test
