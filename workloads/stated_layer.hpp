// SPDX-License-Identifier: Apache-2.0
// What a file says of a layer, kept so that a network can be written again.
#pragma once

#include <string>
#include <vector>

#include "base/yaml_value.hpp"

namespace memwall {

/// One layer of a file after its blocks were unrolled. What holds for every op (precisions, a
/// stated shape) is not here: a Layer and its tensors have it.
struct StatedLayer {
    std::string name;
    std::string op;
    std::vector<std::string> inputs;     ///< by name; the default filled in
    std::string weights;                 ///< the layer whose weights it uses too, or ""
    std::vector<YamlValue::Entry> keys;  ///< the op's own, in the order of the file
    bool channels_first = false;         ///< in what it reads; decides defaults
};

}  // namespace memwall
