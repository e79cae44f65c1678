// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/result_example.hpp"

#include "workloads/network_yaml.hpp"

namespace memwall::test {
namespace {

Network two_layers() {
    Diagnostics faults;
    const YamlValue root = read_yaml_text(
        "network: two\n"
        "inputs: {x: [4]}\n"
        "layers:\n"
        "  - {name: fc1, op: linear, out_features: 3}\n"
        "  - {name: relu, op: relu}\n"
        "  - {name: fc2, op: linear, out_features: 2}\n",
        "two.yaml", faults);
    Network network = load_network(root, faults);
    faults.throw_if_any();
    return network;
}

Sourced joules(double value, double low, double high, Status status) {
    return {value, low, high, status, "made up"};
}

Component dram() {
    Component component;
    component.name = "dram";
    component.kind = ComponentKind::dram;
    component.clock = ClockId(std::size_t{0});
    DramConfig config;
    config.capacity = Bytes(1 << 20);
    config.burst = Bytes(8);
    config.timings.burst = 8;  // clocks of a picosecond: a byte each
    component.config = config;
    const Sourced byte = joules(10, 5, 20, Status::published);
    component.energies = {{Action::read, {}, byte}, {Action::write, {}, byte}};
    component.static_power = joules(1e9, 1e9, 2e9, Status::assumed);  // 1 mJ a picosecond
    return component;
}

Component buffer() {
    Component component;
    component.name = "buffer";
    component.kind = ComponentKind::sram;
    component.clock = ClockId(std::size_t{0});
    component.config = MemoryConfig{Bytes(1024), {Bytes(1024)}, Bytes(0), Bytes(0)};
    component.energies = {{Action::read, {}, joules(2, 2, 2, Status::derived)},
                          {Action::write, {}, joules(3, 3, 3, Status::derived)}};
    component.area = SquareMillimetres(5);
    return component;
}

Component array() {
    Component component;
    component.name = "array";
    component.kind = ComponentKind::mac_array;
    component.clock = ClockId(std::size_t{0});
    MacArrayConfig config;
    config.shapes = {{Precision::int8, 2, 1}, {Precision::int4, 4, 1}};
    component.config = config;
    component.energies = {{Action::mac, {}, joules(1, 1, 1, Status::calibrated)},
                          {Action::gated_mac, {}, joules(0.5, 0, 1, Status::assumed)},
                          {Action::recomputed_mac, {}, joules(0, 0, 0, Status::derived)},
                          {Action::skipped_mac, {}, joules(0, 0, 0, Status::derived)},
                          {Action::vector, {}, joules(4, 4, 4, Status::derived)}};
    component.clock_power = joules(2e9, 2e9, 2e9, Status::assumed);
    component.area = SquareMillimetres(7);
    return component;
}

Machine three_components() {
    Machine::Parts parts;
    parts.name = "hand";
    parts.mapper = "tiling";
    parts.clocks = {ClockDomain("core", Hertz(100'000'000'000))};  // a cycle is 10 ps
    parts.components = {dram(), buffer(), array()};
    return Machine(std::move(parts));
}

}  // namespace

ResultExample::ResultExample() : network(two_layers()), machine(three_components()) {
    scenario.items = 2;
    scenario.warmup_items = 1;
    const std::size_t layers = network.layers().size();
    mapping.layers.resize(layers);
    for (std::size_t l = 0; l < layers; ++l) {
        mapping.layers[l].layer = LayerId(l);
    }
    mapping.layers[1].fused = true;
    mapping.outermost = machine.find("dram");
    mapping.network_bound = Bytes(6);
    mapping.program.clock = ClockId(std::size_t{0});
    mapping.program.rounds = 2;
    mapping.program.layers.resize(layers);

    outcome.layers.resize(layers);
    outcome.layers[0].start = Picoseconds(100);
    outcome.layers[0].end = Picoseconds(500);
    outcome.layers[0].bound_by = Bound::dram;
    outcome.layers[0].path_known = true;
    outcome.layers[0].exposed = Picoseconds(300);
    outcome.layers[2].start = Picoseconds(500);
    outcome.layers[2].end = Picoseconds(800);
    outcome.layers[2].bound_by = Bound::compute;
    outcome.components.resize(machine.components().size());
    outcome.components[2].busy_max = Picoseconds(90);
    outcome.components[1].peak = Bytes(64);
    outcome.busy_by_layer.resize(layers * machine.components().size());
    outcome.load_end = Picoseconds(50);
    outcome.round_start = {Picoseconds(0), Picoseconds(1000)};
    outcome.round_end = {Picoseconds(1000), Picoseconds(2000)};
    outcome.window_start = Picoseconds(1000);
    outcome.window_end = Picoseconds(2000);
    outcome.end = Picoseconds(2005);

    count("fc1", "array", Action::mac, TensorRole::outputs, 12);
    count("fc2", "array", Action::mac, TensorRole::outputs, 4);
    count("fc2", "array", Action::gated_mac, TensorRole::outputs, 2);
    count("relu", "array", Action::vector, TensorRole::outputs, 3);
    count("fc1", "dram", Action::read, TensorRole::weights, 12);
    count("fc1", "buffer", Action::write, TensorRole::weights, 12);
    count("fc2", "buffer", Action::read, TensorRole::inputs, 3);
    busy("fc1", "dram", 250);
    busy("fc1", "array", 60);
    busy("fc2", "array", 30);
}

void ResultExample::count(const std::string& layer, const std::string& component, Action action,
                          TensorRole tensor, std::int64_t amount) {
    const RowId row = mapping.program.actions.row(
        {network.find_layer(layer), machine.find(component), action, tensor, Precision::int8});
    outcome.counts.resize(mapping.program.actions.size());
    outcome.load_counts.resize(mapping.program.actions.size());
    outcome.counts[row.position()] += amount;
}

void ResultExample::load(const std::string& component, Action action, std::int64_t amount) {
    const RowId row = mapping.program.actions.row(
        {LayerId(), machine.find(component), action, TensorRole::weights, Precision::int8});
    outcome.counts.resize(mapping.program.actions.size());
    outcome.load_counts.resize(mapping.program.actions.size());
    outcome.load_counts[row.position()] += amount;
}

void ResultExample::busy(const std::string& layer, const std::string& component,
                         std::int64_t picoseconds) {
    const std::size_t row = network.find_layer(layer).position() * machine.components().size();
    outcome.busy_by_layer[row + machine.find(component).position()] += Picoseconds(picoseconds);
}

RunInput ResultExample::input() const {
    return {network, machine, mapping, outcome, scenario, "systemc", "int8", {}, {}};
}

RunResult ResultExample::run() const {
    return assemble_result(input());
}

}  // namespace memwall::test
