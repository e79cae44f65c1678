// SPDX-License-Identifier: Apache-2.0
// The formats that importer.cpp lists, a file pair or a folder each.
#pragma once

#include <optional>
#include <string>

#include "workloads/importers/importer.hpp"

namespace memwall::importers {

// onnx/onnx.cpp: models, a graph of operators
bool recognises_onnx(const ImportFile& file);
Imported read_onnx(const ImportFile& file, const ImportOptions& options, Diagnostics& faults);
// scale_sim.cpp: topologies, a line of comma-separated numbers a layer
bool recognises_scale_sim(const ImportFile& file);
Imported read_scale_sim(const ImportFile& file, const ImportOptions& options, Diagnostics& faults);
// timeloop.cpp: problems, an affine loop nest each
bool recognises_timeloop(const ImportFile& file);
Imported read_timeloop(const ImportFile& file, const ImportOptions& options, Diagnostics& faults);
// zigzag.cpp: workloads, lists of layers with an equation each
bool recognises_zigzag(const ImportFile& file);
Imported read_zigzag(const ImportFile& file, const ImportOptions& options, Diagnostics& faults);
// maestro.cpp: Network { Layer ... }
bool recognises_maestro(const ImportFile& file);
Imported read_maestro(const ImportFile& file, const ImportOptions& options, Diagnostics& faults);

// foreign_files.cpp: what a file is that is no network, "a SCALE-Sim machine file"
std::optional<std::string> known_as_no_network(const ImportFile& file);

}  // namespace memwall::importers
