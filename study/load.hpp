// SPDX-License-Identifier: Apache-2.0
// Networks and machines as a run uses them: found, changed by overrides, read, and remembered by
// checksum.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arch/machine.hpp"
#include "arch/technology.hpp"
#include "base/yaml.hpp"
#include "sim/result.hpp"
#include "study/configs.hpp"
#include "study/overrides.hpp"
#include "workloads/network.hpp"
#include "workloads/step_export.hpp"

namespace memwall {

/// Collects the files that a result was made from, each once, in the order of their reading.
class InputFiles {
public:
    void add(const ConfigFile& file);
    [[nodiscard]] const std::vector<InputFile>& list() const { return list_; }
    /// Where they lie, for results must not take their place.
    [[nodiscard]] const std::vector<std::filesystem::path>& paths() const { return paths_; }

private:
    std::vector<InputFile> list_;
    std::vector<std::filesystem::path> paths_;
};

/// The YAML of a file; a missing one is an InputError that names it as `what` ("network").
YamlValue read_config(const ConfigFile& file, const char* what, InputFiles& inputs);
/// The same, of which what can be read past (a key that is there twice) is left in `flaws`.
YamlValue read_config(const ConfigFile& file, const char* what, InputFiles& inputs,
                      Diagnostics& flaws);

/// Calls `use`; the faults that it throws go to `faults`.
template <class Use>
void gather_faults(Diagnostics& faults, const Use& use) {
    try {
        use();
    } catch (const InputError& error) {
        for (const Diagnostic& fault : error.faults()) {
            faults.error(fault.where, fault.message);
        }
    }
}

/// What `load` makes of a file; its faults are told together with the flaws of reading it.
template <class Load>
auto loaded_beside(Diagnostics& flaws, const Load& load) -> decltype(load()) {
    if (flaws.empty()) {
        return load();
    }
    gather_faults(flaws, [&] { static_cast<void>(load()); });
    flaws.throw_if_any();
    fail("flaws are thrown");
}

/// What two readings make; the faults of both are told at once.
template <class First, class Second>
auto loaded_both(const First& first, const Second& second)
    -> std::pair<decltype(first()), decltype(second())> {
    Diagnostics faults;
    std::optional<decltype(first())> one;
    std::optional<decltype(second())> other;
    gather_faults(faults, [&] { one.emplace(first()); });
    gather_faults(faults, [&] { other.emplace(second()); });
    faults.throw_if_any();
    return {std::move(*one), std::move(*other)};
}

/// A network file, read once, with its template and overrides: the network as it says, and its
/// steps where it is a language model.
class NetworkSource {
public:
    /// Throws InputError with all faults.
    explicit NetworkSource(YamlValue tree);

    [[nodiscard]] const Network& network() const { return network_; }
    /// Whether it keeps a cache and has the parameters `positions` and `context`.
    [[nodiscard]] bool has_steps() const;
    /// Throws InputError where it has no steps: a phase of language models was asked of it.
    void expect_steps(Phase phase) const;
    /// The network that reads a prompt and keeps what later tokens need.
    [[nodiscard]] Network prefill(std::int64_t prompt) const;
    /// Whether a prompt may be read in parts: not by an encoder.
    [[nodiscard]] bool has_chunks() const;
    /// Some positions of a prompt of which `context` were read before. Throws InputError for an
    /// encoder, which sees all of a prompt at once.
    [[nodiscard]] Network chunk_step(std::int64_t positions, std::int64_t context) const;
    /// The network that makes one token after `context` that are in the cache; what reads no new
    /// token was done with the prompt.
    [[nodiscard]] Network decode_step(std::int64_t context) const;
    /// The whole network on new tokens, after those of its context.
    [[nodiscard]] Network at(StepSize step) const;
    /// The step that the file's parameters say; none where it has no steps, or where a transform
    /// says how long they are.
    [[nodiscard]] std::optional<StepSize> own_step() const;

private:
    YamlValue tree_;
    Network network_;
};

/// A network from a tree that was read already; `folder` is where its relative paths begin. Faults
/// in a template name the place that extends it too.
NetworkSource network_source_from(const YamlValue& root, const std::filesystem::path& folder,
                                  const Configs& configs, const std::vector<Override>& overrides,
                                  InputFiles& inputs);

/// Each throws InputError with all faults of the file at once.
NetworkSource load_network_source(const Configs& configs, const std::string& name,
                                  const std::vector<Override>& overrides, InputFiles& inputs);
Network load_network_config(const Configs& configs, const std::string& name,
                            const std::vector<Override>& overrides, InputFiles& inputs);
Machine load_machine_config(const Configs& configs, const std::string& name,
                            const std::vector<Override>& overrides, InputFiles& inputs);
Technology load_technology_config(const Configs& configs, const std::string& name,
                                  InputFiles& inputs);

/// The folder where a path begins that stands at `where`: that of its file, the current one where
/// it was typed, `folder` where nothing is known.
std::filesystem::path folder_of_path(const SourceMark& where, const std::filesystem::path& folder);

/// The tree of a technology or a dram, by the name that a machine has for it at `where`; a path
/// begins in `folder`.
YamlValue read_machine_part(ConfigKind kind, const std::string& name, const SourceMark& where,
                            const std::filesystem::path& folder, const Configs& configs,
                            InputFiles& inputs);

/// The tree of a mapping that is given by hand; none where no name is.
std::optional<YamlValue> load_mapping_config(const Configs& configs,
                                             const std::optional<std::string>& name,
                                             InputFiles& inputs);

/// A network's tree with its template put in; `folder` is where its relative paths begin.
YamlValue with_template_of(const YamlValue& root, const std::filesystem::path& folder,
                           const Configs& configs, InputFiles& inputs);

/// A machine's tree with that of the machine that it extends put below; `folder` as above.
YamlValue with_base_of(const YamlValue& root, const std::filesystem::path& folder,
                       const Configs& configs, InputFiles& inputs);

/// A machine from a tree that was read already, with overrides of its technology's keys; `folder`
/// is where its relative paths begin.
Machine machine_from(const YamlValue& root, const std::vector<Override>& of_technology,
                     const std::filesystem::path& folder, const Configs& configs,
                     InputFiles& inputs);

/// A network under a precision policy ("" leaves it as it is), the name of the precision that it
/// computes with, and the layers that the policy leaves alone.
struct NetworkAtPrecision {
    Network network;
    std::string precision;
    std::vector<std::string> kept;
};
NetworkAtPrecision at_precision(const Network& network, const std::string& policy);

}  // namespace memwall
