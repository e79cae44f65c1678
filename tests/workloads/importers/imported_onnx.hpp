// SPDX-License-Identifier: Apache-2.0
// ONNX models made in a test, and what becomes of them.
#pragma once

#include <string>

#include "tests/support/onnx_models.hpp"
#include "tests/workloads/importers/imported.hpp"

namespace memwall::test {

/// The lines below "layers:" of the network that a model becomes.
inline std::string lines(const OnnxModel& model, const ImportOptions& options = {}) {
    return layer_lines(imported("net.onnx", model.bytes(), options).network);
}

/// As import_faults.
inline std::string faults(const OnnxModel& model, const ImportOptions& options = {}) {
    return import_faults("net.onnx", model.bytes(), options);
}

/// Leaves out what is unsupported.
inline ImportOptions skipping() {
    ImportOptions options;
    options.skip_unsupported = true;
    return options;
}

}  // namespace memwall::test
