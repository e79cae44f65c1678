// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/importer.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/parse.hpp"
#include "workloads/importers/formats.hpp"
#include "workloads/network_yaml.hpp"

namespace memwall {
namespace {

constexpr std::size_t kLargestFile = std::size_t{2} << 30U;
constexpr std::size_t kLargestText = std::size_t{64} << 20U;

std::vector<Importer> make_importers() {
    using namespace importers;
    std::vector<Importer> list = {
        {"onnx", "ONNX models (.onnx)", recognises_onnx, read_onnx, kLargestFile},
        {"scalesim", "SCALE-Sim topologies, convolutions or GEMMs (.csv)", recognises_scale_sim,
         read_scale_sim, kLargestText},
        {"maestro", "MAESTRO layer files (.m)", recognises_maestro, read_maestro, kLargestText},
        {"zigzag", "ZigZag workloads (.yaml)", recognises_zigzag, read_zigzag, kLargestText},
        {"timeloop", "Timeloop problems (.yaml)", recognises_timeloop, read_timeloop, kLargestText},
    };
    for (std::size_t later = 0; later < list.size(); ++later) {
        for (std::size_t one = 0; one < later; ++one) {
            ensure(std::string_view(list[one].name) != list[later].name,
                   "two importers of one name");
        }
    }
    return list;
}

[[noreturn]] void refuse(const ImportFile& file, const std::string& message) {
    Diagnostic fault;
    fault.where.file = file.shown_as;
    fault.message = message;
    throw InputError(std::vector<Diagnostic>{fault});
}

const Importer& chosen(const ImportFile& file, const std::string& format) {
    const std::vector<Importer>& list = builtin_importers();
    if (!format.empty()) {
        const auto named = std::find_if(list.begin(), list.end(),
                                        [&](const Importer& each) { return format == each.name; });
        if (named == list.end()) {
            throw InputError("unknown format '" + format + "'" +
                             suggestion(format, importer_names()));
        }
        return *named;
    }
    if (const auto other = importers::known_as_no_network(file)) {
        const bool says_what_to_do = other->find_first_of(":,") != std::string::npos;
        refuse(file, "is " + *other + (says_what_to_do ? "" : "; expected a network"));
    }
    const auto known = std::find_if(list.begin(), list.end(),
                                    [&](const Importer& each) { return each.recognises(file); });
    if (known == list.end()) {
        std::string names;
        for (const std::string& name : importer_names()) {
            names += (names.empty() ? "" : ", ") + name;
        }
        refuse(file, "is of no known format; --format says which (" + names + ")");
    }
    return *known;
}

/// What became of the transpositions of a network; "" where it has none.
std::string note_on_transpositions(const Network& network) {
    const auto count = [&](bool free) {
        return std::count_if(network.layers().begin(), network.layers().end(), [&](const Layer& l) {
            return l.op == "transpose" && l.no_work == free;
        });
    };
    const auto counted = [](std::ptrdiff_t number) {
        return std::to_string(number) + (number == 1 ? " transposition " : " transpositions ");
    };
    const std::ptrdiff_t free = count(true);
    const std::ptrdiff_t copies = count(false);
    std::string note;
    if (free > 0) {
        note = counted(free) + (free == 1 ? "costs" : "cost") +
               " nothing: the layers around read or write in the other order";
    }
    if (copies > 0) {
        note +=
            (free > 0 ? "; " : "") + counted(copies) + (copies == 1 ? "is a copy" : "are copies");
    }
    return note;
}

}  // namespace

std::string ImportFile::extension() const {
    std::string ending = path.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return ending;
}

const std::vector<Importer>& builtin_importers() {
    static const std::vector<Importer> list = make_importers();
    return list;
}

std::vector<std::string> importer_names() {
    std::vector<std::string> names;
    for (const Importer& each : builtin_importers()) {
        names.emplace_back(each.name);
    }
    return names;
}

ImportFile read_import_file(const std::filesystem::path& path) {
    const auto most = Bytes(static_cast<std::int64_t>(kLargestFile));
    return {path, path.string(), read_file_whole(path, path.string(), "a file", most)};
}

ImportedNetwork import_network(const ImportFile& file, const std::string& format,
                               const ImportOptions& options) {
    const Importer& importer = chosen(file, format);
    if (file.content.size() > importer.largest_file) {
        refuse(file, "is larger than " +
                         format_bytes(Bytes(static_cast<std::int64_t>(importer.largest_file))));
    }
    Diagnostics faults;
    Imported imported = importer.read(file, options, faults);
    faults.throw_if_any();
    Network network = load_network(imported.network, faults);
    faults.throw_if_any();
    if (std::string note = note_on_transpositions(network); !note.empty()) {
        imported.notes.push_back(std::move(note));
    }
    return {std::move(network), importer.name, std::move(imported.notes)};
}

}  // namespace memwall
