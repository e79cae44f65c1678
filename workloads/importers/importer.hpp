// SPDX-License-Identifier: Apache-2.0
// Networks from the files of other programs: one interface, one list of formats.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/yaml_value.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A file of another program, read whole.
struct ImportFile {
    std::filesystem::path path;
    std::string shown_as;  ///< in messages
    std::string content;

    [[nodiscard]] std::string stem() const { return path.stem().string(); }
    /// The ending of its name in lower case, ".onnx".
    [[nodiscard]] std::string extension() const;
};

struct ImportOptions {
    std::int64_t batch = 0;  ///< of formats whose tensors have it; 0: what the file says, or 1
    std::map<std::string, std::int64_t> dims;  ///< sizes of dimensions that a file only names
    bool skip_unsupported = false;             ///< leave out what cannot be expressed, and say so
};

/// A network in memwall's own form, its places those of the file that it came from.
struct Imported {
    YamlValue network;
    std::vector<std::string> notes;  ///< what a reader of the network should know, a line each
};

/// A format. Faults go to the Diagnostics; where there are any the result has no meaning.
struct Importer {
    const char* name;  ///< for --format
    const char* what;  ///< "ONNX models (.onnx)"
    bool (*recognises)(const ImportFile& file);
    Imported (*read)(const ImportFile& file, const ImportOptions& options, Diagnostics& faults);
    std::size_t largest_file;  ///< in bytes
};

/// All formats, in the order in which a file is tried: the one list. Duplicate names are an
/// internal error.
const std::vector<Importer>& builtin_importers();
std::vector<std::string> importer_names();

struct ImportedNetwork {
    Network network;
    std::string format;
    std::vector<std::string> notes;
};

/// Reads a whole file. Throws InputError where it cannot be read or is larger than 2 GiB.
ImportFile read_import_file(const std::filesystem::path& path);

/// The network in a file, of the named format or, where that is empty, of the one that its content
/// shows. Throws InputError with all faults.
ImportedNetwork import_network(const ImportFile& file, const std::string& format,
                               const ImportOptions& options);

}  // namespace memwall
