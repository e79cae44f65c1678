// SPDX-License-Identifier: Apache-2.0
// From the layers of a file to the parts of a network: names, order, shapes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "workloads/layer_entries.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// An input of the network as the file says it.
struct InputEntry {
    NameAt name;
    std::optional<Shape> shape;  ///< none where it is wrong
    std::optional<Precision> precision;
    std::optional<double> density;  ///< the share of its words that are not zero
};

/// What a file says of a network.
struct NetworkEntry {
    std::string name;
    std::string source;
    PrecisionPolicy precision;
    std::vector<InputEntry> inputs;
    std::vector<LayerEntry> layers;
    std::vector<NameAt> keep_precision;
    std::string hint;  ///< said behind what is wrong with a layer's shapes
};

/// Finds duplicate and unknown names, cycles and shapes that do not meet; everything that is wrong
/// goes to `faults`. The parts are whole only if there are none.
NetworkParts build_network(const NetworkEntry& entry, Diagnostics& faults);

}  // namespace memwall
