// SPDX-License-Identifier: Apache-2.0
// Files of other programs, written in a test, and what becomes of them.
#pragma once

#include <string>

#include "workloads/importers/importer.hpp"

namespace memwall::test {

/// A file of this name and content.
ImportFile import_file(const std::string& name, const std::string& content);
/// Throws InputError with all faults.
ImportedNetwork imported(const std::string& name, const std::string& content,
                         const ImportOptions& options = {}, const std::string& format = "");
/// All faults, one a line; "" where there are none. Anything but a network or an InputError fails
/// the test.
std::string import_faults(const std::string& name, const std::string& content,
                          const ImportOptions& options = {}, const std::string& format = "");
/// The lines below "layers:" of the network as a file.
std::string layer_lines(const Network& network);
/// All notes, one a line.
std::string notes(const ImportedNetwork& network);

}  // namespace memwall::test
