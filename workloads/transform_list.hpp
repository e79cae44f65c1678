// SPDX-License-Identifier: Apache-2.0
// The `transforms` of a network file: what is changed in the network that its layers describe. In
// order: quantise, prune, other resolutions and lengths, fusing.
#pragma once

#include <map>
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
    std::optional<double> heads;                  ///< fraction of the heads that is kept, whole
    std::vector<std::int64_t> resolution;         ///< rows and columns of images, or both at once
    std::optional<std::int64_t> sequence_length;  ///< positions of sequences
    std::optional<bool> fuse;  ///< whether pointwise layers may end the layer before them
};

/// Reads the list; what is wrong is reported and left out.
std::vector<Transform> read_transforms(MapReader& reader);

/// Parameters that are the length of a sequence, and the size of an image.
constexpr const char* kPositions = "positions";
constexpr const char* kImageRows = "image_rows";
constexpr const char* kImageColumns = "image_columns";

/// The values that the transforms of a network file give to these parameters, where it has them.
std::map<std::string, std::string> parameters_of_transforms(const YamlValue& tree);

/// The place of the `sequence_length` that the transforms of a network file ask for, if they do.
std::optional<SourceMark> place_of_sequence_length(const YamlValue& tree);

/// What the parameters of a network decide, so that its inputs have it already.
struct SizedByParameters {
    bool length = false;
    bool image = false;
};

/// Inputs of the asked resolution ([channels, ..., rows, columns]) and length ([positions,
/// features]; one row is a state, and stays). A transform that no input has the axes for is a
/// fault.
void change_inputs(const std::vector<Transform>& transforms, std::vector<InputEntry>& inputs,
                   const SizedByParameters& by_parameters, Diagnostics& faults);

/// What to say behind shapes that do not meet: how channels and heads are pruned so that they do.
/// Empty where none are pruned.
std::string hint_of(const std::vector<Transform>& transforms);

/// The name of the last layer of a list that has `out_channels` or `out_features`: what a network
/// tells apart. Empty where there is none.
std::string last_with_weights(const std::vector<YamlValue>& layers);

/// The keys of a layer (a map) with fewer output channels, rounded up: `out_channels`,
/// `out_features`, and `features` of tables and of experts; `groups` follow where there was one for
/// each channel. Or with fewer `heads`, rounded up, and the features of those that are left. `last`
/// is pruned only where a pattern names it.
/// Where shapes change at all, those that the file states for its own inputs are left out.
YamlValue rewritten(const std::vector<Transform>& transforms, const YamlValue& layer,
                    const std::string& last);

/// The network with its layers quantised and pruned. Patterns that match no layer are faults, and
/// those of a prune that match none with something to prune.
Network transformed(const std::vector<Transform>& transforms, Network network, Diagnostics& faults);

/// All layers at a precision that was asked for, and on top of it what the file's own transforms
/// quantise.
Network requantised(const Network& network, const PrecisionPolicy& asked);

/// Whether `text` is what `pattern` says, * standing for any text.
bool matches(const std::string& pattern, const std::string& text);

}  // namespace memwall
