// SPDX-License-Identifier: Apache-2.0
// Files of other simulators that are no networks, told apart so that a message can say what they
// are.
#include <algorithm>
#include <array>
#include <string_view>

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

/// A file of memwall itself, known by its first key behind the version.
struct Own {
    const char* key;
    const char* what;
};

constexpr std::array kOwn = {
    Own{"network:",
        "a memwall network already: run it as it is; memwall show network FILE --yaml OTHER writes "
        "it anew"},
    Own{"template:", "a template of memwall networks, which a network extends"},
    Own{"machine:", "a memwall machine: memwall run --machine FILE runs a network on it"},
    Own{"technology:", "a memwall technology, which a machine names"},
    Own{"dram:", "a memwall DRAM, which a machine names"},
    Own{"sweep:", "a memwall sweep: memwall sweep FILE runs it"},
    Own{"mapping:", "a memwall mapping: memwall show mapping --mapping FILE shows it"},
    Own{"validation:", "a table of memwall validate"},
};

constexpr std::array kKnown = {
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
    Known{"preset,tCK", "", "a table of DRAM timings"},
};

/// The first line that is no comment and not the version.
std::string_view first_line(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        if (!line.empty() && line[0] != '#' && !line.starts_with("memwall:") && line != "---") {
            return line;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
}

/// "3 20734016", or "LD 0x1234".
bool is_trace(std::string_view line) {
    const std::size_t space = line.find(' ');
    const std::string_view first = line.substr(0, std::min(space, line.size()));
    const auto digit = [](char each) { return each >= '0' && each <= '9'; };
    const bool counts = std::all_of(first.begin(), first.end(), digit);
    return space != std::string_view::npos && space + 1 < line.size() && !first.empty() &&
           (counts || first == "LD" || first == "ST" || first == "R" || first == "W") &&
           digit(line[space + 1]) && line.find_first_of(":,{") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> known_as_no_network(const ImportFile& file) {
    if (is_binary(file.content)) {
        return std::nullopt;
    }
    const std::string_view first = first_line(file.content);
    for (const Own& own : kOwn) {
        const bool stated =
            has_line(file.content, "memwall:") ||
            (std::string_view(own.key) == "network:" && has_line(file.content, "layers:")) ||
            (std::string_view(own.key) == "machine:" && has_line(file.content, "components:"));
        if (stated && first.starts_with(own.key)) {
            return own.what;
        }
    }
    if (is_trace(first)) {
        return "a trace of memory accesses";
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
