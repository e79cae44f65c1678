// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/point_loader.hpp"

#include <algorithm>
#include <string_view>

#include "arch/machine_yaml.hpp"
#include "arch/mapper.hpp"
#include "base/sha256.hpp"
#include "base/yaml_writer.hpp"

namespace memwall {
namespace {

/// Points next to each other often share what they do not vary; more would only cost memory.
constexpr std::size_t kKeptOfAKind = 8;

YamlValue with_settings(YamlValue tree, const Settings& settings) {
    Diagnostics faults;
    for (const Setting& setting : settings) {
        gather_faults(faults, [&] {
            tree = with_override(tree, setting.path, setting.value, setting.where);
        });
    }
    faults.throw_if_any();
    return tree;
}

std::string settings_text(const Settings& settings) {
    std::string text;
    for (const Setting& setting : settings) {
        text += setting.path + "=" + yaml_flow(setting.value) + "\n";
    }
    return text;
}

/// How the run is asked for, on one line.
std::string run_text(const RunSettings& run) {
    const ScenarioRequest& asked = run.scenario;
    std::string text = std::string(name(run.engine)) + " " + name(run.effort) + " " +
                       run.precision + " " + (asked.phase ? name(*asked.phase) : "-");
    for (const auto& number :
         {std::optional(asked.batch), asked.items, asked.rounds, asked.warmup_items, asked.users,
          asked.prompt, asked.output_tokens, asked.context}) {
        text += " " + (number ? std::to_string(*number) : "-");
    }
    if (asked.chunk) {
        text += " chunks of " + std::to_string(*asked.chunk);
    }
    if (run.objective != MappingObjective::latency) {
        text += std::string(" least ") + name(run.objective);
    }
    return text + (asked.cold ? " cold " : " warm ") +
           (asked.optimizer ? name(*asked.optimizer) : "-");
}

bool is_name(const std::string& path) {
    return path == "machine" || path == "network";
}

/// Whether a value of this path names a file of its own: a technology, or a type of DRAM.
bool names_a_part(const std::string& path) {
    constexpr std::string_view kType = ".type";
    return path == "machine.technology" ||
           (path.size() > kType.size() &&
            path.compare(path.size() - kType.size(), kType.size(), kType) == 0);
}

/// What `read` gives; its faults that have no place of their own stand at `where`.
template <class Read>
auto told_at(const SourceMark& where, const Read& read) -> decltype(read()) {
    try {
        return read();
    } catch (const InputError& error) {
        std::vector<Diagnostic> faults = error.faults();
        for (Diagnostic& fault : faults) {
            fault.where = fault.where.file.empty() ? where : fault.where;
        }
        throw InputError(std::move(faults));
    }
}

/// Whether one of the values stands in a file.
bool has_value_in(const Settings& settings, const std::string& file) {
    return std::any_of(settings.begin(), settings.end(),
                       [&](const Setting& setting) { return setting.value.mark().file == file; });
}

template <class Map>
void keep_few(Map& map) {
    if (map.size() >= kKeptOfAKind) {
        map.clear();
    }
}

}  // namespace

const PointLoader::File& PointLoader::file(ConfigKind kind, const Setting& setting) {
    const std::string key = std::string(folder_name(kind)) + "/" + setting.value.text();
    auto known = files_.find(key);
    if (known == files_.end()) {
        const ConfigFile found = configs_.find(kind, setting.value.text(), setting.value.mark());
        const std::filesystem::path folder = found.path.parent_path();
        YamlValue tree =
            told_at(setting.value.mark(), [&] { return read_config(found, name(kind), inputs_); });
        tree = kind == ConfigKind::network ? with_template_of(tree, folder, configs_, inputs_)
                                           : with_base_of(tree, folder, configs_, inputs_);
        known = files_.emplace(key, File{std::move(tree), folder, found.recorded}).first;
    }
    return known->second;
}

const PointLoader::Network& PointLoader::network(const PointRequest& request) {
    ensure(!request.network.path.empty(), "a sweep that was read names a network");
    const std::string key =
        request.network.value.text() + "\n" + settings_text(request.network_keys);
    auto known = networks_.find(key);
    if (known == networks_.end()) {
        keep_few(networks_);
        const YamlValue tree =
            with_settings(file(ConfigKind::network, request.network).tree, request.network_keys);
        known = networks_
                    .emplace(key, Network{std::make_shared<NetworkSource>(tree),
                                          sha256_of_text(yaml_flow(tree))})
                    .first;
    }
    return known->second;
}

const PointLoader::Part& PointLoader::part(ConfigKind kind, const std::string& name,
                                           const SourceMark& where,
                                           const std::filesystem::path& folder,
                                           const Settings& keys) {
    const std::string key = std::string(folder_name(kind)) + "\n" + folder.string() + "\n" + name +
                            "\n" + settings_text(keys);
    auto known = parts_.find(key);
    if (known == parts_.end()) {
        keep_few(parts_);
        const YamlValue tree =
            with_settings(read_machine_part(kind, name, where, folder, configs_, inputs_), keys);
        known = parts_.emplace(key, Part{tree, sha256_of_text(yaml_flow(tree))}).first;
    }
    return known->second;
}

Point PointLoader::load(const Settings& settings, std::optional<Engine> engine) {
    Diagnostics faults;
    const PointRequest request = point_request(settings, faults);
    Point point;
    point.run = request.run;
    point.run.threads = 1;  // points run side by side
    point.run.engine = engine.value_or(point.run.engine);
    std::string checksums;
    gather_faults(faults, [&] {
        const Network& found = network(request);
        point.network = found.source;
        checksums = found.checksum;
        resolve(point.run.scenario, point.network->has_steps());
    });
    gather_faults(faults, [&] { checksums += "\n" + load_machine_of(request, point); });
    faults.throw_if_any();
    point.key = sha256_of_text(std::string("memwall ") + kModelVersion + "\n" + checksums + "\n" +
                               run_text(point.run));
    return point;
}

std::string PointLoader::load_machine_of(const PointRequest& request, Point& point) {
    ensure(!request.machine.path.empty(), "a sweep that was read names a machine");
    const File& file = this->file(ConfigKind::machine, request.machine);
    Diagnostics faults;
    YamlValue tree = file.tree;
    // Keys that are there are still read where others are not: all faults of a point come at once.
    for (const Setting& setting : request.machine_keys) {
        gather_faults(faults, [&] {
            tree = with_override(tree, setting.path, setting.value, setting.where);
        });
    }
    std::string checksums;
    const auto lookup = [&](ConfigKind kind, const Settings& keys) {
        return [&, kind](const std::string& name, const SourceMark& where) {
            // As all paths of a sweep's file: it may be run from a copy, by Slurm.
            const std::filesystem::path folder = has_value_in(request.machine_keys, where.file)
                                                     ? std::filesystem::path()
                                                     : folder_of_path(where, file.folder);
            const Part& found = part(kind, name, where, folder, keys);
            checksums += found.checksum + "\n";
            return found.tree;
        };
    };
    const Settings unchanged;
    gather_faults(faults, [&] {
        point.machine = std::make_shared<Machine>(
            load_machine(tree, lookup(ConfigKind::technology, request.technology_keys),
                         lookup(ConfigKind::dram, unchanged)));
        check_mappable(*point.machine);
    });
    faults.throw_if_any();
    return checksums + yaml_flow(tree);
}

InputFiles PointLoader::files_of(const Sweep& sweep) {
    // Names stand in single paths: every value of each, whatever the points that combine them.
    Diagnostics faults;
    std::map<std::string, Setting> networks, machines, parts;
    const auto collect = [&](const Settings& settings) {
        for (const Setting& setting : settings) {
            if (is_name(setting.path) && !setting.value.is_scalar()) {
                faults.error(setting.value.mark(),
                             "'" + setting.path + "': expected a single name at a point");
            } else if (setting.path == "network") {
                networks.emplace(setting.text(), setting);
            } else if (setting.path == "machine") {
                machines.emplace(setting.text(), setting);
            } else if (names_a_part(setting.path)) {
                parts.emplace(setting.path + "=" + setting.text(), setting);
            }
        }
    };
    collect(sweep.base);
    const std::vector<std::string> paths = sweep.space.paths();
    const bool swept = std::any_of(paths.begin(), paths.end(), [](const std::string& path) {
        return is_name(path) || names_a_part(path);
    });
    for (std::int64_t point = 0; swept && point < sweep.space.size(); ++point) {
        collect(sweep.space.at(point));
    }
    for (const auto& [text, setting] : networks) {
        gather_faults(faults, [&, &name = setting] { file(ConfigKind::network, name); });
    }
    for (const auto& [text, setting] : machines) {
        gather_faults(faults, [&, &name = setting] {
            file(ConfigKind::machine, name);
            read_parts({name});
            for (const auto& [text_of_part, part] : parts) {
                read_parts({name, part});
            }
        });
    }
    faults.throw_if_any();
    return inputs_;
}

/// Makes a machine for the sake of the files that it names. Its faults are told when its points are
/// made.
void PointLoader::read_parts(const Settings& settings) {
    Diagnostics faults;
    const PointRequest request = point_request(settings, faults);
    Point point;
    gather_faults(faults, [&] { load_machine_of(request, point); });
}

}  // namespace memwall
