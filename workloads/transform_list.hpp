// SPDX-License-Identifier: Apache-2.0
// The `transforms` of a network file: what is changed in the network that its layers describe. In
// order: quantise, prune, other resolutions and lengths.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "workloads/network_builder.hpp"

namespace memwall {

/// One entry of the list. `layers` are patterns in which * stands for any text; none: all layers.
struct Transform {
    std::vector<NameAt> layers;
    SourceMark where;
    std::optional<PrecisionPolicy> quantise;
    std::optional<Sparsity> prune;
    std::optional<double> channels;               ///< fraction of the output channels that is kept
    std::vector<std::int64_t> resolution;         ///< rows and columns of images, or both at once
    std::optional<std::int64_t> sequence_length;  ///< positions of sequences
};

/// Reads the list; what is wrong is reported and left out.
std::vector<Transform> read_transforms(MapReader& reader);

/// Inputs of the asked resolution ([channels, ..., rows, columns]) and length ([positions,
/// features]). A transform that no input has the axes for is a fault.
void change_inputs(const std::vector<Transform>& transforms, std::vector<InputEntry>& inputs,
                   Diagnostics& faults);

/// The keys of a layer (a map) with fewer `out_channels` or `out_features`, rounded up; `groups`
/// follow where there was one for each channel. Where shapes change at all, those that the file
/// states for its own inputs are left out.
YamlValue rewritten(const std::vector<Transform>& transforms, const YamlValue& layer);

/// The network with its layers quantised and pruned. Patterns that match no layer are faults.
Network transformed(const std::vector<Transform>& transforms, Network network, Diagnostics& faults);

/// Whether `text` is what `pattern` says, * standing for any text.
bool matches(const std::string& pattern, const std::string& text);

}  // namespace memwall
