// SPDX-License-Identifier: Apache-2.0
// The mesh on which the cores of a machine lie, said once: the parts of each core and the networks
// between them follow from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/yaml.hpp"

namespace memwall {

/// The key `mesh: {columns, rows}` of a machine. Faults go to those of the reader.
class CoreMesh {
public:
    /// The reader of the machine's file must outlive it.
    explicit CoreMesh(MapReader& machine);

    /// A component with what follows: `instances: mesh` becomes the number of cores, and a network
    /// of kind mesh that says no columns or rows has those of the machine. One that says others is
    /// a fault.
    [[nodiscard]] YamlValue applied_to(const YamlValue::Entry& component);
    /// A fault where there is a mesh from which no component takes anything.
    void finish();

private:
    struct Side {
        const char* key = "";
        YamlValue value;
        std::int64_t length = 1;
    };

    void follow(const Side& side, const std::string& name, std::vector<YamlValue::Entry>& keys);

    MapReader& machine_;
    bool there_ = false;
    bool used_ = false;
    std::vector<Side> sides_;
};

}  // namespace memwall
