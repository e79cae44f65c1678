// SPDX-License-Identifier: Apache-2.0
#include "tests/workloads/importers/imported.hpp"

#include "workloads/network_export.hpp"

namespace memwall::test {

ImportFile import_file(const std::string& name, const std::string& content) {
    return {name, name, content};
}

ImportedNetwork imported(const std::string& name, const std::string& content,
                         const ImportOptions& options, const std::string& format) {
    return import_network(import_file(name, content), format, options);
}

std::string import_faults(const std::string& name, const std::string& content,
                          const ImportOptions& options, const std::string& format) {
    try {
        imported(name, content, options, format);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

std::string layer_lines(const Network& network) {
    const std::string text = network_text(network);
    return text.substr(text.find("layers:\n") + 8);
}

std::string notes(const ImportedNetwork& network) {
    std::string text;
    for (const std::string& note : network.notes) {
        text += note + "\n";
    }
    return text;
}

}  // namespace memwall::test
