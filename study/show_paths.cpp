// SPDX-License-Identifier: Apache-2.0
// Every path that --set can name, with its value.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "base/yaml_writer.hpp"
#include "study/overrides.hpp"
#include "study/show.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

struct PathRow {
    std::string path;
    std::string value;
};

std::string quoted(const std::string& key) {
    return key.find('.') == std::string::npos ? key : "'" + key + "'";
}

/// Of a number with its status and source, the number: it is set as a bare one.
const YamlValue& set_value(const YamlValue& value) {
    const YamlValue* number = value.find("status") != nullptr ? value.find("value") : nullptr;
    return number != nullptr ? *number : value;
}

std::string value_of(const YamlValue& value) {
    return value.is_scalar() ? value.text() : yaml_flow(value);
}

void add_paths(const std::string& prefix, const YamlValue& sourced, std::vector<PathRow>& rows) {
    const YamlValue& value = set_value(sourced);
    if (value.is_map()) {
        for (const YamlValue::Entry& entry : value.entries()) {
            add_paths(prefix + "." + quoted(entry.key), entry.value, rows);
        }
        return;
    }
    // The elements of a list go by their name; a list without names is one value.
    const bool names =
        value.is_sequence() && !value.items().empty() &&
        std::any_of(value.items().begin(), value.items().end(),
                    [](const YamlValue& item) { return item.find("name") != nullptr; });
    if (!names) {
        rows.push_back({prefix, value_of(value)});
        return;
    }
    for (const YamlValue& item : value.items()) {
        if (const YamlValue* item_name = item.find("name")) {
            add_paths(prefix + "." + quoted(item_name->text()), item, rows);
        }
    }
}

std::vector<PathRow> path_rows(const std::vector<SettableFile>& files) {
    std::vector<PathRow> rows;
    for (const std::string& key : plain_keys()) {
        rows.push_back({key, ""});
    }
    for (const std::string& key : scenario_keys()) {
        rows.push_back({"scenario." + key, ""});
    }
    for (const SettableFile& file : files) {
        add_paths(file.prefix, file.root, rows);
    }
    return rows;
}

}  // namespace

Shown show_paths(const Configs& configs, const std::vector<SettableFile>& files) {
    const std::vector<PathRow> rows = path_rows(files);
    std::string folders;
    for (const std::filesystem::path& folder : configs.folders()) {
        folders += "names are looked up in " + folder.string() + "\n";
    }
    Shown shown;
    shown.json = [rows] {
        nlohmann::ordered_json json = nlohmann::ordered_json::array();
        for (const PathRow& row : rows) {
            json.push_back({{"path", row.path}, {"value", row.value}});
        }
        return json.dump(2) + "\n";
    };
    shown.csv = [rows] {
        std::string csv = csv_line({"path", "value"});
        for (const PathRow& row : rows) {
            csv += csv_line({row.path, row.value});
        }
        return csv;
    };
    shown.table = [rows, folders, files] {
        Table table({{"path for --set", Align::left}, {"value", Align::left}});
        for (const PathRow& row : rows) {
            table.add({row.path, row.value});
        }
        const std::string hint =
            files.empty() ? "\nwith --machine NAME or --network NAME their paths are listed too\n"
                          : "";
        return folders + "\n" + table.text() + hint;
    };
    return shown;
}

}  // namespace memwall
