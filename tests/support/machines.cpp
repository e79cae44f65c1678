// SPDX-License-Identifier: Apache-2.0
#include "tests/support/machines.hpp"

#include <fstream>
#include <sstream>

#include "arch/machine_base.hpp"
#include "arch/machine_yaml.hpp"
#include "workloads/network_yaml.hpp"

namespace memwall::test {
namespace {

const std::string kConfigs = std::string(MEMWALL_SOURCE_DIR) + "/configs/";

YamlValue config(const std::string& folder, const std::string& name, const SourceMark& where) {
    const std::string path = kConfigs + folder + "/" + name + ".yaml";
    Diagnostics faults;
    if (!std::ifstream(path)) {
        faults.error(where, "unknown " + folder + " '" + name + "'");
        faults.throw_if_any();
    }
    YamlValue read = read_yaml_file(path, name + ".yaml", faults);
    faults.throw_if_any();
    return read;
}

YamlValue technology(const std::string& name, const SourceMark& where) {
    return config("technology", name, where);
}

YamlValue machine(const std::string& name, const SourceMark& where) {
    return config("machines", name, where);
}

YamlValue dram(const std::string& name, const SourceMark& where) {
    return config("dram", name, where);
}

Machine load(const std::string& yaml, const Overrides& overrides) {
    Diagnostics faults;
    YamlValue root = with_base(read_yaml_text(yaml, "machine.yaml", faults), machine, faults);
    faults.throw_if_any();
    for (const auto& [path, value] : overrides) {
        root = with_override(root, path, value);
    }
    return load_machine(root, technology, dram);
}

void replace(std::string& text, const std::string& what, const std::string& with) {
    const std::size_t place = text.find(what);
    if (place != std::string::npos) {
        text.replace(place, what.size(), with);
    }
}

std::string text_of(const std::string& name) {
    const std::ifstream file(kConfigs + "machines/" + name + ".yaml");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

Machine shipped_machine(const std::string& name, const Overrides& overrides) {
    return load(text_of(name), overrides);
}

std::string fault_of_machine(const std::string& name, const Overrides& overrides) {
    try {
        shipped_machine(name, overrides);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

Machine machine_of_text(const std::string& yaml) {
    return load(yaml, {});
}

std::string text_without_host(const std::string& name) {
    std::istringstream lines(text_of(name));
    std::string kept;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("  host:", 0) != 0 && line.find("[host,") == std::string::npos &&
            line.find("components.host") == std::string::npos) {
            kept += line + "\n";
        }
    }
    return kept;
}

Machine machine_without_host(const std::string& name, const Overrides& overrides) {
    return load(text_without_host(name), overrides);
}

std::string text_of_machine(const std::string& name) {
    return text_of(name);
}

std::string with_cache(std::string text, const std::string& capacity) {
    replace(text, "  dma:",
            "  llc: {kind: cache, capacity: " + capacity +
                ", bank: 32 B, read_width: 16 B, write_width: 16 B, latency: 3 cycles}\n  dma:");
    replace(text, "[host, dram]", "[host, llc]");
    replace(text, "[dram, global_buffer]", "[dram, llc]\n  - [llc, global_buffer]");
    return text;
}

Component shipped_dram(const std::string& name, const Overrides& overrides) {
    YamlValue root = dram(name, {});
    for (const auto& [path, value] : overrides) {
        root = with_override(root, path, value);
    }
    Diagnostics faults;
    Component component = load_dram(root, faults);
    faults.throw_if_any();
    return component;
}

Network shipped_network(const std::string& name) {
    return load_network_file(kConfigs + "networks/" + name + ".yaml");
}

Network network_of_text(const std::string& yaml) {
    Diagnostics faults;
    const YamlValue root = read_yaml_text(yaml, "network.yaml", faults);
    faults.throw_if_any();
    Network network = load_network(root, faults);
    faults.throw_if_any();
    return network;
}

Network product_network(const std::string& precision, std::int64_t rows, std::int64_t depth,
                        std::int64_t columns) {
    return network_of_text("network: n\nprecision: " + precision + "\ninputs: {x: [" +
                           std::to_string(rows) + ", " + std::to_string(depth) +
                           "]}\nlayers: [{name: y, op: linear, out_features: " +
                           std::to_string(columns) + ", bias: false}]\n");
}

}  // namespace memwall::test
