// SPDX-License-Identifier: Apache-2.0
#include "study/training_run.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "arch/core_split.hpp"
#include "arch/machine_training.hpp"
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
    std::string first;
    for (const MacArrayConfig* array : arrays_of(machine)) {
        for (const ArrayShape& shape : array->shapes) {
            first = first.empty() ? name(shape.precision) : first;
            known += (known.empty() ? "" : ", ") + std::string(name(shape.precision));
        }
    }
    throw InputError("training_step: machine '" + machine.name() + "' has no lanes for " + what +
                     "; it multiplies " + known +
                     ": give one of these with --precision, as in --precision " + first);
}

bool is_floating(const Layer& layer) {
    return !is_integer(layer.precision.weights) && !is_integer(layer.precision.activations);
}

/// Whether a layer can be trained in its own precision.
bool trains_in_its_own(const Layer& layer, const Machine* machine) {
    return is_floating(layer) && (machine == nullptr || multiplies(*machine, layer.precision));
}

const char* first_to_train_in(const Machine* machine) {
    for (const Precision precision : kTrainingPrecisions) {
        if (machine == nullptr || multiplies(*machine, {precision, precision, Precision::fp32})) {
            return name(precision);
        }
    }
    refuse(*machine, "bf16, fp16 or fp32");
}

/// "int8", or "w4a8" where they differ.
std::string operands_of(const Layer& layer) {
    PrecisionPolicy policy;
    policy.weights = layer.precision.weights;
    policy.activations = layer.precision.activations;
    return policy.text();
}

/// The network with every layer that multiplies in a precision that it can be trained in: its own,
/// or the first floating-point one of the machine. What lies between those that change changes too.
TrainedNetwork in_floating_point(const Network& network, const Machine* machine) {
    std::set<std::string> changed;
    std::set<Precision> activations;
    bool some_stay = false;
    for (const Layer& layer : network.layers()) {
        if (layer.macs() > 0 && trains_in_its_own(layer, machine)) {
            some_stay = true;
        } else if (layer.macs() > 0) {
            changed.insert(operands_of(layer));
            activations.insert(layer.precision.activations);
        }
    }
    if (changed.empty()) {
        return {at_precision(network, ""), {}};
    }
    const std::string precision = first_to_train_in(machine);
    TrainedNetwork trained;
    for (const std::string& own : changed) {
        trained.changed.push_back(own + " at " + precision);
    }
    const auto policy = parse_precision_policy(precision);
    if (!some_stay) {
        const auto& all = std::get<PrecisionPolicy>(policy);
        trained.network = {with_precision(network, all), all.text(), kept_layers(network, all)};
        return trained;
    }
    const auto stays = [&](const Layer& layer) {
        return layer.macs() > 0
                   ? trains_in_its_own(layer, machine)
                   : is_floating(layer) && !activations.contains(layer.precision.activations);
    };
    trained.network =
        at_precision(with_precision(network, std::get<PrecisionPolicy>(policy), stays), "");
    return trained;
}

/// Layers that a transform has quantised stay so under a policy of floating-point numbers.
void name_quantised(NetworkAtPrecision& asked) {
    const Network& network = asked.network;
    const auto floating = [](const Layer& layer) { return layer.macs() > 0 && is_floating(layer); };
    const auto& layers = network.layers();
    if (network.parts().quantised_by == nullptr ||
        std::none_of(layers.begin(), layers.end(), floating)) {
        return;
    }
    for (const Layer& layer : layers) {
        const bool told =
            std::find(asked.kept.begin(), asked.kept.end(), layer.name) != asked.kept.end();
        if (layer.macs() > 0 && !is_floating(layer) && !told) {
            asked.kept.push_back(layer.name);
        }
    }
}

}  // namespace

TrainedNetwork network_to_train(const NetworkSource& source, const Scenario& scenario,
                                const std::string& policy, const Machine* machine) {
    ensure(scenario.training.has_value(), "a training step has an optimizer");
    if (machine != nullptr) {
        check_trains(*machine);
    }
    const Network network =
        source.has_steps() ? source.at({scenario.training->tokens, 0}) : source.network();
    TrainedNetwork trained = policy.empty() ? in_floating_point(network, machine)
                                            : TrainedNetwork{at_precision(network, policy), {}};
    if (!policy.empty()) {
        name_quantised(trained.network);
    }
    Network& step = trained.network.network;
    for (const Layer& layer : step.layers()) {
        if (machine != nullptr && layer.macs() > 0 && !multiplies(*machine, layer.precision)) {
            refuse(*machine, name(widest(layer.precision.weights, layer.precision.activations)));
        }
    }
    step = training_step(with_batch(step, scenario.batch), scenario.training->optimizer);
    return trained;
}

std::string changed_text(const std::vector<std::string>& changed) {
    std::string text;
    for (const std::string& each : changed) {
        text += (text.empty() ? "" : ", ") + each;
    }
    return "layers that cannot be trained in their own precision train in another: " + text +
           "; --precision chooses one";
}

void finish_training(const TrainedNetwork& trained, const Scenario& scenario, RunResult& result) {
    result.scenario = scenario;
    result.trained_at = trained.changed;
    Totals& totals = result.totals;
    totals.items = scenario.items;
    totals.item = scenario.training->tokens > 0 ? "token" : "frame";
    const auto items = static_cast<double>(totals.items);
    totals.throughput = items / totals.window.count();
    totals.energy_per_item = Joules(totals.energy.count() / items);
    totals.training = training_memory(trained.network.network);
}

}  // namespace memwall
