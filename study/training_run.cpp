// SPDX-License-Identifier: Apache-2.0
#include "study/training_run.hpp"

#include <algorithm>
#include <array>

#include "arch/core_split.hpp"
#include "base/error.hpp"
#include "workloads/training.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

constexpr std::array<Precision, 3> kTrainingPrecisions = {Precision::bf16, Precision::fp16,
                                                          Precision::fp32};

std::vector<const MacArrayConfig*> arrays_of(const Machine& machine) {
    std::vector<const MacArrayConfig*> arrays;
    for (const ComponentId id : machine.of_kind(ComponentKind::mac_array)) {
        arrays.push_back(&std::get<MacArrayConfig>(machine.component(id).config));
    }
    return arrays;
}

bool multiplies(const Machine& machine, const LayerPrecision& precision) {
    const auto arrays = arrays_of(machine);
    return std::any_of(arrays.begin(), arrays.end(), [&](const MacArrayConfig* array) {
        return array_shape(*array, precision) != nullptr;
    });
}

[[noreturn]] void refuse(const Machine& machine, const std::string& what) {
    std::string known;
    for (const MacArrayConfig* array : arrays_of(machine)) {
        for (const ArrayShape& shape : array->shapes) {
            known += (known.empty() ? "" : ", ") + std::string(name(shape.precision));
        }
    }
    throw InputError("training_step: machine '" + machine.name() + "' has no lanes for " + what +
                     "; it multiplies " + known + ": give one of these with --precision");
}

bool is_floating(const Layer& layer) {
    return !is_integer(layer.precision.weights) && !is_integer(layer.precision.activations);
}

/// What layers of integers train in: "" where no layer multiplies any.
std::string policy_for(const Network& network, const Machine* machine) {
    const bool floating =
        std::all_of(network.layers().begin(), network.layers().end(), [](const Layer& layer) {
            return layer.macs() == 0 || !is_integer(layer.precision.weights);
        });
    if (floating) {
        return "";
    }
    for (const Precision precision : kTrainingPrecisions) {
        if (machine == nullptr || multiplies(*machine, {precision, precision, Precision::fp32})) {
            return name(precision);
        }
    }
    refuse(*machine, "bf16, fp16 or fp32");
}

/// The network in its own precisions, where those are integers in the first floating-point one that
/// the machine multiplies.
NetworkAtPrecision in_floating_point(const Network& network, const Machine* machine) {
    const std::string policy = policy_for(network, machine);
    NetworkAtPrecision all = at_precision(network, policy);
    if (policy.empty() ||
        std::none_of(network.layers().begin(), network.layers().end(),
                     [](const Layer& layer) { return layer.macs() > 0 && is_floating(layer); })) {
        return all;
    }
    const auto parsed = parse_precision_policy(policy);
    return at_precision(with_precision(network, std::get<PrecisionPolicy>(parsed), is_floating),
                        "");
}

}  // namespace

NetworkAtPrecision network_to_train(const NetworkSource& source, const Scenario& scenario,
                                    const std::string& policy, const Machine* machine) {
    ensure(scenario.training.has_value(), "a training step has an optimizer");
    const Network network =
        source.has_steps() ? source.at(scenario.training->tokens, 0) : source.network();
    NetworkAtPrecision asked =
        policy.empty() ? in_floating_point(network, machine) : at_precision(network, policy);
    for (const Layer& layer : asked.network.layers()) {
        if (machine != nullptr && layer.macs() > 0 && !multiplies(*machine, layer.precision)) {
            refuse(*machine, name(widest(layer.precision.weights, layer.precision.activations)));
        }
    }
    asked.network =
        training_step(with_batch(asked.network, scenario.batch), scenario.training->optimizer);
    return asked;
}

void finish_training(const Network& step, const Scenario& scenario, RunResult& result) {
    result.scenario = scenario;
    Totals& totals = result.totals;
    totals.items = scenario.items;
    totals.item = scenario.training->tokens > 0 ? "token" : "frame";
    const auto items = static_cast<double>(totals.items);
    totals.throughput = items / totals.window.count();
    totals.energy_per_item = Joules(totals.energy.count() / items);
    totals.training = training_memory(step);
}

}  // namespace memwall
