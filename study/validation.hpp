// SPDX-License-Identifier: Apache-2.0
// Published figures of real machines as files of configs/validation: a row is a figure, the run
// that predicts it, and how far apart both may be.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "study/command_line.hpp"
#include "study/validation_metrics.hpp"

namespace memwall {

/// How far a prediction may be from what was published: a share of it, or points where the figure
/// is a share itself.
struct ErrorBand {
    enum class Kind { percent, points };
    Kind kind = Kind::percent;
    double most = 0;
};

/// A row that is known to fall outside its band, by how much, and what is believed to cause it.
struct KnownMiss {
    double error = 0;  ///< predicted against published, in the band's unit
    std::string reason;
};

/// What other measurements of the same gave: older software, other systems.
struct PublishedSpread {
    double low = 0;
    double high = 0;
    std::string source;
};

struct ValidationRow {
    std::string id;     ///< of the source row, and the metric where that row holds two figures
    std::string group;  ///< rows that share a median
    CommandLine run;    ///< machine, network and options, as `memwall run` takes them
    std::optional<CommandLine> over;  ///< the figure is a ratio: this run's stands below
    std::string workload;             ///< in words
    Metric metric;
    std::string unit;
    double published = 0;
    std::string source;
    ErrorBand band;
    bool calibrated = false;  ///< a parameter was set on it: it leaves every median
    bool counted = true;      ///< false: shown only
    std::optional<KnownMiss> known_miss;
    std::optional<PublishedSpread> spread;
    SourceMark where;
};

/// A scenario of which nobody published a figure: it is run and shown, and not judged.
struct ShownScenario {
    std::string id;
    CommandLine run;
    std::string workload;  ///< in words
    std::string source;    ///< why this scenario
    SourceMark where;
};

struct Validation {
    std::vector<ValidationRow> rows;
    std::vector<ShownScenario> scenarios;
};

/// A known miss may grow by so much, in its band's unit, before it is a new one.
inline constexpr double kKnownMissGrowth = 2;

/// A file in `folder`, where relative paths of networks and machines begin. Faults go to `faults`;
/// what is returned makes no sense if there are any.
Validation load_validation(const YamlValue& root, const std::filesystem::path& folder,
                           Diagnostics& faults);

}  // namespace memwall
