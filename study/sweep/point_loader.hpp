// SPDX-License-Identifier: Apache-2.0
// Networks and machines of a sweep's points: each file is read once, each point made anew.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "study/load.hpp"
#include "study/sweep/paths.hpp"
#include "study/sweep/sweep_file.hpp"

namespace memwall {

/// A point, ready to run.
struct Point {
    RunSettings run;
    std::shared_ptr<const NetworkSource> network;
    std::shared_ptr<const Machine> machine;
    /// Of everything that decides the result: the files as changed by the point's settings, without
    /// comments, the way to run it, and the model's version.
    std::string key;
};

class PointLoader {
public:
    explicit PointLoader(const Configs& configs) : configs_(configs) {}

    /// Throws InputError with the faults of the point, at the places of the sweep file that cause
    /// them where the sweep file does.
    /// `engine` takes the place of the point's own.
    [[nodiscard]] Point load(const Settings& settings, std::optional<Engine> engine = {});

    /// Every file that some point of the sweep can use. Throws InputError where one is missing or
    /// cannot be read.
    InputFiles files_of(const Sweep& sweep);

private:
    struct File {
        YamlValue tree;
        std::filesystem::path folder;
        std::string recorded;
    };
    struct Part {
        YamlValue tree;
        std::string checksum;
    };
    struct Network {
        std::shared_ptr<const NetworkSource> source;
        std::string checksum;
    };

    const File& file(ConfigKind kind, const Setting& name);
    const Network& network(const PointRequest& request);
    /// Gives what decides the machine, as text.
    std::string load_machine_of(const PointRequest& request, Point& point);
    void read_parts(const Settings& settings);
    /// A technology or a dram that a machine names.
    const Part& part(ConfigKind kind, const std::string& name, const SourceMark& where,
                     const std::filesystem::path& folder, const Settings& keys);

    const Configs& configs_;
    InputFiles inputs_;
    std::map<std::string, File> files_;        ///< by kind and name
    std::map<std::string, Part> parts_;        ///< the latest few
    std::map<std::string, Network> networks_;  ///< the latest few
};

}  // namespace memwall
