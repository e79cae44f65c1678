// SPDX-License-Identifier: Apache-2.0
#include "tests/workloads/network_text.hpp"

#include "workloads/network_yaml.hpp"

namespace memwall::test {
namespace {

std::string file_of(const std::string& input_shape, const std::string& layers) {
    return "memwall: 1\nnetwork: net\ninputs: {x: " + input_shape + "}\nlayers:\n" + layers;
}

}  // namespace

Network network_of(const std::string& yaml) {
    Diagnostics faults;
    Network network = load_network(read_yaml_text(yaml, "net.yaml", faults), faults);
    faults.throw_if_any();
    return network;
}

Network network_of_layers(const std::string& input_shape, const std::string& layers) {
    return network_of(file_of(input_shape, layers));
}

std::string faults_of(const std::string& yaml) {
    try {
        network_of(yaml);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

std::string faults_of_layers(const std::string& input_shape, const std::string& layers) {
    return faults_of(file_of(input_shape, layers));
}

Network shipped(const std::string& name) {
    return load_network_file(std::string(MEMWALL_SOURCE_DIR) + "/configs/networks/" + name +
                             ".yaml");
}

}  // namespace memwall::test
