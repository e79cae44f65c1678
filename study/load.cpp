// SPDX-License-Identifier: Apache-2.0
#include "study/load.hpp"

#include <algorithm>

#include "arch/given_mapping.hpp"
#include "arch/machine_base.hpp"
#include "arch/machine_yaml.hpp"
#include "base/parse.hpp"
#include "base/sha256.hpp"
#include "workloads/network_yaml.hpp"
#include "workloads/prompt_layers.hpp"
#include "workloads/transform_list.hpp"
#include "workloads/transforms.hpp"

namespace memwall {

namespace fs = std::filesystem;

void InputFiles::add(const ConfigFile& file) {
    paths_.push_back(file.path);
    InputFile input{file.recorded, sha256_of_file(file.path)};
    const bool known = std::any_of(list_.begin(), list_.end(), [&](const InputFile& other) {
        return other.path == input.path && other.sha256 == input.sha256;
    });
    if (!known) {
        list_.push_back(std::move(input));
    }
}

namespace {

std::string missing_text(const ConfigFile& file, const char* what) {
    return "no " + std::string(what) + " file '" + file.shown_as + "'";
}

}  // namespace

YamlValue read_config(const ConfigFile& file, const char* what, InputFiles& inputs,
                      Diagnostics& flaws) {
    std::error_code failure;
    if (!fs::exists(file.path, failure)) {
        throw InputError(missing_text(file, what));
    }
    YamlValue root = read_yaml_file(file.path, file.shown_as, flaws);
    inputs.add(file);
    return root;
}

YamlValue read_config(const ConfigFile& file, const char* what, InputFiles& inputs) {
    Diagnostics flaws;
    YamlValue root = read_config(file, what, inputs, flaws);
    flaws.throw_if_any();
    return root;
}

NetworkSource::NetworkSource(YamlValue tree) : tree_(std::move(tree)) {
    Diagnostics faults;
    network_ = load_network(tree_, faults);
    faults.throw_if_any();
}

bool NetworkSource::has_steps() const {
    const YamlValue* parameters = tree_.find("parameters");
    return network_.state_bytes().count() > 0 && parameters != nullptr &&
           parameters->find("positions") != nullptr && parameters->find("context") != nullptr;
}

void NetworkSource::expect_steps(Phase phase) const {
    if (!has_steps()) {
        throw InputError("network '" + network_.name() + "' has no phase " + memwall::name(phase) +
                         ": a language model keeps a cache and has the parameters 'positions' and "
                         "'context'");
    }
}

Network NetworkSource::at(StepSize step) const {
    ensure(has_steps(), "only a language model has steps");
    if (const auto place = place_of_sequence_length(tree_)) {
        throw InputError({Diagnostic{
            *place, "network '" + network_.name() +
                        "': a phase says how many tokens there are, the transform "
                        "sequence_length too; expected --prompt or --context instead of it"}});
    }
    Diagnostics faults;
    Network network = load_network(
        with_override(with_override(tree_, "parameters.positions", std::to_string(step.positions)),
                      "parameters.context", std::to_string(step.context)),
        faults);
    faults.throw_if_any();
    return network;
}

std::optional<StepSize> NetworkSource::own_step() const {
    if (!has_steps() || place_of_sequence_length(tree_)) {
        return std::nullopt;
    }
    const auto parameter = [&](const char* name) {
        const Parsed<std::int64_t> read = parse_count(tree_.find("parameters")->find(name)->text());
        const auto* number = std::get_if<std::int64_t>(&read);
        return number != nullptr ? std::optional(*number) : std::nullopt;
    };
    const auto positions = parameter("positions");
    const auto context = parameter("context");
    return positions && context ? std::optional(StepSize{*positions, *context}) : std::nullopt;
}

Network NetworkSource::prefill(std::int64_t prompt) const {
    Network whole = at({prompt, 0});
    if (whole.inputs().size() < 2) {
        return whole;
    }
    return keeping_prompt(whole, layers_of_prompt(whole, at({prompt > 1 ? prompt - 1 : 2, 0})));
}

bool NetworkSource::has_chunks() const {
    return at({1, 1}).inputs().size() < 2;
}

Network NetworkSource::chunk_step(std::int64_t positions, std::int64_t context) const {
    Network chunk = at({positions, context});
    if (chunk.inputs().size() > 1) {
        throw InputError("network '" + network_.name() +
                         "' has an encoder, which sees all of a prompt at once; expected no chunk");
    }
    return chunk;
}

Network NetworkSource::decode_step(std::int64_t context) const {
    Network whole = at({1, context});
    if (whole.inputs().size() < 2) {
        return whole;
    }
    const Network longer = at({2, std::max<std::int64_t>(0, context - 1)});
    return without_prompt(whole, layers_of_prompt(whole, longer), longer);
}

fs::path folder_of_path(const SourceMark& where, const fs::path& folder) {
    if (where.file.empty()) {
        return folder;
    }
    return where.line > 0 ? fs::path(where.file).parent_path() : fs::path();
}

NetworkSource load_network_source(const Configs& configs, const std::string& name,
                                  const std::vector<Override>& overrides, InputFiles& inputs) {
    const ConfigFile file = configs.find(ConfigKind::network, name);
    Diagnostics flaws;
    const YamlValue root = read_config(file, "network", inputs, flaws);
    return loaded_beside(flaws, [&] {
        return network_source_from(root, file.path.parent_path(), configs, overrides, inputs);
    });
}

NetworkSource network_source_from(const YamlValue& root, const fs::path& folder,
                                  const Configs& configs, const std::vector<Override>& overrides,
                                  InputFiles& inputs) {
    const YamlValue tree =
        with_overrides(with_template_of(root, folder, configs, inputs), overrides);
    const YamlValue* extends = root.find("extends");
    if (extends == nullptr) {
        return NetworkSource(tree);
    }
    try {
        return NetworkSource(tree);
    } catch (const InputError& error) {
        const SourceMark& at = extends->mark();
        std::vector<Diagnostic> faults = error.faults();
        for (Diagnostic& fault : faults) {
            if (fault.where.line > 0 && fault.where.file != at.file) {
                fault.message += "; this template is extended at " + at.file + ":" +
                                 std::to_string(at.line) + ":" + std::to_string(at.column);
            }
        }
        throw InputError(std::move(faults));
    }
}

Network load_network_config(const Configs& configs, const std::string& name,
                            const std::vector<Override>& overrides, InputFiles& inputs) {
    return load_network_source(configs, name, overrides, inputs).network();
}

namespace {

/// The file of a name that stands at `where`: a path is one from `folder`.
YamlValue read_named_in(const fs::path& folder, ConfigKind kind, const std::string& name,
                        const SourceMark& where, const char* what, const Configs& configs,
                        InputFiles& inputs) {
    ConfigFile file = configs.find(kind, name, where);
    if (is_path(name) && file.path.is_relative()) {
        file.path = folder / file.path;
        file.shown_as = file.path.string();
    }
    if (std::error_code failure; !fs::exists(file.path, failure)) {
        throw InputError({Diagnostic{where, missing_text(file, what)}});
    }
    return read_config(file, what, inputs);
}

}  // namespace

YamlValue read_machine_part(ConfigKind kind, const std::string& name, const SourceMark& where,
                            const fs::path& folder, const Configs& configs, InputFiles& inputs) {
    return read_named_in(folder, kind, name, where, memwall::name(kind), configs, inputs);
}

YamlValue with_template_of(const YamlValue& root, const fs::path& folder, const Configs& configs,
                           InputFiles& inputs) {
    const auto read_template = [&](const std::string& name, const SourceMark& where) {
        return read_named_in(folder_of_path(where, folder), ConfigKind::network_template, name,
                             where, "template", configs, inputs);
    };
    Diagnostics faults;
    YamlValue whole = with_template(root, read_template, faults);
    faults.throw_if_any();
    return whole;
}

Machine machine_from(const YamlValue& root, const std::vector<Override>& of_technology,
                     const fs::path& folder, const Configs& configs, InputFiles& inputs) {
    const auto technology = [&](const std::string& name, const SourceMark& where) {
        return with_overrides(read_machine_part(ConfigKind::technology, name, where,
                                                folder_of_path(where, folder), configs, inputs),
                              of_technology);
    };
    const auto dram = [&](const std::string& name, const SourceMark& where) {
        return read_machine_part(ConfigKind::dram, name, where, folder_of_path(where, folder),
                                 configs, inputs);
    };
    return load_machine(root, technology, dram);
}

YamlValue with_base_of(const YamlValue& root, const fs::path& folder, const Configs& configs,
                       InputFiles& inputs) {
    const auto read_base = [&](const std::string& name, const SourceMark& where) {
        return read_named_in(folder_of_path(where, folder), ConfigKind::machine, name, where,
                             "machine", configs, inputs);
    };
    Diagnostics faults;
    YamlValue whole = with_base(root, read_base, faults);
    faults.throw_if_any();
    return whole;
}

Machine load_machine_config(const Configs& configs, const std::string& name,
                            const std::vector<Override>& overrides, InputFiles& inputs) {
    const ConfigFile file = configs.find(ConfigKind::machine, name);
    Diagnostics flaws;
    const YamlValue root = read_config(file, "machine", inputs, flaws);
    const fs::path folder = file.path.parent_path();
    const MachineOverrides sorted = by_file(overrides);
    return loaded_beside(flaws, [&] {
        return machine_from(with_overrides(with_base_of(root, folder, configs, inputs), sorted.own),
                            sorted.technology, folder, configs, inputs);
    });
}

std::optional<YamlValue> load_mapping_config(const Configs& configs,
                                             const std::optional<std::string>& name,
                                             InputFiles& inputs) {
    if (!name) {
        return std::nullopt;
    }
    Diagnostics flaws;
    YamlValue root =
        read_config(configs.find(ConfigKind::mapping, *name), "mapping", inputs, flaws);
    loaded_beside(flaws, [&] { return check_given_mapping(root); });
    return root;
}

Technology load_technology_config(const Configs& configs, const std::string& name,
                                  InputFiles& inputs) {
    const ConfigFile file = configs.find(ConfigKind::technology, name);
    Diagnostics faults;
    const YamlValue root = read_config(file, "technology", inputs, faults);
    Technology technology = load_technology(root, faults);
    faults.throw_if_any();
    return technology;
}

namespace {

/// The precision of all layers that multiply and of all caches, "int8" or "w4a8"; "mixed" where
/// they differ.
std::string own_precision(const Network& network) {
    std::optional<LayerPrecision> common;
    for (const Layer& layer : network.layers()) {
        const bool cache = std::any_of(
            layer.outputs.begin(), layer.outputs.end(),
            [&](TensorId output) { return network.tensor(output).kind == TensorKind::state; });
        if (layer.macs() == 0 && !cache) {
            continue;
        }
        if (common && !(*common == layer.precision)) {
            return "mixed";
        }
        common = layer.precision;
    }
    if (!common) {
        return "mixed";
    }
    PrecisionPolicy policy;
    policy.weights = common->weights;
    policy.activations = common->activations;
    policy.accumulator = common->accumulator;
    return policy.text();
}

}  // namespace

NetworkAtPrecision at_precision(const Network& network, const std::string& policy) {
    if (policy.empty()) {
        return {network, own_precision(network), {}};
    }
    const Parsed<PrecisionPolicy> parsed = parse_precision_policy(policy);
    if (const auto* fault = std::get_if<ParseFault>(&parsed)) {
        throw InputError("precision: " + fault->message);
    }
    const auto& asked = std::get<PrecisionPolicy>(parsed);
    const Network changed = requantised(network, asked);
    const bool quantised = network.parts().quantised_by != nullptr;
    return {changed, quantised ? own_precision(changed) : asked.text(),
            kept_layers(network, asked)};
}

}  // namespace memwall
