// SPDX-License-Identifier: Apache-2.0
// The `layers` of a network file as a flat list: repeated blocks unrolled, every key read, nothing
// planned.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workloads/expression.hpp"
#include "workloads/ops/op.hpp"
#include "workloads/stated_layer.hpp"

namespace memwall {

/// A name at its place.
struct NameAt {
    std::string name;
    SourceMark where;
};

/// One layer as the file says it.
struct LayerEntry {
    NameAt name;  ///< "" where it is missing
    SourceMark where;
    bool again = false;          ///< not the first of its repeats: what is wrong was said before
    const Op* op = nullptr;      ///< nullptr where it is unknown
    Planner plan;                ///< empty where the op is unknown or a key is wrong
    std::vector<NameAt> inputs;  ///< "" where it is unknown which
    SourceMark inputs_where;
    PrecisionPolicy precision;
    std::optional<Precision> output_precision;
    std::optional<double> density;  ///< the share of the result's words that are not zero
    std::optional<Shape> shape;
    SourceMark shape_where;
    std::vector<YamlValue::Entry> keys;  ///< the op's own, in the order of the file
    std::optional<NameAt> weights;       ///< the layer whose weights this one uses too
};

/// What the layers that an entry becomes remember of it. The op is known.
std::shared_ptr<const StatedLayer> stated_layer(const LayerEntry& entry, bool channels_first);

/// Changes the keys of a layer before they are read.
using LayerRewrite = std::function<YamlValue(const YamlValue&)>;

/// Reads the list. `first_input` is what the first layer reads by default: the network's only
/// input, or "" where there are several. `variables` has the parameters of the network.
std::vector<LayerEntry> read_layers(const std::vector<YamlValue>& list,
                                    const std::string& first_input, Variables& variables,
                                    const LayerRewrite& rewrite, Diagnostics& faults);

/// A precision policy at its place; a wrong one is reported and reads as an empty one.
PrecisionPolicy read_policy(MapReader& reader, const char* key);
/// `density: 0.4`: the share of an activation's words that are not zero; a wrong one is reported.
std::optional<double> read_density(MapReader& reader);
/// A precision by name; a wrong one is reported.
std::optional<Precision> read_precision(MapReader& reader, const char* key);

}  // namespace memwall
