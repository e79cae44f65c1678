// SPDX-License-Identifier: Apache-2.0
// Files of other simulators that are no networks, told apart so that a message can say what they
// are.
#include <array>

#include "workloads/importers/formats.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

/// A kind of file by what it holds: a line that begins so, and a text somewhere.
struct Known {
    const char* line;
    const char* text;  ///< "" for none
    const char* what;
};

constexpr std::array kKnown = {
    Known{"network:", "layers:",
          "a memwall network already (memwall show network FILE --yaml FILE writes it anew)"},
    Known{"machine:", "components:", "a memwall machine"},
    Known{"[architecture_presets]", "", "a SCALE-Sim machine file"},
    Known{"[general]", "run_name", "a SCALE-Sim machine file"},
    Known{"architecture:", "", "a Timeloop architecture file"},
    Known{"mapper:", "", "a Timeloop mapper file"},
    Known{"mapspace:", "", "a Timeloop mapspace file"},
    Known{"mapping:", "target:", "a Timeloop mapping file"},
    Known{"ERT:", "", "a table of energies for Timeloop"},
    Known{"ART:", "", "a table of areas for Timeloop"},
    Known{"compound_components:", "", "an Accelergy component file"},
    Known{"problem_base", "data_spaces", "a template that Timeloop problems include"},
    Known{"memories:", "operational_array:", "a ZigZag machine file"},
    Known{"memories:", "served_dimensions", "a ZigZag machine file"},
    Known{"- name:", "spatial_mapping:", "a ZigZag mapping file"},
    Known{"- name:", "memory_operand_links", "a ZigZag mapping file"},
    Known{"num_pes:", "", "a MAESTRO machine file"},
    Known{"MemorySystem:", "", "a Ramulator settings file"},
    Known{" standard =", "channels", "a Ramulator settings file"},
    Known{"Frontend:", "", "a Ramulator settings file"},
};

}  // namespace

std::optional<std::string> known_as_no_network(const ImportFile& file) {
    if (is_binary(file.content)) {
        return std::nullopt;
    }
    for (const Known& known : kKnown) {
        // A problem may stand in one file with an architecture.
        if (has_line(file.content, known.line) &&
            file.content.find(known.text) != std::string::npos &&
            !has_line(file.content, "problem:")) {
            return known.what;
        }
    }
    if (has_line(file.content, "Network ") || file.extension() == ".csv") {
        return std::nullopt;
    }
    if (file.content.find("\"core_freq\"") != std::string::npos ||
        file.content.find("\"num_cores\"") != std::string::npos) {
        return "an ONNXim machine file";
    }
    return std::nullopt;
}

}  // namespace memwall::importers
