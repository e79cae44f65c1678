// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>

#include "base/file.hpp"
#include "base/parse.hpp"
#include "study/commands.hpp"
#include "study/output.hpp"
#include "study/table.hpp"
#include "workloads/describe.hpp"
#include "workloads/importers/importer.hpp"
#include "workloads/network_export.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kLargest = 1 << 30;

ImportOptions import_options(const CommandLine& command) {
    ImportOptions options;
    options.skip_unsupported = command.skip_unsupported;
    if (command.batch) {
        options.batch = parse_count_option("--batch", *command.batch, 1, kLargest);
    }
    for (const std::string& text : command.set_dim) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0) {
            throw InputError("--set-dim: expected NAME=SIZE, found '" + text + "'");
        }
        const std::string name = text.substr(0, equals);
        // Of a cache there may be nothing before the first token.
        const std::int64_t size =
            parse_count_option("--set-dim " + name, text.substr(equals + 1), 0, kLargest);
        const auto [known, is_new] = options.dims.emplace(name, size);
        if (!is_new) {
            throw InputError("--set-dim " + text + ": '" + name + "' has a size already, " +
                             std::to_string(known->second));
        }
    }
    return options;
}

/// What was read, for whoever wonders whether it is the network that was meant.
std::string report(const ImportedNetwork& imported) {
    const NetworkSummary summary = describe(imported.network);
    Table table({{"layer", Align::left},
                 {"op", Align::left},
                 {"output", Align::left},
                 {"MACs"},
                 {"weights"}});
    for (const LayerRow& row : summary.layers) {
        table.add({row.name, row.op, text(row.output_shape),
                   row.macs == 0 ? "" : format_count(row.macs),
                   row.weights == 0 ? "" : format_count(row.weights)});
    }
    std::string text = table.text();
    text += fmt::format("{} ({}): {} layer{}, {} MACs, {} weights, {} parameters\n", summary.name,
                        imported.format, summary.layers.size(),
                        summary.layers.size() == 1 ? "" : "s", format_count(summary.macs),
                        format_count(summary.weights), format_count(summary.parameters));
    for (const std::string& note : imported.notes) {
        text += "note: " + note + "\n";
    }
    return text;
}

}  // namespace

void import_command(const CommandLine& command) {
    if (command.words.size() != 1) {
        throw InputError("import: expected one file, found " +
                         std::to_string(command.words.size()));
    }
    const ImportOptions options = import_options(command);
    if (command.output && *command.output != "-") {
        require_writable(*command.output);
    }
    const ImportedNetwork imported = import_network(read_import_file(command.words.front()),
                                                    command.format.value_or(""), options);
    if (imported.format != "onnx" && !options.dims.empty()) {
        throw InputError("--set-dim: only ONNX models leave sizes open; this file is " +
                         imported.format);
    }
    if (imported.format != "onnx" && command.batch) {
        throw InputError("--batch: only ONNX models leave a batch open; this file is " +
                         imported.format + ", and its network is of one item: run it with --batch");
    }
    const std::string text = network_text(imported.network);
    std::cerr << report(imported);
    if (command.output && *command.output != "-") {
        write_file_whole(*command.output, text);
    } else {
        print_result(text);
    }
}

}  // namespace memwall
