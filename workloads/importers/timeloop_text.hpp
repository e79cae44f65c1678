// SPDX-License-Identifier: Apache-2.0
// What Timeloop's front end does to YAML before it is read: texts of other files put in, maps built
// on others.
#pragma once

#include <string>
#include <vector>

#include "workloads/importers/importer.hpp"

namespace memwall::importers {

/// A file with the texts that it includes, every line with its own place.
struct TimeloopText {
    struct Line {
        std::string shown_as;
        int number = 0;
    };
    std::string shown_as;
    std::string text;
    std::vector<Line> lines;

    /// The document. Places in it are lines of `text`; place() says where those came from.
    [[nodiscard]] YamlValue read(Diagnostics& faults) const;
    [[nodiscard]] SourceMark place(const SourceMark& in_text) const;
};

/// Replaces lines such as {{include_text('../shape.yaml')}}. A file is looked up beside the one
/// that names it, by its path and else by its bare name.
TimeloopText expand_timeloop(const ImportFile& file, Diagnostics& faults);

/// `value` with the keys of '<<<' put in, maps within maps joined and its own keys first.
YamlValue merged(const YamlValue& value);

}  // namespace memwall::importers
